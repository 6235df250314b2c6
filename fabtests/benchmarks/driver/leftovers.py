# SPDX-License-Identifier: BSD-2-Clause
"""What libfabric leaves in /dev/shm: shm its region when its process is killed, as happens to a test that hangs, and sm2
always a file that all its processes share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/dev/shm")
REGION = re.compile(r"(\d+):\d+:\d+")  # its owner's process number comes first
SHARED = FOLDER / "fi_sm2_mmaps"


def regions() -> set[Path]:
    return {path for path in FOLDER.glob("*:*:*") if REGION.fullmatch(path.name)}


def mapped(path: Path) -> bool:
    """By a living process of this user's."""
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            if str(path) in maps.read_text(errors="replace"):
                return True
        except OSError:  # it has ended, or is another user's
            continue
    return False


class Leftovers:
    """Removes what came since it was made and has no living owner; never what was there before."""

    def __init__(self) -> None:
        self.earlier = regions()

    def remove(self) -> None:
        for path in regions() - self.earlier:
            if not Path("/proc", path.name.split(":")[0]).exists():
                path.unlink(missing_ok=True)


@contextmanager
def shared_file_removed() -> Iterator[None]:
    """At the end, unless it was there before or somebody has it."""
    earlier = SHARED.exists()
    try:
        yield
    finally:
        if not earlier and not mapped(SHARED):
            SHARED.unlink(missing_ok=True)
