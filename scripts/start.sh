#!/usr/bin/env bash
# Runs the gateway; without arguments, with a simulated car and driver. What is passed goes to the
# gateway: scripts/start.sh --obd serial:///dev/ttyUSB0 --eeg thinkgear+serial:///dev/rfcomm0
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
[ $# -gt 0 ] || set -- --sim 1
# The compile cache makes the second start as fast as that of plain JavaScript.
export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-node_modules/.cache/node}
# An open() of a Bluetooth line may hold one of libuv's threads, of which there are 4 by default.
export UV_THREADPOOL_SIZE=8
PATH=$PWD/node_modules/.bin:$PATH
exec node src/main.ts "$@"
