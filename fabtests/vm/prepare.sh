#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Makes what guests boot from in a folder: Debian's kernel, unpacked (nothing is installed in /boot), and an initramfs
# that holds no more than the way to the host's own root file system. Does nothing where that is done.
#   prepare.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
test ! -e initramfs || exit 0

missing=()
for package in busybox-static cpio kmod iproute2 iputils-ping qemu-system-x86 xz-utils; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
test ${#missing[@]} = 0 || DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"

package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')
release=${package#linux-image-}
if ! test -e "tree/boot/vmlinuz-$release"; then
    apt-get download "$package"
    dpkg-deb --extract "${package}"_*.deb tree
    depmod --basedir tree "$release"
fi
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
