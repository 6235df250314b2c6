#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The guest's first process on the host's root: makes a machine of it, runs the job, says how it ended, and stops.
# From the kernel's command line: GUEST_number, GUEST_folder (of prepare.sh), GUEST_places that are to be seen though
# they may lie where the guest has memory of its own.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec </dev/null >/dev/ttyS0 2>&1
stty -opost -F /dev/ttyS0
for word in $(</proc/cmdline); do
    case $word in guest.*=*) name=${word%%=*}; declare -x "GUEST_${name#guest.}=${word#*=}" ;; esac
done
mkdir -p /dev/shm /dev/pts /dev/kept /mnt
IFS=: read -r -a places <<< "$GUEST_places"
for i in "${!places[@]}"; do mkdir "/dev/kept/$i" && mount --bind "${places[i]}" "/dev/kept/$i"; done
for folder in /dev/shm /run /tmp /mnt; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
for i in "${!places[@]}"; do
    if ! test -e "${places[i]}"; then mkdir -p "${places[i]}" && mount --bind "/dev/kept/$i" "${places[i]}"; fi
done
mount -t devpts devpts /dev/pts
mkdir /mnt/job
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none job /mnt/job
release=$(uname -r)
mkdir -p "/lib/modules/$release"
mount --bind "$GUEST_folder/tree/lib/modules/$release" "/lib/modules/$release"
hostname "guest$GUEST_number"
ip link set lo up
modprobe virtio_net
until test -e /sys/class/net/eth0; do sleep 0.1; done
ip address add "192.0.2.$((GUEST_number + 1))/24" dev eth0
ip link set eth0 up
cd /tmp
bash /mnt/job/run
echo $? > /mnt/job/status
sync
echo o > /proc/sysrq-trigger
sleep 60
