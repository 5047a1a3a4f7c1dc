#!/bin/busybox sh
# The first program of the virtual machine, from its initramfs. It makes a root of what the host shares,
# with a file system in memory on top that takes every write, and goes on there with session.sh.
# What the kernel does not know of its command line is in our environment: VIGIL_* of machine.ts.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

while read -r module; do insmod "/modules/$module"; done </modules/order

mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /host
mount -t tmpfs tmpfs /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root

# What is below these was the host's.
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
for place in run tmp; do mount -t tmpfs -o mode=1777 tmpfs "/root/$place"; done

# The checkout may be in one of the places that are hidden now.
if [ ! -e "/root$VIGIL_CHECKOUT/package.json" ]; then
  mkdir -p "/root$VIGIL_CHECKOUT"
  mount --bind "/host$VIGIL_CHECKOUT" "/root$VIGIL_CHECKOUT"
fi

# Modules that the kernel asks for later come from the cache of the host.
release=$(uname -r)
mkdir -p "/root/lib/modules/$release"
mount --bind "/host$VIGIL_MODULE_TREE/lib/modules/$release" "/root/lib/modules/$release"

# Process 1 itself changes its root: programs that the kernel starts, modprobe, are looked for there too.
exec switch_root /root /bin/bash "$VIGIL_CHECKOUT/test/vm/guest/session.sh"
