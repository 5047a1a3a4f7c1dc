#!/usr/bin/env bash
# Sets up and runs everything: format, lint and types, then unit, integration and browser tests.
# Installs what the tests need from Debian: chromium to look at the dashboard, socat for ptys,
# systemd-notify.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'test: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v socat >/dev/null || missing+=(socat)
# The service manager itself is not needed, only its notification tool.
command -v systemd-notify >/dev/null || missing+=(systemd)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "apt-get is missing: install ${missing[*]} by hand"
  root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "sudo is missing: install ${missing[*]} as root"
    root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

scripts/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
say 'types'
tsc --noEmit
say 'format and lint'
biome check --error-on-warnings .
say 'tests'
vitest run "$@"
