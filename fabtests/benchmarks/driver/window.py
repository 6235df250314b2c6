# SPDX-License-Identifier: BSD-2-Clause
"""The window device beside the shm device: two "hosts" of one machine with a file in memory between them, against two
processes that have no way around the FIFO either. Medians of interleaved rounds."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import geometric_mean, median

from driver import table
from driver.bars import Bar, Judge
from driver.cases import SUBJECT, Build, Case, all_cases
from driver.results import Results
from driver.schedule import LINE, Plan, Stage, run_rounds

WINDOW_BYTES = 256 << 20
LATENCIES = ("tagged_latency", "untagged_latency")
PLAN = Plan(stages=(Stage((LINE, *LATENCIES, "message_rate", "bandwidth")),), rounds=7, milliseconds=5,
            sizes=tuple(8 << shift for shift in range(0, 21, 2)), subject="window")


@contextlib.contextmanager
def two_hosts(build: Build) -> Iterator[tuple[str, str]]:
    """The hosts' configuration files; what keeps their heartbeats ends with them."""
    with tempfile.TemporaryDirectory(prefix="anchor-window-", dir="/dev/shm") as name, contextlib.ExitStack() as keepers:
        memory = Path(name, "memory")
        with memory.open("wb") as file:
            file.truncate(WINDOW_BYTES)
        files = (str(Path(name, "host0")), str(Path(name, "host1")))
        for host, path in enumerate(files):
            Path(path).write_text(f"path = {memory}\nhosts = {len(files)}\nhost = {host}\ntimeout = 5000\n")
            keeper = keepers.enter_context(subprocess.Popen([str(build.window_tool), "keep", path],
                                                            stdout=subprocess.PIPE,
                                                            env={**os.environ, "FI_ANCHOR_SHM_DIR": name}))
            keepers.callback(keeper.kill)
            if not keeper.stdout.read(1):  # it says that it is at it
                raise SystemExit(f"run: {build.window_tool} keep {path} ended at once")
        yield files


def devices(build: Build, hosts: tuple[str, str]) -> list[Case]:
    subject = next(case for case in all_cases(build) if case.name == SUBJECT)
    return [replace(subject, name="shm", environment={**subject.environment, "FI_ANCHOR_CMA": "no"}),
            replace(subject, name="window", hosts=hosts,
                    environment={**subject.environment, "FI_ANCHOR_SHM_DIR": str(Path(hosts[0]).parent)})]


def bar_over_sizes(results: Results, test: str, at_most: bool, limit: float) -> Bar:
    """The geometric mean of all sizes' ratios: each alone varies by a fifth from one run to the next."""
    judge = Judge(results, ("shm",), "window")
    ratios = [judge.to_shm(metric, min if at_most else max) for metric in results.metrics(test)]
    known = [median(values) for values in ratios if values]
    title = f"{table.title_of(test)}, all sizes, to the shm device's"
    measured = geometric_mean(known) if len(known) == len(ratios) and known else None
    return Bar(title, at_most, limit, measured, min(map(len, ratios), default=0))


def bars_of(results: Results) -> list[Bar]:
    latencies = [bar_over_sizes(results, test, True, 1.15) for test in LATENCIES]
    return [*latencies, bar_over_sizes(results, "bandwidth", False, 0.9)]


def run(build: Build, rounds: int) -> int:
    """The exit status."""
    results = Results()
    with two_hosts(build) as hosts:
        cases = devices(build, hosts)
        try:
            run_rounds(build.worker, cases, replace(PLAN, rounds=rounds), results)
        except KeyboardInterrupt:
            print("Interrupted: what follows is what was measured until then")
    bars = bars_of(results)
    table.print_table(results, [case.name for case in cases], (LINE, *LATENCIES, "message_rate", "bandwidth"))
    table.print_errors(results)
    table.print_bars(bars)
    return 1 if results.errors or any(bar.verdict != "PASS" for bar in bars) else 0
