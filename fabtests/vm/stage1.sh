#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# The guest's first process, in the initramfs: mounts the host's root, which it cannot write to, puts memory over it,
# and goes on with stage2.sh from there.
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount -t devtmpfs devtmpfs /dev
while read -r module; do $busybox insmod "/modules/$module"; done < /modules/order
$busybox mkdir /below /above
$busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose,access=any host /below
$busybox mount -t tmpfs tmpfs /above
$busybox mkdir /above/files /above/work
$busybox mount -t overlay -o lowerdir=/below,upperdir=/above/files,workdir=/above/work overlay /root
for word in $($busybox cat /proc/cmdline); do
    case $word in guest.stage2=*) next=${word#guest.stage2=} ;; esac
done
for folder in proc sys dev; do $busybox mount -o move /$folder /root/$folder; done
exec $busybox switch_root /root /bin/bash "$next"
