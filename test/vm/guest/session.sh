#!/bin/bash
# Process 1 of the virtual machine after init.sh: makes what every guest program finds there, runs one
# (VIGIL_PROGRAM), and says on the second serial line, which the kernel does not write to, how it ended.
# The program's own output is on the console, the first one.
export PATH=$VIGIL_CHECKOUT/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/tmp/home LC_ALL=C.UTF-8 TMPDIR=/tmp NODE_COMPILE_CACHE=/tmp/node-compile-cache

# Neither changes what is written, nor sends anything back that it reads.
stty -F /dev/ttyS1 raw -echo
exec 3>/dev/ttyS1

mkdir -p "$HOME" /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
mkdir -p /run/lock /run/dbus
hostname vigil-vm
# The kernel's buffer is the only queue that frames are in before they are read.
sysctl -q net.core.rmem_default=8388608 net.core.rmem_max=8388608

read -ra modules <<<"$VIGIL_MODULES"
[ ${#modules[@]} = 0 ] || modprobe -a "${modules[@]}" || exit
printf '%s\n' 'link set lo up' \
  'link add dev vcan0 type vcan' 'link set vcan0 up' \
  'link add dev vcan1 type vcan' 'link set vcan1 up' | ip -batch -

read -r uptime _ </proc/uptime
echo "BOOT $uptime" >&3
cd "$VIGIL_CHECKOUT" || exit
case $VIGIL_PROGRAM in
  *.ts) node "$VIGIL_PROGRAM" ;;
  *) bash "$VIGIL_PROGRAM" ;;
esac
code=$?

# Waits until what was written has gone out.
stty -F /dev/console sane
echo "EXIT $code" >&3
exec 3>&-
# The machine is started with -no-reboot, so it ends; nothing of it is kept.
echo b >/proc/sysrq-trigger
sleep infinity
