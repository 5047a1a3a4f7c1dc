#!/usr/bin/env bash
# The first process of a part's mount and process namespace: puts the data directory into the Debian tree,
# where nobody else sees it, and becomes the part. Its values come in variables from scripts/cloud.sh.
set -euo pipefail
part=$1

case $part in
  database) user=postgres home=var/lib/postgresql ;;
  broker) user=rabbitmq home=var/lib/rabbitmq ;;
esac
: "${tree:?}" "${data:?}" "${scripts:?}"

mkdir -p "$data/$part"
# Numbers of users are the tree's, and may be others in one that was made anew.
uid=$(sed -n "s/^$user:x:\([0-9]*\):.*/\1/p" "$tree/etc/passwd")
gid=$(sed -n "s/^$user:x:[0-9]*:\([0-9]*\):.*/\1/p" "$tree/etc/passwd")
[ "$(stat -c %u:%g "$data/$part")" = "$uid:$gid" ] || chown -R "$uid:$gid" "$data/$part"

mount --bind "$data/$part" "$tree/$home"
mount -t proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"
for directory in dev/shm run tmp; do mount -t tmpfs -o mode=1777 tmpfs "$tree/$directory"; done
# The part is read here: the clone may be nobody else's to read.
exec chroot "$tree" setpriv --reuid "$uid" --regid "$gid" --init-groups --pdeathsig KILL \
  env HOME="/$home" LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  bash -c "$(<"$scripts/$part.sh")"
