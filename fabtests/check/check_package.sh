#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the Debian package from a released tree (FOLDER/source), unpacks it, and has libfabric load what is in it.
# DEB_BUILD_OPTIONS as for dpkg-buildpackage; nocheck leaves the package's own tests out.
#   check_package.sh FOLDER
set -eu
cd "$1"
(cd source && dpkg-buildpackage --build=binary --unsigned-changes --jobs="$(nproc)")
dpkg-deb --extract libfabric-anchor-provider_*.deb unpacked
dpkg-deb --contents libfabric-anchor-provider_*.deb

folder=unpacked/usr/lib/$(dpkg-architecture --query DEB_HOST_MULTIARCH)/libfabric
test "$(ls "$folder")" = libanchor-fi.so
test -f unpacked/usr/share/man/man7/fi_anchor.7.gz
dpkg-deb --extract libfabric-anchor-tools_*.deb unpacked
test -x unpacked/usr/bin/anchor_window
test -f unpacked/usr/share/man/man1/anchor_window.1.gz
dpkg-deb --extract libfabric-anchor-dev_*.deb unpacked
test -f unpacked/usr/include/rdma/fi_ext_anchor.h
FI_PROVIDER_PATH=$folder fi_info -p anchor
