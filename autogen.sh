#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes ./configure. Needs autoconf, automake and libtool.
set -eu
cd "$(dirname "$0")"
mkdir -p config
exec autoreconf --force --install --warnings=all,no-obsolete
