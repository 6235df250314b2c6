# SPDX-License-Identifier: BSD-2-Clause
"""What FI_ANCHOR_SPIN does: the time from request to answer, and the processor time that waiting for it takes, by how
long the peer works on the answer. Both in microseconds, medians of interleaved rounds."""

from dataclasses import replace

from driver import table
from driver.cases import SUBJECT, Build, all_cases
from driver.results import Metric, Results
from driver.schedule import Plan, run_worker

SPINS = (0, 5, 10, 20, 50, 100)  # microseconds
TEST = "delayed_answers"
PLAN = Plan(stages=(), rounds=0, milliseconds=20)


def cell(results: Results, case: str, name: str, delay: int) -> str:
    value = results.median(case, Metric(TEST, name, delay))
    return "-" if value is None else f"{value / 1e3:.1f}"


def print_results(results: Results, names: dict[int, str]) -> None:
    delays = sorted({metric.key for metric in results.metrics(TEST)})
    for name, title in (("answer_ns", "request to answer"), ("processor_ns", "processor time")):
        rows = [[f"{title}, µs"] + [f"spin {spin}" for spin in names]]
        rows += [[f"peer works {delay} µs"] + [cell(results, case, name, delay) for case in names.values()]
                 for delay in delays]
        print()
        table.print_rows(rows)
    table.print_errors(results)


def measure(build: Build, rounds: int, names: dict[int, str], results: Results) -> None:
    subject = next(case for case in all_cases(build) if case.name == SUBJECT)
    for turn in range(rounds):
        for spin, name in names.items():
            case = replace(subject, environment={**subject.environment, "FI_ANCHOR_SPIN": str(spin)})
            for record in run_worker(build.worker, case, (TEST,), PLAN):
                results.add(turn, name, record)
        print(f"round {turn + 1} of {rounds}", flush=True)


def run(build: Build, rounds: int) -> int:
    """The exit status."""
    names = {spin: f"spin-{spin}" for spin in SPINS}
    results = Results()
    try:
        measure(build, rounds, names, results)
    except KeyboardInterrupt:
        print("Interrupted: what follows is what was measured until then")
    print_results(results, names)
    return 1 if results.errors else 0
