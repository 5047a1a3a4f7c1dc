#!/usr/bin/env bash
# Makes the Debian 13 tree with the broker and the database that scripts/cloud.sh runs, as its argument
# names it; one that is there already is taken, and made anew when a part of it is gone. Needs root.
set -euo pipefail
tree=$1

say() { printf 'cloud: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }

SUITE=trixie
PACKAGES=rabbitmq-server,postgresql-17,postgresql-17-timescaledb
# The tree, and the packages that it is made from.
KB_MIN=1048576
# The last thing to be written into a tree. What is left out is documentation, and a database cluster.
stamp=$tree/.vigil-tree
wanted="$SUITE $PACKAGES 1"

whole() {
  local file
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] || return 1
  for file in bin/bash usr/lib/rabbitmq/bin/rabbitmq-server usr/bin/erl usr/bin/epmd usr/bin/setpriv \
    usr/lib/postgresql/17/{bin/postgres,bin/initdb,bin/pg_isready,lib/timescaledb.so}; do
    [ -e "$tree/$file" ] || return 1
  done
}
! whole || exit 0

mkdir -p "$(dirname "$tree")"
exec 9>"$tree.lock"
flock -n 9 || { say "waiting for another who makes $tree"; flock 9; }
! whole || exit 0
if [ -e "$tree" ] && [ ! -e "$stamp" ] && [ -n "$(ls -A "$tree" 2>/dev/null || echo file)" ]; then
  fail "$tree is there, and no tree of ours: it is left alone; name another with --tree"
fi

free=$(df -Pk "$(dirname "$tree")" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
[ "$free" -ge "$KB_MIN" ] ||
  fail "the tree needs $((KB_MIN / 1024)) MB in $(dirname "$tree"), where $((free / 1024)) MB are free"

missing=()
command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
command -v gpgv >/dev/null || missing+=(gpgv)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "${missing[*]} is missing, and so is apt-get: use scripts/cloud/compose.yaml"
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Where this machine gets its own Debian packages from, there are those of another release too. On a
# machine that has none it is for mmdebstrap to know.
sources=()
# shellcheck disable=SC2016 # These names are apt's.
format='$(ORIGIN) $(REPO_URI) $(CODENAME)'
if command -v apt-get >/dev/null; then
  while read -r uri codename; do
    case $codename in
      *-security) line="deb $uri $SUITE-security main" ;;
      *-*) continue ;;
      *) line="deb $uri $SUITE main" ;;
    esac
    [[ " ${sources[*]} " == *" $line "* ]] || sources+=("$line")
  done < <(apt-get indextargets --format "$format" 'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u)
fi
# Updates of a release are nothing without it.
[[ "${sources[*]}" == *" $SUITE main"* ]] || sources=()

say "making a Debian 13 tree with $PACKAGES in $tree"
began=$SECONDS
rm -rf --one-file-system "$tree.new"
# Mounts that are left over by an interruption end with the namespace.
# shellcheck disable=SC2016 # The hooks are run by mmdebstrap's shell.
unshare --mount mmdebstrap --mode=root --variant=minbase --include="$PACKAGES" \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --essential-hook='mkdir "$1/etc/postgresql-common"; echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
  --customize-hook='echo "127.0.0.1 localhost" >"$1/etc/hosts"' \
  "$SUITE" "$tree.new" "${sources[@]}" >"$tree.log" 2>&1 </dev/null || {
  tail -n 15 "$tree.log" >&2
  fail "the tree could not be made: is there a network? All of it is in $tree.log"
}
printf '%s\n' "$wanted" >"$tree.new/.vigil-tree"
[ ! -e "$tree" ] || rm -rf --one-file-system "$tree"
mv "$tree.new" "$tree"
say "made in $((SECONDS - began)) s"
