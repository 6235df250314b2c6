#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every runtime parameter is in the manual page and in the README, and nothing else is."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def names_in(file, pattern):
    return set(re.findall(pattern, (ROOT / file).read_text()))


def main():
    rows = names_in("prov/anchor/abi/parameters.cpp", r'\{"(\w+)", &Parameters::')
    defined = {f"FI_ANCHOR_{name.upper()}" for name in rows}
    faults = 0
    for document, pattern in (("man/fi_anchor.7.md", r"(?m)^\*(FI_ANCHOR_\w+)\*$"),
                              ("README.md", r"(?m)^\| `(FI_ANCHOR_\w+)`")):
        documented = names_in(document, pattern)
        for name in sorted(defined ^ documented):
            print(f"{document}: {name} is {'missing' if name in defined else 'no parameter'}")
            faults += 1
    print(f"{len(defined)} parameters, {faults} faults")
    return 1 if faults or not defined else 0


sys.exit(main())
