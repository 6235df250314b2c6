#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The window device between two guests that share an ivshmem device: they find each other; latency and bandwidth beside
tcp's; the functional tests, ranks of even number in one guest and those of odd number in the other; some of them with
the device mapped write-combined, and with its interrupts; Open MPI with ranks in both; garbage in the window; a guest
that is killed and boots again.

  check_window.py BUILD [PART ...]    parts of in.sh instead of all"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import guests

HERE = Path(__file__).resolve().parent
MINUTES = 17
PARTS = ("discovery", "speed", "mpi", "functional", "write_combined", "doorbell", "garbage", "loss")
WINDOW = 128 << 20
HIDDEN = ("/dev", "/proc", "/sys")  # guests have their own


def main(build, parts):
    folder = Path(build, "vm").resolve()
    for place in (folder, HERE):
        if f"/{place.parts[1]}" in HIDDEN:
            print(f"FAIL: guests: they cannot see {place}: build elsewhere")
            return 1
    if subprocess.run([HERE / "prepare.sh", folder], check=False).returncode != 0:
        print("FAIL: guests: there is nothing to boot them from, see above")
        return 1
    script = shlex.join(["exec", "bash", str(HERE / "in.sh"), str(Path(build).resolve()), *(parts or PARTS)])
    statuses, lines = guests.Pair(folder, script, WINDOW).run(MINUTES * 60)
    for line in lines:
        if line.startswith(("PASS: ", "FAIL: ")):
            print(line)
    print(f"the guests' scripts ended with {statuses}")
    if statuses != [0, 0]:
        print("FAIL: guests: both scripts come to their end")
        return 1
    good = any(line.startswith("PASS: ") for line in lines) and not any(line.startswith("FAIL: ") for line in lines)
    return 0 if good else 1


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    sys.exit(main(sys.argv[1], sys.argv[2:]))
