#!/usr/bin/env bash
# Makes a fresh clone ready to run: npm packages with the pinned Node, and the HTTP library made
# loadable on older systems. A second run does nothing. Needs git, and npm of any Node from 20.
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
# so that a setup which was interrupted begins again.
stamp=node_modules/.vigil-lock
if ! cmp -s package-lock.json "$stamp"; then
  command -v npm >/dev/null || fail "npm is missing: install Node 20 or newer, which brings it"
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "Node 20 or newer is needed to install packages, this is $(node -v)"
  say "installing the packages of package-lock.json"
  rm -f "$stamp"
  npm ci --loglevel=error || fail "npm ci ended with an error (see above)"
  cp package-lock.json "$stamp"
fi

node=node_modules/node-linux-$arch/bin/node
[ -x "$node" ] || fail "$node is missing: npm left out the optional package node-linux-$arch"
wanted=$(sed -n "s/.*\"node-linux-$arch\": \"\(.*\)\".*/v\1/p" package.json)
[ "$("$node" --version)" = "$wanted" ] || fail "$node is $("$node" --version), not $wanted"

"$node" scripts/uws-relink.ts
