# SPDX-License-Identifier: BSD-2-Clause
"""Who runs what, when: in every round each stage is run by all its cases, one right after the other, and the
order of the cases moves on by one a round, so that drifts and neighbours hit all of them alike."""

import json
import subprocess
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from driver.cases import RAW, SUBJECT, Case
from driver.leftovers import Leftovers
from driver.results import Results

LINE = "line_exchange"  # measured beside what is compared with it, once a start of the worker
SECONDS_FOR_A_TEST = 15


class Audience(Enum):
    """Who runs a stage. What only judges the subject takes long elsewhere, or ends in errors."""

    ALL = "all, in every round"
    SHM = "the subject and shm in every round, the others in the first"
    OTHERS_ONCE = "the subject in every round, the others in the first"
    TCP = "the subject and tcp, in every round"
    SUBJECT = "the subject, in every round"

    def includes(self, case: Case, is_subject: bool, turn: int) -> bool:
        if is_subject or self is Audience.ALL:
            return True
        if self is Audience.TCP:
            return case.is_tcp
        return self is not Audience.SUBJECT and (turn == 0 or (self is Audience.SHM and case.provider == "shm"))


@dataclass(frozen=True)
class Stage:
    """Tests of one start of the worker."""

    tests: tuple[str, ...]
    audience: Audience = Audience.ALL


@dataclass(frozen=True)
class Plan:
    """How long and how fine to measure."""

    stages: tuple[Stage, ...]
    rounds: int
    milliseconds: int
    sizes: tuple[int, ...] = ()
    subject: str = SUBJECT


RAW_TESTS = (LINE, "bare_messages", "buffer_exchange", "memory_copy", "cross_attach", "cross_attach_write",
             "shared_copy")
REMOTE = ("write_latency", "read_latency", "swap_latency", "write_rate", "fetch_add_rate")  # small and one-sided
# Sleeping and being woken, and the bare system's own ways beside them.
WAKES = ("pipe_wake", "event_wake", "futex_wake")
ASLEEP = ("blocking_latency", "descriptor_latency")
WAITING = (Stage((*WAKES, *ASLEEP), Audience.TCP), Stage(("adaptive_latency",), Audience.SUBJECT))
REMOTE_BANDWIDTH = ("write_bandwidth", "read_bandwidth")


def mapped(tests: tuple[str, ...]) -> tuple[str, ...]:
    """The same on memory that the other process can map."""
    return tuple(f"mapped_{test}" for test in tests)


QUICK = Plan(
    stages=(
        Stage((LINE, "tagged_latency", "untagged_latency", "message_rate", "bandwidth", "write_latency", "read_latency",
               "fetch_add_rate", "mapped_write_rate")),
        Stage(REMOTE_BANDWIDTH, Audience.SHM),
        *WAITING,
        Stage(("posted_matching", "unexpected_matching", "memory", "idle_peers"), Audience.SUBJECT),
    ),
    rounds=5, milliseconds=3, sizes=(8, 64, 512, 4096, 8192, 32768, 65536, 262144, 1 << 20, 8 << 20))

FULL = Plan(
    stages=(
        Stage((LINE, "tagged_latency", "untagged_latency", "message_rate", *REMOTE, *mapped(REMOTE))),
        Stage(("bandwidth",)),
        Stage((*REMOTE_BANDWIDTH, *mapped(REMOTE_BANDWIDTH)), Audience.SHM),
        *WAITING,
        Stage(("posted_matching", "unexpected_matching"), Audience.OTHERS_ONCE),
        Stage(("memory",), Audience.OTHERS_ONCE),
        Stage(("idle_peers",), Audience.OTHERS_ONCE),
    ),
    rounds=7, milliseconds=10)


def run_worker(worker: Path, case: Case, tests: tuple[str, ...], plan: Plan) -> list[dict]:
    """The worker's records; what it could not do is among them as errors."""
    line = case.command(worker) + ["--tests", ",".join(tests), "--milliseconds", str(plan.milliseconds),
                                   "--timeout", str(SECONDS_FOR_A_TEST)]
    if plan.sizes:
        line += ["--sizes", ",".join(map(str, plan.sizes))]
    ended = subprocess.run(line, env=case.surroundings(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [json.loads(record) for record in ended.stdout.splitlines() if record.startswith("{")]


def offered(worker: Path, case: Case) -> str | None:
    """None if the provider is there and carries a message; otherwise what it said."""
    if case.name == RAW:
        return None
    trial = Plan(stages=(), rounds=1, milliseconds=1, sizes=(8,))
    records = run_worker(worker, case, ("tagged_latency",), trial)
    errors = [record["error"] for record in records if "error" in record]
    return errors[0] if errors else None if records else "the worker did not start"


def wanted_tests(stage: Stage, case: Case, turn: int, plan: Plan, results: Results) -> tuple[str, ...]:
    """Without those in which this case has failed already; the subject is always asked again."""
    is_subject = case.name == plan.subject
    if case.name == RAW or not stage.audience.includes(case, is_subject, turn):
        return ()
    return tuple(test for test in stage.tests if is_subject or (case.name, test) not in results.errors)


def run_stage(worker: Path, stage: Stage, cases: list[Case], turn: int, plan: Plan, results: Results) -> None:
    for case in cases:
        tests = wanted_tests(stage, case, turn, plan, results)
        for record in run_worker(worker, case, tests, plan) if tests else []:
            results.add(turn, case.name, record)


def run_raw(worker: Path, cases: list[Case], turn: int, plan: Plan, results: Results) -> None:
    for case in (case for case in cases if case.name == RAW):
        for record in run_worker(worker, case, RAW_TESTS, plan):
            results.add(turn, RAW, record)


def run_protection_check(worker: Path, cases: list[Case], turn: int, plan: Plan, results: Results) -> None:
    """A part of the plugin alone, where the plugin is what is measured."""
    for case in (case for case in cases if case.name == plan.subject == SUBJECT):
        line = [str(worker.with_name("protection_check")), str(plan.milliseconds)]
        ended = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for record in ended.stdout.splitlines():
            results.add(turn, case.name, json.loads(record))


def run_round(worker: Path, cases: list[Case], turn: int, plan: Plan, results: Results, leftovers: Leftovers) -> None:
    shift = turn % len(cases)
    for stage in plan.stages:
        run_stage(worker, stage, cases[shift:] + cases[:shift], turn, plan, results)
        leftovers.remove()
    run_protection_check(worker, cases, turn, plan, results)
    run_raw(worker, cases, turn, plan, results)


def run_rounds(worker: Path, cases: list[Case], plan: Plan, results: Results) -> None:
    leftovers = Leftovers()
    begin = time.monotonic()
    try:
        for turn in range(plan.rounds):
            run_round(worker, cases, turn, plan, results, leftovers)
            print(f"round {turn + 1} of {plan.rounds}, {time.monotonic() - begin:.0f} s", flush=True)
    finally:
        leftovers.remove()
