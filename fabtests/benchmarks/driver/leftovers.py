# SPDX-License-Identifier: BSD-2-Clause
"""libfabric's shm leaves its region in /dev/shm when its process is killed, as happens to a test that hangs."""

import re
from pathlib import Path

FOLDER = Path("/dev/shm")
REGION = re.compile(r"(\d+):\d+:\d+")  # its owner's process number comes first


def regions() -> set[Path]:
    return {path for path in FOLDER.glob("*:*:*") if REGION.fullmatch(path.name)}


class Leftovers:
    """Removes what came since it was made and has no living owner; never what was there before."""

    def __init__(self) -> None:
        self.earlier = regions()

    def remove(self) -> None:
        for path in regions() - self.earlier:
            if not Path("/proc", path.name.split(":")[0]).exists():
                path.unlink(missing_ok=True)
