#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every C++ and C file is as .clang-format would have it. Other versions of the formatter differ, so only 14 is asked.
set -eu
cd "$(dirname "$0")/../.."
command -v clang-format-14 >/dev/null || { echo "clang-format-14 is not installed"; exit 77; }
find include prov tools fabtests \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \) -print0 |
    xargs -0 clang-format-14 --dry-run -Werror
