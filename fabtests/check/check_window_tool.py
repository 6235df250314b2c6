#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""anchor_window's exit status and words for everything that can be wrong with a window and its configuration."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

TOOL = Path(os.environ["FI_PROVIDER_PATH"], "../../../tools/anchor_window").resolve()
SIZE = 16 << 20
VERSION_AT = 8  # in the header of a partition
TWO = "hosts = 2\nhost = 0\ntimeout = 500\n"
faults = []


class Window:
    """A file of two partitions, and what tells hosts apart: a configuration, and a folder of the host's own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.memory = self.folder / "memory"
        self.start_over()

    def start_over(self, size=SIZE):
        self.memory.write_bytes(b"")
        os.truncate(self.memory, size)
        for name in ("own", "other"):
            (self.folder / name).mkdir(exist_ok=True)
            for file in (self.folder / name).iterdir():
                file.unlink()

    def configure(self, lines, path=True):
        file = self.folder / "configuration"
        file.write_text((f"path = {self.memory}\n" if path else "") + lines.format(memory=self.memory))
        return str(file)

    def run(self, *words, own="own", environment=None):
        variables = {**os.environ, "FI_ANCHOR_SHM_DIR": str(self.folder / own), **(environment or {})}
        return subprocess.run([TOOL, *words], env=variables, capture_output=True, text=True, timeout=60, check=False)

    def keep(self, configuration, own="own", command="keep", says="kept\n"):
        variables = {**os.environ, "FI_ANCHOR_SHM_DIR": str(self.folder / own)}
        process = subprocess.Popen([TOOL, command, configuration], env=variables, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() != says:
            faults.append(f"{command} does not begin")
        return process

    def serve(self, configuration):
        return self.keep(configuration, command="serve", says="served\n")

    def write(self, offset, data):
        with open(self.memory, "r+b") as file:
            file.seek(offset)
            file.write(data)


def expect(ran, status, words):
    said = ran.stdout + ran.stderr
    if ran.returncode != status or not re.search(words, said):
        faults.append(f"{ran.args[1:]}: status {ran.returncode} instead of {status}, or not {words!r}:\n{said}")


def end(process, status=0):
    process.send_signal(signal.SIGTERM)
    if process.wait(60) != status:
        faults.append(f"keep ended with {process.returncode} instead of {status}")


def check_command_line(window):
    good = window.configure(TWO)
    for words in ([], ["show", good, good], ["explain", good], ["explain"]):
        expect(window.run(*words), 2, "^usage: anchor_window init")
    expect(window.run("--help"), 0, "^usage: anchor_window init")
    expect(window.run("show"), 2, "no CONFIGURATION is given, and FI_ANCHOR_WINDOW is not set(.|\n)*usage: anchor_window")
    expect(window.run("check", environment={"FI_ANCHOR_WINDOW": good}), 0, "host 0 .this one.: empty")


CONFIGURATIONS = (  # what the file says, what is said about it; without a path of its own where it begins with one
    ("hosts = 1\nhost = 0", "hosts must be 2 to 16"),
    ("hosts = 17\nhost = 0", "hosts must be 2 to 16"),
    ("host = 0", "hosts must be 2 to 16"),
    ("hosts = 2", "host must be 0 to 1, another one on each machine"),
    ("hosts = 2\nhost = 2", "host must be 0 to 1, another one on each machine"),
    (TWO.replace("timeout = 500", "timeout = 499"), "timeout must be 500 to 86400000"),
    ("hosts = 2\nhost 0", "line 3: a line is KEY = VALUE"),
    ("hosts = two\nhost = 0", "line 2: hosts cannot be two"),
    (TWO + "size = 1X", "line 5: size cannot be 1X"),
    (TWO + "doorbell = 0000:00:04.0", "line 5: doorbell cannot be 0000:00:04.0"),
    (TWO + "colour = red", "line 5: unknown key colour"),
    (TWO + "size = 6M", "a partition of 3145728 bytes is too small: at least 5242880"),
    (TWO + "offset = 100\nsize = 12M", "an offset must be a multiple of 4096"),
    (TWO + "offset = 64M", "ends before the offset: size = ... is needed"),
    ("path = /nowhere/memory\n" + TWO, "/nowhere/memory: No such file or directory"),
    ("path =\n" + TWO, "path = ... is missing"),
    (TWO + "partition.0 = {memory} 0 8M", "there must be a partition.N for each of the hosts, 0 to 1"),
    (TWO + "partition.0 = {memory} 0 8M\npartition.2 = {memory} 8M 8M", "there must be a partition.N for each"),
    (TWO + "partition.0 = {memory} 0 8M\npartition.1 = {memory} 8M 4M", "all partitions must have the same size"),
    (TWO + "partition.0 = {memory} 0 8M more", "line 5: partition.0 cannot be"),
)


def check_configurations(window):
    expect(window.run("show", str(window.folder / "none")), 1, "none: No such file or directory")
    for lines, words in CONFIGURATIONS:
        file = window.configure(lines, path=not lines.startswith("path"))
        for command in ("init", "keep"):
            expect(window.run(command, file), 1, re.escape(words))


def check_memory(window):
    expect(window.run("check", window.configure(TWO + "size = 32M")), 1,
           "it has 16777216 bytes, but the configuration speaks of")
    expect(window.run("init", window.configure(f"path = {window.folder}\nsize = 16M\n" + TWO, path=False)), 1,
           "cannot open it: Is a directory")
    good = window.configure(TWO)
    window.write(0, b"something else" * 100)
    for command in ("check", "keep"):
        expect(window.run(command, good), 1, "something that is no window lies there")
    expect(window.run("init", good), 0, "host 0 of 2: 8388608 bytes from 0 of ")
    expect(window.run("check", good), 0, "host 0 .this one.: set up, its host is silent(.|\n)*host 1: empty")
    window.write(VERSION_AT, (99).to_bytes(4, "little"))
    expect(window.run("check", good), 1, "its version is 99, ours [0-9]+")


def check_hosts(window):
    window.start_over()
    good = window.configure(TWO)
    expect(window.run("init", good), 0, "host 0 of 2")
    for lines, words in ((TWO + "size = 12M", "its size is 8388608, ours 6291456"),
                         (TWO.replace("hosts = 2", "hosts = 3"), "its (number of hosts is 2, ours 3|size is)")):
        expect(window.run("check", window.configure(lines)), 1, words)
    # One that would set its own partition up in the midst of another one's says so and does nothing.
    lines = TWO.replace("host = 0", "host = 1") + "size = 12M"
    expect(window.run("keep", window.configure(lines), own="other"), 1, "the configurations of host 0 and of this one, 1")
    good = window.configure(TWO)
    kept = window.keep(good)
    expect(window.run("show", good), 0, "host 0 .this one.: in use; 8388608 bytes from 0 of .*\n  generation")
    expect(window.run("init", good), 1, "processes of this host have the window open: end them first")
    expect(window.run("init", good, own="other"), 1, "another machine uses this partition")
    expect(window.run("keep", good, own="other"), 1, "another machine uses the window as host 0")
    end(kept)


def check_reboot(window):
    """What a host keeps in its memory is gone: it begins anew, with another generation."""
    window.start_over()
    good = window.configure(TWO)
    end(window.keep(good))
    before = re.search("generation ([0-9a-f]+)", window.run("show", good).stdout)
    end(window.keep(good, own="other"))
    after = re.search("generation ([0-9a-f]+)", window.run("show", good).stdout)
    if not before or not after or before.group(1) == after.group(1):
        faults.append(f"after a reboot the generation is {after} and was {before}")


def check_doorbell(window):
    window.start_over()
    expect(window.run("serve", window.configure(TWO)), 1, "configuration: doorbell = ... is missing")
    expect(window.run("serve", window.configure(TWO + "doorbell = vfio:ffff:ff:1f.7\n")), 1,
           "doorbell vfio:ffff:ff:1f.7: no such device")
    expect(window.run("serve", window.configure(TWO + "doorbell = socket:/nowhere\n")), 1,
           "no doorbell at /nowhere/doorbell0: No such file or directory")
    good = window.configure(TWO + f"doorbell = socket:{window.folder}\n")
    served = window.serve(good)
    expect(window.run("serve", good), 1, "another process serves the doorbell of host 0")
    if not (window.folder / "doorbell0").exists():
        faults.append("who may not serve the doorbell has taken its device away")
    served.kill()
    served.wait()
    end(window.serve(good))
    left = [file.name for file in (window.folder / "own").iterdir() if file.name.endswith("-doorbell")]
    if left:
        faults.append(f"serve has left {left}")


def main():
    with tempfile.TemporaryDirectory(prefix="anchor-window-") as folder:
        window = Window(folder)
        for check in (check_command_line, check_configurations, check_memory, check_hosts, check_reboot, check_doorbell):
            check(window)
    print("\n".join(faults + [f"{len(faults)} faults"]))
    return 1 if faults else 0


sys.exit(main())
