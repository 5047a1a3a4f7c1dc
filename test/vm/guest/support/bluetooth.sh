#!/bin/bash
# Starts what Bluetooth needs in a virtual machine: `bash test/vm/guest/support/bluetooth.sh COUNT` makes so
# many controllers (hci0, ...), which see each other, and leaves them with D-Bus and bluetoothd running.
# Nothing of the host's is known to bluetoothd: no device is paired.
set -euo pipefail
count=$1

# The kernel gives a controller two seconds to answer, in which btvirt is not to wait for modules of its
# own, nor for a processor that starts a daemon: so those come first.
modprobe -a hci_vhci rfcomm algif_hash algif_skcipher cmac ecb
mkdir -p /run/dbus /var/lib/bluetooth
mount -t tmpfs tmpfs /var/lib/bluetooth
dbus-daemon --system --fork 3>&-
/usr/libexec/bluetooth/bluetoothd --nodetach >/tmp/bluetoothd.log 2>&1 3>&- &
owner=(dbus-send --system --print-reply --dest=org.freedesktop.DBus
  / org.freedesktop.DBus.GetNameOwner string:org.bluez)
for _ in {1..100}; do
  ! "${owner[@]}" >/dev/null 2>&1 || break
  sleep 0.1
done

# On a host so busy that the two seconds go by all the same, a controller stays away: it is plugged in anew.
for _ in {1..3}; do
  btvirt "-l$count" >/tmp/btvirt.log 2>&1 3>&- &
  for _ in {1..20}; do
    sleep 0.3
    [ "$(bluetoothctl list | grep -c '^Controller ')" != "$count" ] || exit 0
  done
  kill $!
  wait $! || true
done
echo "bluetoothd does not list $count controllers:"
bluetoothctl list
cat /tmp/btvirt.log /tmp/bluetoothd.log
exit 1
