#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The built plugin exports fi_prov_ini and nothing else, needs no library that libfabric's users do not have, and stays
where it was loaded: a signal handler of it may be called as long as the process lives."""

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
    dynamic = output_of("readelf", "-d", "-W", plugin)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    stays = re.search(r"\(FLAGS_1\).*NODELETE", dynamic) is not None
    foreign = {name for name in needed if not ALLOWED.fullmatch(name)}
    print(f"exports {sorted(symbols)}\nneeds   {sorted(needed)}")
    if symbols != EXPORTED:
        print(f"should export {sorted(EXPORTED)} only")
    if foreign:
        print(f"should not need {sorted(foreign)}")
    if not stays:
        print("should be linked with -z nodelete")
    return 1 if foreign or symbols != EXPORTED or not stays else 0


sys.exit(main())
