#!/usr/bin/env bash
# Builds and tests. What is missing is installed first.
#
#   ./test.sh               what every change has to pass: the tests of the programs as they ship; under ASan+UBSan the unit
#                           tests, the simulation, the saved inputs of the fuzzers, and a short run of each fuzzer
#   ./test.sh --all         everything: the parts below, one after the other
#   ./test.sh --only PART   one of them:
#       release    the suite, as the programs ship
#       asan       the suite under ASan+UBSan
#       tsan       the suite under TSan
#       fuzz       each fuzzer for longer
#       long-server, long-client   the long tests, which measure; those of bench and get are the client's
#       coverage   which lines the tests without a daemon reach: build/coverage/coverage.html
#       tidy       clang-tidy over what ships
#
# With --all and --only a test that is skipped is a failure. The result of each run is a line of build/results.txt: when,
# the commit, the part, how it ended, and how long it took.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/packages.sh

PARTS=(release asan tsan fuzz long-server long-client coverage tidy)
FUZZ_RUNS=500000
jobs=$((2 * $(nproc)))  # tests that run at once: most of them wait most of the time

usage() { sed -n '2,/^set/{/^# \?/s///p}' "$0"; exit "$1"; }
die() { echo "test.sh: $*" >&2; exit 1; }
step() { echo; echo "==> [$SECONDS s] $*"; }

export ASAN_OPTIONS=external_symbolizer_path=/usr/bin/addr2line${ASAN_OPTIONS:+:$ASAN_OPTIONS}  # a report names lines
beside=
took=()
# timed NAME COMMAND...: the last line says how long it took.
timed() {
  local name=$1 began=$SECONDS ended=0
  shift
  "$@" || ended=$?
  took+=("$name $((SECONDS - began)) s")
  return $ended
}

# install PACKAGE...
install() { install_missing "$@" || die "packages are missing"; }

# build PRESET [TARGET...]
build() {
  local preset=$1 log=build/$1-configure.log
  shift
  step "building $preset $*"
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; die "cmake --preset $preset failed"; }
  cmake --build --preset "$preset" ${*:+--target "$@"} || die "the $preset build failed"
}

# suite NAME COMMAND...: runs ctest; where all must run, a skip is a failure.
suite() {
  local name=$1 log=build/$1-tests.log
  shift
  step "testing $name"
  "$@" 2>&1 | tee "$log" || { echo "test.sh: tests failed ($name)" >&2; return 1; }
  [ "$part" = quick ] || ! grep '\*\*\*Skipped\|(Skipped)' "$log" || { echo "test.sh: tests were skipped ($name)" >&2; return 1; }
}

# ctest in the build folder of PRESET.
tests_of() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "$@"
}

# Most tests of the programs wait most of the time: meanwhile the rest is built and does what only computes. It gives way.
quick() {
  local failed=no
  timed "release build" build release programs_and_peers
  set -m  # a process group of its own, so that all of it can be ended
  sanitizers >build/sanitizers.log 2>&1 &
  beside=$!
  set +m
  timed "release tests side by side" suite release tests_of release -LE '^(long|alone|sans_io)$' || failed=yes
  step "waiting for what runs beside them (build/sanitizers.log)"
  timed "the wait for the sanitizers" wait "$beside" || { tail -n 100 build/sanitizers.log; failed=yes; }
  beside=
  grep -E '^==>|tests passed' build/sanitizers.log
  took+=("beside them $(tail -n 1 build/sanitizers.log)")
  timed "release tests that run alone" suite alone tests_of release -L '^alone$' || failed=yes
  [ "$failed" = no ]
}

sanitizers() {
  took=()
  renice -n 19 "$BASHPID" >/dev/null
  timed "sanitizer build" build asan sans_io_tests fuzzers &&
    timed "sanitizer tests" suite sanitizers tests_of asan -L '^(unit|sim|fuzz)$' -j "$(nproc)" &&
    timed "fuzzing" suite fuzzing tests_of asan -L '^fuzzing$' -j "$(nproc)" &&
    (IFS=,; echo "(${took[*]/#/ } )")
}

run() {
  local failed=no
  mkdir -p build
  case "$part" in
    quick) quick ;;
    release | asan | tsan)
      timed build build "$part"
      timed tests suite "$part" tests_of "$part" -LE '^(long|fuzzing|alone)$' || failed=yes
      timed "tests that run alone" suite "$part-alone" tests_of "$part" -L '^alone$' || failed=yes
      [ "$failed" = no ] ;;
    fuzz)
      timed build build asan fuzzers
      export FAIRLEAD_FUZZ_RUNS=$FUZZ_RUNS
      timed fuzzing suite fuzz ctest --preset fuzz -j "$(nproc)" ;;
    long-server | long-client)
      timed build build release
      timed tests suite "$part" tests_of release -L "^$part\$" ;;
    coverage)
      timed build build coverage sans_io_tests integration
      timed tests suite coverage ctest --preset coverage -j "$(nproc)" &&
        cat build/coverage/coverage.txt ;;
    tidy)
      timed "build with clang-tidy" build tidy fairleadd fairlead
      timed tests suite tidy ctest --preset tidy ;;
  esac
}

# Written down however it ends.
record() {
  local ended=$? commit
  [ -z "$beside" ] || kill -- "-$beside" 2>/dev/null
  commit=$(git rev-parse --short HEAD 2>/dev/null || echo "no commit")
  [ -z "$(git status --porcelain 2>/dev/null)" ] || commit+=" and changes"
  [ "$ended" = 0 ] && ended=passed || ended=failed
  mkdir -p build
  printf '%s  %s  %s  %s  %d s\n' "$(date -u '+%F %T')" "$commit" "$part" "$ended" $SECONDS >>build/results.txt
  echo
  (IFS=,; echo "$part $ended in $SECONDS s:${took[*]/#/ }")
}

case "${1:-}" in
  "") part=quick ;;
  --only)
    part=${2:-}
    [[ $# = 2 && " ${PARTS[*]} " == *" $part "* ]] || usage 2 >&2
    export FAIRLEAD_LONG=1 ;;
  --all)
    [ $# = 1 ] || usage 2 >&2
    failed=()
    for part in "${PARTS[@]}"; do "./$(basename "$0")" --only "$part" || failed+=("$part"); done
    echo
    tail -n ${#PARTS[@]} build/results.txt
    [ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}"
    exit 0 ;;
  --help) usage 0 ;;
  *) usage 2 >&2 ;;
esac

trap record EXIT
packages=("${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}")
[ "$part" = quick ] || packages+=("${PART_PACKAGES[@]}")
timed packages install "${packages[@]}"
if run; then exit 0; else exit 1; fi
