#!/usr/bin/env bash
# Makes a fresh clone ready to run: npm packages with the pinned Node, the HTTP library made loadable
# on older systems, a fault of the database mended, and CAN sockets where there is a compiler for them.
# A second run does nothing. Needs git, and npm of any Node from 20.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || fail "this is $(uname -s); Vigil reads its devices through Linux only"
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) fail "no Node is pinned for $(uname -m); there is one for x86_64 and aarch64" ;;
esac

# The stamp holds the lock file that node_modules was made from. It is gone while that is not whole,
# so that a set-up which was interrupted begins again.
stamp=node_modules/.vigil-lock

# The packages that we ask for and that are not there.
left_out() {
  local name
  for name in $(sed -n '/ependencies": {/,/}/s/^ *"\([^"]*\)": ".*/\1/p' package.json); do
    case $name in node-linux-*) [ "$name" = "node-linux-$arch" ] || continue ;; esac
    [ -f "node_modules/$name/package.json" ] || printf '%s ' "$name"
  done
}

# Whether node_modules is what package-lock.json says, and has each package that we ask for.
whole() { cmp -s package-lock.json "$stamp" && [ -z "$(left_out)" ]; }

# Runs a command in a process group of its own, which a signal to us ends at once and altogether.
child=
run() {
  local code=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || code=$?
  child=
  return "$code"
}

interrupted() {
  trap '' INT TERM
  [ -z "$child" ] || kill -KILL -- "-$child" 2>/dev/null || true
  fail "interrupted; run it again"
}

install() {
  command -v npm >/dev/null || fail "npm is missing: install Node 20 or newer, which brings it"
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "Node 20 or newer is needed to install packages, this is $(node -v)"
  say "installing the packages of package-lock.json"
  rm -f "$stamp"
  run rm -rf node_modules
  run npm ci --loglevel=error || fail "npm ci ended with an error (see above)"
  # npm leaves out what is optional and not for this machine, or not for its own Node, without a word.
  local missing
  missing=$(left_out)
  [ -z "$missing" ] || fail "npm ci left out ${missing% }"
  cp package-lock.json "$stamp"
}

if ! whole; then
  trap interrupted INT TERM
  exec 9>.setup.lock
  flock -n 9 || { say "waiting for another set-up"; run flock 9; }
  whole || install
  trap - INT TERM
fi

node=node_modules/node-linux-$arch/bin/node
[ -x "$node" ] || fail "$node is missing: the package node-linux-$arch is not whole"
wanted=$(sed -n "s/.*\"node-linux-$arch\": \"\(.*\)\".*/v\1/p" package.json)
[ "$("$node" --version)" = "$wanted" ] || fail "$node is $("$node" --version), not $wanted"

"$node" scripts/uws-relink.ts
"$node" scripts/lmdb-mend.ts
"$node" scripts/socketcan-build.ts
