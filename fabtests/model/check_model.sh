#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Has spin prove the sleep protocol, with and without deaths, and shows that it finds what would be missing without each
# of its parts. Exit status 77 (skipped) where spin is not installed.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/sleep.pml
command -v spin >/dev/null || { echo "spin is not installed"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

holds() { # FLAG...: whether no error is found in the whole of the model
    rm -f pan
    spin -a "$@" "$model" >log && ${CC:-cc} -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=1500 -o pan pan.c || fail "no model of $*"
    ./pan -m1000000 -n >log
    grep -q 'errors: 0' log && ! grep -qE 'not completed|too small|memory limit' log
}

fail() {
    cat log
    echo "FAILED: $*"
    exit 1
}

for variant in -DSECOND=0 '-DSECOND=0 -DDEATH' -DSECOND=1 -DDISTANT '-DDISTANT -DDEATH' '-DDISTANT -DSECOND=1'; do
    holds $variant || fail "the protocol with $variant"
    echo "$variant holds: $(grep 'states, stored' log)"
done
for fault in BROKEN_NO_BARRIER BROKEN_NO_FENCE BROKEN_NO_SECOND_LOOK 'DISTANT -DBROKEN_NO_LATER_LOOK'; do
    # shellcheck disable=SC2086 # several words
    if holds -D$fault; then fail "$fault is not noticed"; fi
    echo "$fault is noticed"
done
