#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves the layers: an include in prov/anchor goes downwards or stays in its layer, and only abi/ sees libfabric."""

import re
import sys
from pathlib import Path

LAYERS = [{"abi"}, {"dispatch"}, {"proto"}, {"core", "fifo"}, {"dma"}, {"os"}]  # top to bottom
RANK = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

PROVIDER = Path(__file__).resolve().parents[2] / "prov" / "anchor"


def objection(folder, quote, target):
    """Why a file in `folder` may not include `target`, or None."""
    if quote == "<":
        return "only abi/ includes libfabric" if target.startswith("rdma/") and folder != "abi" else None
    if not (PROVIDER / target).is_file():
        return "not a path relative to prov/anchor"
    target_folder = Path(target).parts[0]
    if target_folder == folder or RANK[target_folder] > RANK[folder]:
        return None
    return f"{folder}/ must not know {target_folder}/"


def main():
    sources = sorted(path for path in PROVIDER.rglob("*") if path.suffix in {".h", ".cpp"})
    faults = 0
    for path in sources:
        folder = path.relative_to(PROVIDER).parts[0]
        if folder not in RANK:
            print(f"{path}: {folder} is not a layer")
            faults += 1
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            reason = found and objection(folder, *found.groups())
            if reason:
                print(f"{path}:{number}: {found.group(2)}: {reason}")
                faults += 1
    print(f"{len(sources)} files, {faults} includes against the layers")
    return 1 if faults or not sources else 0


sys.exit(main())
