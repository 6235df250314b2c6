#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""House rules a compiler does not see: every source is listed in a Makefile fragment, says its license in the first
line, has at most 500 lines of at most 120 columns, and every unit test mirrors a source."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 500
MAX_COLUMNS = 120
LICENSE = "// SPDX-License-Identifier: BSD-2-Clause"


def listed_files():
    """All paths that the fragments name; %D% is the fragment's own folder."""
    names = set()
    for fragment in ROOT.glob("**/Makefile.inc"):
        folder = fragment.parent.relative_to(ROOT)
        text = fragment.read_text().replace("%D%", str(folder))
        names.update(re.findall(r"[\w./-]+\.(?:cpp|c|h)\b", text))
    return names


def faults_in(path, listed):
    name = str(path.relative_to(ROOT))
    lines = path.read_text().splitlines()
    if name not in listed:
        yield "not listed in a Makefile.inc"
    if not lines or lines[0] != LICENSE:
        yield f"does not begin with {LICENSE}"
    if len(lines) > MAX_LINES:
        yield f"{len(lines)} lines: it holds two ideas"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield f"line {number} has {len(line)} columns"
    mirrored = re.fullmatch(r"fabtests/unit/(\w+)/test_(\w+)\.cpp", name)
    if mirrored and not list(ROOT.glob("prov/anchor/{}/{}.*".format(*mirrored.groups()))):
        yield "mirrors no file in prov/anchor"


def main():
    listed = listed_files()
    paths = sorted(path for folder in ("prov", "include", "tools", "fabtests") for path in (ROOT / folder).rglob("*")
                   if path.suffix in {".cpp", ".c", ".h"})
    faults = [f"{path}: {fault}" for path in paths for fault in faults_in(path, listed)]
    faults += [f"{name}: listed, but not there" for name in sorted(listed) if not (ROOT / name).is_file()]
    print("\n".join(faults + [f"{len(paths)} files, {len(faults)} faults"]))
    return 1 if faults else 0


sys.exit(main())
