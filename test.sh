#!/usr/bin/env bash
# Builds and tests everything. Without arguments: the release suite, the unit tests and the simulation under ASan+UBSan,
# and a short run of each fuzzer. With --all: also the suite under ASan+UBSan and under TSan and the long tests, which
# measure and so are for the release alone, and a test that is skipped is a failure.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/packages.sh

all=no
case "${1:-}" in
  "") ;;
  --all) all=yes ;;
  *) echo "usage: ./test.sh [--all]" >&2; exit 2 ;;
esac

began=$SECONDS
step() { echo; echo "==> [$((SECONDS - began)) s] $*"; }
die() { echo "test.sh: $*" >&2; exit 1; }

# build PRESET [target]
build() {
  step "building $*"
  cmake --preset "$1" >"build-$1.log" 2>&1 || { cat "build-$1.log"; die "cmake --preset $1 failed"; }
  rm -f "build-$1.log"
  cmake --build --preset "$1" --target "${2:-all}" || die "the $1 build failed"
}

# suite PRESET [ctest arguments]: the summary is ctest's own; under --all a skip is a failure.
suite() {
  local preset=$1 log=build/$1/ctest.log
  shift
  step "testing $preset $*"
  ctest --preset "$preset" "$@" 2>&1 | tee "$log" || die "tests failed ($preset)"
  if [ "$all" = yes ] && grep -q '\*\*\*Skipped\|(Skipped)' "$log"; then
    die "tests were skipped ($preset)"
  fi
}

packages=("${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}")
[ "$all" = no ] || packages+=("${LONG_TEST_PACKAGES[@]}")
install_missing "${packages[@]}" || die "packages are missing"

build release
if [ "$all" = yes ]; then
  export FAIRLEAD_LONG=1
  build asan
  build tsan
  suite asan -LE long
  suite tsan -LE long
else
  build asan sans_io_tests
  suite asan -L 'unit|sim|fuzz'
fi

step "fuzzing, a short run"
tests/fuzz/run.sh || die "a fuzzer found something"

suite release
