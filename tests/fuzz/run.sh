#!/usr/bin/env bash
# Builds the libFuzzer programs (the build preset `fuzz`) and runs each for a while, from the saved inputs on. Prints one
# line per program; fails at a finding, and keeps the input that shows it.
#
#   tests/fuzz/run.sh [--built] [--runs N] [NAME...]     NAME: detect framed len32 text config session
#                                                            client handover
#
# --built    they are built already
# --runs N   each makes N runs; without it 20,000, or as many as fit into a minute. FAIRLEAD_FUZZ_RUNS=N says the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() { echo "tests/fuzz/run.sh: $*" >&2; exit 1; }

built=no runs=${FAIRLEAD_FUZZ_RUNS:-}
while [[ "${1:-}" == --* ]]; do
  case "$1" in
    --built) built=yes; shift ;;
    --runs) runs=${2:-none}; shift $(($# > 1 ? 2 : 1)) ;;
    *) die "there is no option $1" ;;
  esac
done
limits=(-runs=20000 -max_total_time=60)
if [ -n "$runs" ]; then
  [[ "$runs" =~ ^[1-9][0-9]*$ ]] || die "--runs takes a number"
  limits=("-runs=$runs")
fi
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for source in tests/fuzz/*_fuzzer.cpp; do names+=("$(basename "$source" _fuzzer.cpp)"); done
fi
for name in "${names[@]}"; do
  [ -f "tests/fuzz/${name}_fuzzer.cpp" ] || die "there is no fuzzer $name"
done

command -v clang++-16 >/dev/null ||
  die "clang++-16 is missing, NOTHING WAS FUZZED: apt-get install clang-16 libclang-rt-16-dev"

build=build/asan
mkdir -p "$build/findings"
if [ "$built" = no ] &&
  ! { cmake --preset asan && cmake --build --preset fuzz --target "${names[@]/#/fuzz_}"; } >"$build/fuzz-build.log" 2>&1
then
  tail -n 40 "$build/fuzz-build.log" >&2
  die "the build failed; all of it is in $build/fuzz-build.log"
fi

# A run is short and takes little memory, so that a small quarantine holds all it has freed, and a few frames of a stack
# say where; both together are worth a third of the speed.
export ASAN_OPTIONS=quarantine_size_mb=4:malloc_context_size=4${ASAN_OPTIONS:+:$ASAN_OPTIONS}

found=no
for name in "${names[@]}"; do
  log=$build/fuzz_$name.log
  learnt=$build/corpus/$name
  rm -rf "$learnt"
  mkdir -p "$learnt"
  began=$SECONDS
  verdict=ok
  # Nearly every limit is within reach of so many bytes, and longer inputs only take longer; those that are saved are
  # replayed whole by the tests fuzz_corpus_NAME. The entropic schedule takes half of the time for its own arithmetic.
  "$build/bin/fuzz_$name" "${limits[@]}" -max_len=512 -entropic=0 -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/findings/$name-" \
    "$learnt" "tests/fuzz/corpus/$name" >"$log" 2>&1 || verdict=FOUND
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  printf 'fuzz_%-8s %9s runs %4d s  %s\n' "$name" "${runs:-?}" $((SECONDS - began)) "$verdict"
  [ "$verdict" = ok ] && continue
  found=yes
  grep -E 'broken invariant|ERROR: |runtime error|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
  echo "  the whole report: $log; again: $build/bin/fuzz_$name INPUT" >&2
done
[ "$found" = no ] || die "a fuzzer found something; its input is kept in $build/findings"
