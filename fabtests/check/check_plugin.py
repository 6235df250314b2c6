#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The built plugin exports fi_prov_ini and nothing else, and needs no library that libfabric's users do not have."""

import os
import re
import subprocess
import sys

EXPORTED = {"fi_prov_ini"}
ALLOWED = re.compile(r"(libfabric|libc|libm|libstdc\+\+|libgcc_s|ld-linux\S*)\.so\.\d+")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    plugin = os.path.join(os.environ["FI_PROVIDER_PATH"], "libanchor-fi.so")
    symbols = {line.split()[-1] for line in output_of("nm", "-D", "--defined-only", plugin).splitlines()}
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-d", "-W", plugin)))
    foreign = {name for name in needed if not ALLOWED.fullmatch(name)}
    print(f"exports {sorted(symbols)}\nneeds   {sorted(needed)}")
    if symbols != EXPORTED:
        print(f"should export {sorted(EXPORTED)} only")
    if foreign:
        print(f"should not need {sorted(foreign)}")
    return 1 if foreign or symbols != EXPORTED else 0


sys.exit(main())
