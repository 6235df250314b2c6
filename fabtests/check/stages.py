#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds anchor in every way that counts and runs every test, a stage at a time; ends with "N passed, N failed".

  stages.py [STAGE ...]     all stages, or the ones named; --list names them

Each stage is a shell command run in a build folder of its own below build/; its output goes to build/stages/. What it
reports as "PASS: ..." or "FAIL: ..." is counted; a stage that reports neither counts as one. What failed is named once
more at the end, with the end of what it said."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "stages"
CONFIGURE = shlex.quote(str(ROOT / "configure"))
JOBS = os.cpu_count() or 1
TAIL_LINES = 60
PASSED = re.compile(r"^PASS: ", re.MULTILINE)
FAILED = re.compile(r"^(?:FAIL|ERROR|XPASS): .*", re.MULTILINE)
FAILED_TEST = re.compile(r"(?:FAIL|ERROR|XPASS): (\S+?)(?:\.py|\.sh)?(?: (\d+))?(?: - .*)?$")
REASON_LINES = 8


@dataclass
class Stage:
    name: str
    title: str
    command: str
    folder: str = "."
    minutes: int = 15


def build(options="", programs="", flags=""):
    """Configures unless that is done, compiles the plugin, then all test programs, or those named, with these flags."""
    chosen = programs and f"check_PROGRAMS='{programs}'"
    configure = f"{{ test -f config.status || {CONFIGURE} {options}; }}"
    return f"{configure} && make -j{JOBS} all && make -j{JOBS} check TESTS= {chosen} {flags}"


QUICK = "CXXFLAGS='-O1 -g1'"  # to compile; what counts is what the tests find
# Several programs at once share the cores, and limits are for one alone: "alone" holds what counts to them.
CROWDED = "export FABTESTS_TIME_SCALE=2 && "
SLOW = "export FABTESTS_TIME_SCALE=5 && "  # sanitizers take their time
SEARCHING = "$(UNIT_TESTS) $(FUNCTIONAL_TESTS) $(HOSTILE_TESTS) $(FUZZ_TESTS)"
STAGES = [
    Stage("build", "g++ -Werror", build(flags=QUICK)),  # the plugin is compiled as it will be used
    Stage("static", "layers, lists, format, exports, plain C", "make check-static"),
    Stage("model", "what sleepers and wakers agree on, by spin", "make check-model"),
    Stage("unit", "unit tests", f"make -j{JOBS} check-unit"),
    Stage("functional", "every call, several processes", CROWDED + f"make -j{JOBS} check-functional"),
    Stage("window", "the same on the window device", CROWDED + f"make -j{JOBS} check-window"),
    Stage("alone", "limits of time, kept without neighbours",
          "export FABTESTS_NAMES='*death* *dies* idle_* pressure_* reopen_* sleeping_* start_* wait_*' && "
          "make check-functional && FABTESTS_DEVICE=window make check-functional"),
    Stage("caches", "a window that nobody keeps coherent", "make check-caches", minutes=25),
    Stage("stress", "races between threads", "make check-stress"),
    Stage("hostile", "peers that mean harm", "make check-hostile"),
    Stage("fuzz", "fuzz targets over their corpus", "make check-fuzz"),
    Stage("kill", "peers killed at random moments", "make check-kill"),
    Stage("address", "clang++ -Werror, AddressSanitizer and UBSan",
          SLOW + build(f"CC=clang CXX=clang++ --enable-sanitizer=address {QUICK} --disable-lto", SEARCHING) +
          f" && make -k -j{JOBS} check TESTS='{SEARCHING}' check_PROGRAMS='{SEARCHING}'", "address", 25),
    Stage("thread", "ThreadSanitizer",
          SLOW + build(f"--enable-sanitizer=thread {QUICK} --disable-lto", "$(STRESS_TESTS)") +
          " && make check-stress", "thread"),
    Stage("release", "make distcheck", f"make -j{JOBS} distcheck TESTS='$(STATIC_TESTS) $(HOSTILE_TESTS)'"
          " check_PROGRAMS='$(TESTS)'"
          " DISTCHECK_CONFIGURE_FLAGS='CXXFLAGS=-O0 --disable-lto'"),
    # Its tests are those above, and its compiler has been asked for more there.
    Stage("package", "Debian package", "DEB_BUILD_OPTIONS=nocheck DEB_CXXFLAGS_APPEND='-O1 -g1' make check-package"),
    Stage("libfabric2", "Debian 13's libfabric", "make check-libfabric2"),
    Stage("guests", "the window between two guests", "make check-guests", minutes=20),  # emulated
    Stage("mpi", "MPI programs", "make check-mpi", minutes=30),
]


def run(stage, log):
    """Exit status of the stage's command; a stage that overruns its time is killed with all it started."""
    folder = BUILD / stage.folder
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(stage.command, shell=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(stage.minutes * 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output.write(f"\nFAIL: {stage.name}: not done after {stage.minutes} minutes\n")
            return process.wait()


def verdict(stage, status, text):
    """How many passed, and a line for each that did not."""
    passed, failures = len(PASSED.findall(text)), FAILED.findall(text)
    if status != 0 and not failures:
        failures = [f"FAIL: {stage.name}: exit status {status}"]
    return passed or int(not failures), failures


def reason(stage, failure):
    """The last lines that the test which failed has said, indented, from the log that it left in the build folder."""
    test = FAILED_TEST.match(failure)
    logs = list((BUILD / stage.folder).glob(f"**/{test[1]}.log")) if test else []
    if not logs:
        return []
    said = max(logs, key=lambda log: log.stat().st_mtime).read_text(errors="replace").splitlines()
    if test[2]:
        end = next((i for i, line in enumerate(said) if line.startswith(f"not ok {test[2]} ")), len(said))
        start = next((i for i in range(end, 0, -1) if said[i - 1].startswith(("ok ", "not ok "))), 0)
        said = said[start:end]
    return [f"    {line}" for line in said[-REASON_LINES:]]


def carry_out(stage):
    """What verdict() says of it, printed; what failed is followed by its reason."""
    log = LOGS / f"{stage.name}.log"
    started = time.monotonic()
    status = run(stage, log)
    text = log.read_text(errors="replace")
    passed, failures = verdict(stage, status, text)
    took = time.monotonic() - started
    print(f"{stage.name:<11} {stage.title:<40} {passed:>5} passed {len(failures):>3} failed {took:>6.0f} s", flush=True)
    if failures:
        print(f"--- the end of {log}", *text.splitlines()[-TAIL_LINES:], "---", sep="\n", flush=True)
    return passed, [[failure, *reason(stage, failure)] for failure in failures]


def main(names):
    if names == ["--list"]:
        print(*(f"{stage.name:<11} {stage.title}" for stage in STAGES), sep="\n")
        return 0
    unknown = set(names) - {stage.name for stage in STAGES}
    if unknown:
        sys.exit(f"no stage {', '.join(sorted(unknown))}; see --list")
    LOGS.mkdir(parents=True, exist_ok=True)
    results = [carry_out(stage) for stage in STAGES if not names or stage.name in names]
    failures = [failure for _, failures in results for failure in failures]
    for failure in failures:
        print(*failure, sep="\n")
    print(f"{sum(passed for passed, _ in results)} passed, {len(failures)} failed")
    return 1 if failures else 0


sys.exit(main(sys.argv[1:]))
