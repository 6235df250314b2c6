#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The provider and libfabric 2: compiles the sources against Debian 13's headers with its compiler, then runs the
# functional tests and the example server there twice, side by side: with the plugin just compiled and with the one that
# was built for libfabric 1.17.
#
#   check_libfabric2.sh BUILD PROGRAM...
#
# BUILD is the build folder of the 1.17 plugin, with a released tree (make distdir) in BUILD/libfabric2/source;
# PROGRAM one relative to BUILD: a test, or below fabtests/examples what check_server.py runs.
# Debian 13 lies in a folder made by debootstrap, once for a list of packages. Mounts are made in a mount namespace and
# so vanish with it.
#
# ANCHOR_CACHE    where Debian 13 is kept (default: ~/.cache/anchor)
# ANCHOR_MIRROR   Debian mirror (default: http://deb.debian.org/debian)
set -eu

cache=${ANCHOR_CACHE:-$HOME/.cache/anchor}
root=$cache/debian13
packages=g++,make,libevent-dev,libfabric-dev,libfabric-bin,python3

fail() {
    echo "check_libfabric2: $*" >&2
    exit 1
}

make_root() {
    command -v debootstrap >/dev/null || fail "debootstrap is not installed"
    echo "Debian 13 goes to $root; this takes a minute"
    rm -rf "$root.part"
    mkdir -p "$root.part"
    debootstrap --variant=minbase --include=$packages trixie "$root.part" \
        "${ANCHOR_MIRROR:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 ||
        { tail -n 20 "$cache/debootstrap.log"; fail "debootstrap failed"; }
    echo "$packages" >"$root.part/packages"
    rm -rf "$root"
    mv "$root.part" "$root"
}

# The namespace's own mounts: the kernel's file systems, and the build folder under the name it has outside.
enter_root() { # BUILD PROGRAM...
    mount --bind "$root" "$root" # a root that is no mount point cannot be made private by the tests
    for folder in dev proc sys; do
        mount --rbind "/$folder" "$root/$folder"
    done
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 \
        FABTESTS_TIME_SCALE="${FABTESTS_TIME_SCALE:-2}" "$1/libfabric2/source/fabtests/check/check_libfabric2.sh" \
        --inside "$@"
}

run_tests() { # NAME BUILD PROGRAM...
    name=$1 folder=$2 failed=0
    shift 2
    echo "$name"
    for test in "$@"; do
        case $test in fabtests/examples/*) continue ;; esac
        (cd "$folder" && FI_PROVIDER_PATH=$folder/prov/anchor/.libs "./$test") >"$folder/$test.out" 2>&1 &&
            status=0 || status=$?
        sed -n -e 's/^ok [0-9]* -.* # SKIP.*/SKIP: &/p;t' -e 's/^ok /PASS: ok /p;s/^not ok /FAIL: not ok /p' "$folder/$test.out"
        if [ "$status" -ne 0 ]; then
            echo "FAIL: $test ended with status $status"
            grep -v '^ok ' "$folder/$test.out"
            failed=1
        fi
    done
    run_server "$folder"
    return $failed
}

run_server() { # BUILD
    log=$1/check_server.out
    if FI_PROVIDER_PATH=$1/prov/anchor/.libs "$source/fabtests/examples/check_server.py" "$1/fabtests/examples" \
        >"$log" 2>&1; then
        echo "PASS: check_server.py"
    else
        echo "FAIL: check_server.py"
        cat "$log"
        failed=1
    fi
}

inside() { # BUILD PROGRAM...
    build=$1 source=$1/libfabric2/source
    shift
    fi_info --version
    mkdir "$build/libfabric2/build"
    cd "$build/libfabric2/build"
    ../source/configure CXXFLAGS='-O1 -g1' --disable-lto
    make -j"$(nproc)" all "$@"
    result=0
    run_tests "built against libfabric 2" "$build/libfabric2/build" "$@" >newer.log &
    run_tests "built against libfabric 1.17" "$build" "$@" || result=1
    wait $! || result=1
    cat newer.log
    exit $result
}

case $1 in
--inside)
    shift
    inside "$@"
    ;;
--in-namespace)
    shift
    enter_root "$@"
    ;;
*)
    [ "$(id -u)" = 0 ] || fail "must be root, for debootstrap and chroot"
    [ "$(cat "$root/packages" 2>/dev/null)" = "$packages" ] || make_root
    exec unshare --mount --propagation=private "$0" --in-namespace "$@"
    ;;
esac
