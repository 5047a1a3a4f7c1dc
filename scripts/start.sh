#!/usr/bin/env bash
# Runs the gateway; with a simulated car and driver where neither arguments nor variables nor the
# settings in the data directory name a device. What is passed goes to the gateway, and relative paths
# are the caller's:
#   scripts/start.sh --obd serial:///dev/ttyUSB0 --eeg thinkgear+serial:///dev/rfcomm0
set -euo pipefail
unset CDPATH # cd would print where it went.
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/scripts/setup.sh"

# Whether the settings in a data directory say what to run with: the file itself, or what the gateway
# takes in its place should it be broken or gone, where lines of it are in JSON.
named_in() {
  grep -qsE "(^|[{,\"]|\\\\n) *[\"']?(obd|eeg|can|sim|replay)[\"']? *:" \
    "$1/settings.yaml" "$1/settings.good" "$1/settings.good.copy"
}

# Whether anything says what to run with. A file that is named is the gateway's to read, and whoever
# only asks it something gets nothing but the answer.
configured() {
  [ -z "${VIGIL_OBD:-}${VIGIL_EEG:-}${VIGIL_CAN:-}${VIGIL_SIM:-}${VIGIL_REPLAY:-}${VIGIL_CONFIG:-}" ] || return 0
  local arg before='' data=${VIGIL_DATA:-$root/data}
  for arg; do
    [ "$before" != --data ] || data=$arg
    before=$arg
    case $arg in
      --data=*) data=${arg#--data=} ;;
      --obd | --eeg | --can | --sim | --replay | --config) return 0 ;;
      --obd=* | --eeg=* | --can=* | --sim=* | --replay=* | --config=*) return 0 ;;
      --check | --help | -h | --version) return 0 ;;
    esac
  done
  named_in "$data"
}

if ! configured "$@"; then
  echo 'start: no device is given, so a car and a driver are simulated (--sim 1)' >&2
  set -- "$@" --sim 1
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
