#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the guests do: guest 1 runs what guest 0 asks it to, guest 0 goes through the parts named. Prints "PASS: ..." or
# "FAIL: ..." for each case.
#   in.sh BUILD PART ...
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
across="python3 $here/across.py"
port=7000
far=192.0.2.2:$port
window=/tmp/window
combined=/tmp/combined
rung=/tmp/rung
export FI_PROVIDER_PATH=$build/prov/anchor/.libs FI_PROVIDER=anchor FABTESTS_TIME_SCALE=10
export FI_ANCHOR_SHM_DIR=$window # tests have a /dev/shm of their own
export FABTESTS_JOB=/mnt/job
export PYTHONDONTWRITEBYTECODE=1

# A window of the two guests, FOLDER LINES, with the heartbeat of this one in it, and what else anchor_window COMMAND
# does.
join() { # FOLDER LINES [COMMAND]
    local folder=$1 host keeper
    mkdir "$folder"
    for host in 0 1; do
        printf '%shosts = 2\nhost = %s\ntimeout = 10000\n' "$2" $host >"$folder/host$host"
    done
    ln -s "host$GUEST_number" "$folder/own"
    mkfifo "$folder/keeper"
    "$build/tools/anchor_window" "${3:-keep}" "$folder/own" >"$folder/keeper" &
    echo $! >"$folder/host$GUEST_number.server"
    disown # a test may kill it
    exec {keeper}<"$folder/keeper"
    read -r -u "$keeper" # once it is at it
}

# Of the device's memory half is the window of most parts, a quarter the same mapped write-combined, and a quarter is for
# tests with windows of their own. The first half is also had with the device's interrupts, in a folder of its own.
set_up() {
    local device host
    device=$(dirname "$(grep -l 0x1110 /sys/bus/pci/devices/*/device)")
    echo 1 >"$device/enable"
    modprobe vfio-pci
    echo vfio-pci >"$device/driver_override"
    echo "${device##*/}" >/sys/bus/pci/drivers/vfio-pci/bind
    join $window "path = $device/resource2"$'\nsize = 64M\n'
    join $combined "path = $device/resource2_wc"$'\noffset = 64M\nsize = 32M\nmemory = write-combined\n'
    join $rung "path = $device/resource2"$'\nsize = 64M\n'"doorbell = vfio:${device##*/}"$'\n' serve
    ln -s "$device/resource2" $window/memory
    ln -s "$device/resource2" $rung/memory
    ln -s "$device/resource2_wc" $combined/memory
    for host in 0 1 2 3; do
        printf 'path = %s\noffset = 96M\nsize = 32M\nhosts = 4\nhost = %s\ntimeout = 10000\n' "$device/resource2" $host \
            >$window/garbage$host
    done
    export FI_ANCHOR_WINDOW=$window/own
}

said() {
    if test "$1" = 0; then echo "PASS: $2"; else echo "FAIL: $2"; fi
}

verdicts() { # PROGRAM PATTERN ...: TAP to our kind of lines
    local program=$1
    shift
    "$build/fabtests/$program" "$@" | while read -r line; do
        case $line in
        "not ok"*) echo "FAIL: ${program#*/} ${line#* - }" ;;
        ok*SKIP*) ;;
        ok*) echo "PASS: ${program#*/} ${line#* - }" ;;
        *) echo "$line" ;;
        esac
    done
}

in_use() { # where, and how to ask there
    local where=$1 count
    shift
    "$@" "$build/tools/anchor_window" show | tee $window/"shown.$where"
    count=$(grep -c 'in use' $window/"shown.$where")
    test "$count" = 2
}

discovery() {
    in_use there $across run $far && in_use here env
    said $? "each guest sees the other one in the window"
}

generation() { "$build/tools/anchor_window" show | grep -A 1 '^host 1' | grep generation; }

speed() { python3 "$here/compare_speed.py" $far; }

# Tests with ranks on both guests and a window's folder: FOLDER PROGRAM PATTERN ...
spread() {
    local folder=$1
    shift
    FABTESTS_DEVICE=window FABTESTS_WINDOW_FOLDER=$folder FABTESTS_WRAPPER="$across rank $far" verdicts "$@"
}

functional() {
    # Of all that the stage "window" runs on one machine, what depends on where the other side is.
    spread $window functional/messages calls_tagged calls_untagged completion_delivery_by_default \
        completion_inject_with_delivery completion_match\* completion_transmit order_of_four order_of_unexpected \
        sizes_cross_traffic sizes_tagged sizes_untagged start_both_at_once start_receiver_first start_never_then_late \
        truncation_tagged vectors_odd_splits
    spread $window functional/remote atomic_after_atomic atomic_every_call atomic_totals_of_processes rma_order_of_writes \
        rma_order_of_messages_after_writes rma_order_of_reads_and_writes rma_read_calls rma_write_calls
    spread $window functional/waiting descriptor_in_epoll sleeping_ping_pong sleeping_rendezvous wait_on_counter
}

# On memory that is really mapped so.
write_combined() {
    spread $combined functional/messages calls_tagged completion_transmit order_of_four sizes_cross_traffic sizes_tagged
    spread $combined functional/remote atomic_every_call atomic_totals_of_processes rma_order_of_messages_after_writes \
        rma_write_calls
    spread $combined functional/waiting descriptor_in_epoll sleeping_ping_pong
}

interrupts() { # how to ask for a file's lines
    "$@" grep vfio /proc/interrupts | awk '{for (i = 2; $i ~ /^[0-9]+$/; ++i) count += $i} END {print count + 0}'
}

ticks_of_server() { awk '{print $14 + $15}' "/proc/$(<"$rung/host0.server")/stat"; }

# Sleepers that are woken by interrupts, beside those whose keepers look for messages; at last without the servers.
doorbell() {
    local here_before there_before here_rung there_rung before idle
    spread $window functional/waiting --verbose doorbell_ping_pong doorbell_wakes\*
    here_before=$(interrupts env) there_before=$(interrupts $across run $far)
    export FABTESTS_WINDOW_DOORBELL=1
    spread $rung functional/waiting --verbose doorbell_ping_pong doorbell_wakes\* descriptor_in_epoll sleeping_ping_pong \
        sleeping_rendezvous wait_on_counter
    here_rung=$(($(interrupts env) - here_before)) there_rung=$(($(interrupts $across run $far) - there_before))
    echo "interrupts: $here_rung here, $there_rung there"
    test $here_rung -gt 1000 && test $there_rung -gt 1000
    said $? "sleepers in both guests are woken by interrupts"
    before=$(ticks_of_server)
    sleep 3
    idle=$(($(ticks_of_server) - before))
    echo "the server takes $idle ticks of 300"
    test $idle -le 9
    said $? "a doorbell's server that nobody rings for takes next to no processor time"
    spread $rung functional/waiting --verbose doorbell_server_is_killed
    unset FABTESTS_WINDOW_DOORBELL
}

mpi() { python3 "$here/mpi_across.py" $port; }

garbage() {
    FABTESTS_WRAPPER="$across rank $far" FABTESTS_GARBAGE=$window/garbage FABTESTS_WINDOW_MEMORY=$window/memory \
        verdicts vm/machines --verbose 'garbage_*'
}

loss() {
    local before after
    before=$(generation)
    FABTESTS_WRAPPER="$across rank $far" FI_ANCHOR_DEVICES=shm,window verdicts vm/machines --verbose 'guest_*'
    after=$(generation)
    test -n "$before" && test -n "$after" && test "$before" != "$after"
    said $? "a guest that was booted again has another generation"
}

set_up
if test "$GUEST_number" = 1; then
    $across agent $port
    exit
fi
for part in "$@"; do
    started=$SECONDS
    $part
    echo "$part took $((SECONDS - started)) s"
done
$across stop $far
