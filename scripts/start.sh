#!/usr/bin/env bash
# Runs the gateway; with a simulated car and driver where neither arguments nor variables say what
# to run with. What is passed goes to the gateway, and relative paths are the caller's:
#   scripts/start.sh --obd serial:///dev/ttyUSB0 --eeg thinkgear+serial:///dev/rfcomm0
set -euo pipefail
unset CDPATH # cd would print where it went.
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/scripts/setup.sh"
if [ $# = 0 ] && [ -z "${VIGIL_OBD:-}${VIGIL_EEG:-}${VIGIL_CONFIG:-}${VIGIL_SIM:-}" ]; then
  set -- --sim 1
fi
# The compile cache makes the second start as fast as that of plain JavaScript.
export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/node_modules/.cache/node}
# An open() of a Bluetooth line may hold one of libuv's threads, of which there are 4 by default.
export UV_THREADPOOL_SIZE=8
# As in the unit: what is freed is given back.
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-1}
export MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-131072}
export MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-131072}
exec "$root/node_modules/.bin/node" "$root/src/main.ts" "$@"
