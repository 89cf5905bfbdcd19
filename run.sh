#!/usr/bin/env bash
# Installs what is missing, builds the daemon, starts it with config/tour.conf, shows a short tour with plain peers, and
# goes on serving until Ctrl-C. Without a terminal it ends after the tour.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/packages.sh

die() { echo "run.sh: $*" >&2; exit 1; }

install_missing "${BUILD_PACKAGES[@]}" || die "packages are missing"

echo "==> building"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ cmake --preset release -DFAIRLEAD_TESTS=OFF >"$log" 2>&1 && cmake --build --preset release >>"$log" 2>&1; } ||
  { tail -30 "$log"; die "the build failed"; }

echo "==> starting build/release/bin/fairleadd -c config/tour.conf"
build/release/bin/fairleadd -c config/tour.conf 2>"$log" &
daemon=$!
stop() { kill -TERM "$daemon" 2>/dev/null && wait "$daemon"; rm -f "$log"; }
trap stop EXIT

for _ in $(seq 100); do
  grep -q ' info ready ' "$log" && break
  kill -0 "$daemon" 2>/dev/null || { cat "$log" >&2; trap 'rm -f "$log"' EXIT; die "fairleadd did not start"; }
  sleep 0.1
done
python3 config/tour.py || die "the tour failed"

if [ ! -t 0 ] || [ ! -t 1 ]; then exit 0; fi
echo "==> serving on 127.0.0.1:7878 until Ctrl-C; the log follows"
trap 'echo' INT  # the daemon gets it too, and drains
tail -n +1 -f "$log" --pid="$daemon" &
while kill -0 "$daemon" 2>/dev/null; do wait "$daemon" || true; done
trap 'rm -f "$log"' EXIT
wait
