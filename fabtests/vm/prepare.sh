#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Makes what guests boot from in a folder: Debian's kernel, unpacked (nothing is installed in /boot), and an initramfs
# that holds no more than the way to the host's own root file system. Does nothing where that is done. Packages that are
# missing are installed.
#   prepare.sh FOLDER
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

fail() {
    echo "prepare.sh: $*" >&2
    exit 1
}

as_root() {
    if test "$(id -u)" = 0; then "$@"; else sudo "$@"; fi
}

missing=()
for package in busybox-static cpio kmod iproute2 qemu-system-x86 xz-utils; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if test ${#missing[@]} != 0; then
    as_root apt-get -qq update || fail "apt-get update failed; ${missing[*]} must be installed"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get cannot install ${missing[*]}"
fi
test ! -e initramfs || exit 0

newest_kernel() { apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-[0-9]/ {print $2; exit}'; }
fetch_kernel() { apt-get -qq download "$1" && dpkg-deb --extract "$1"_*.deb tree; }
package=$(newest_kernel)
release=${package#linux-image-}
if test -z "$package" || ! test -e "tree/boot/vmlinuz-$release"; then
    # The lists may be older than what the mirror has.
    test -n "$package" && fetch_kernel "$package" || {
        as_root apt-get -qq update || fail "apt-get update failed; the guests need Debian's kernel"
        package=$(newest_kernel)
        test -n "$package" || fail "apt knows no linux-image-amd64, which the guests boot"
        release=${package#linux-image-}
        fetch_kernel "$package" || fail "$package, which the guests boot, cannot be fetched"
    }
fi
depmod --basedir tree "$release"
echo "$release" > release

# Unpacked, the kernel starts five seconds earlier under emulation: it lies in its own image as an xz or gzip stream.
python3 - "tree/boot/vmlinuz-$release" kernel <<'END'
import lzma, sys, zlib
image = open(sys.argv[1], "rb").read()
for magic, unpack in ((b"\xfd7zXZ\0", lambda data: lzma.LZMADecompressor().decompress(data)),
                      (b"\x1f\x8b\x08", lambda data: zlib.decompressobj(31).decompress(data))):
    at = image.find(magic)
    while at >= 0:
        try:
            kernel = unpack(image[at:])
            if kernel[:4] == b"\x7fELF":
                open(sys.argv[2], "wb").write(kernel)
                sys.exit(0)
        except (lzma.LZMAError, zlib.error):
            pass
        at = image.find(magic, at + 1)
sys.exit("no kernel in " + sys.argv[1])
END

content=$(mktemp -d)
trap 'rm -rf "$content"' EXIT
mkdir -p "$content"/{bin,modules,proc,sys,dev,root}
cp /bin/busybox "$content/bin/"
cp "$here/stage1.sh" "$content/init"
chmod 755 "$content/init"
for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe --dirname "$PWD/tree" --set-version "$release" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r file; do
    cp "$file" "$content/modules/"
    basename "$file" >> "$content/modules/order"
done
(cd "$content" && find . | cpio --create --format=newc --quiet) > initramfs.part
mv initramfs.part initramfs
