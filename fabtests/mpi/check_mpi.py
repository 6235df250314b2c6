#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs real MPI programs twice, over anchor (Open MPI's MTL OFI or BTL OFI) and over Open MPI's own transport (pml
ob1), and compares their verdicts. Open MPI's own verbose output must name anchor as what carried every rank.

  check_mpi.py [--ranks N,N] [--show] [--list] [CLIENT ...]

CLIENT may be a pattern, "scalapack-xd*". --show prints commands, proof and output instead of comparing.
FI_PROVIDER_PATH says where the plugin is."""

import argparse
import fnmatch
import re
import shlex
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree may be read-only
from clients import Missing, all_clients  # noqa: E402
from launch import carry_out, verdict_of  # noqa: E402
from transports import Unsound  # noqa: E402

VERBOSE = re.compile(r".*(mca:|mtl_ofi_component\.c|btl_ofi_component\.c|select: |btl: ?tcp)")
TAIL_LINES = 30


def difference(ours, theirs):
    for number, (mine, other) in enumerate(zip(ours, theirs), 1):
        if mine != other:
            return f"verdict {number} is '{mine}', over ob1 '{other}'"
    return f"{len(ours)} verdicts, over ob1 {len(theirs)}"


def compare(client, ranks, folder):
    """Prints the outcome; "passed" where it was the same, "failed", or "skipped"."""
    started = time.monotonic()
    run = None
    try:
        reference = carry_out(client, ranks, client.over.reference, folder / "ob1")
        theirs = verdict_of(client, reference, folder / "ob1")
        run = carry_out(client, ranks, client.over.arguments, folder / "anchor")
        ours = verdict_of(client, run, folder / "anchor")
        client.over.proof(run.errors, ranks)
        fault = None if ours == theirs else difference(ours, theirs)
        outcome = f"{len(ours)} verdicts as over ob1"
    except Unsound as reason:
        fault = str(reason) if run else f"over ob1: {reason}"
    except Missing as reason:
        print(f"SKIP: {client.name}, {ranks} ranks: {reason}", flush=True)
        return "skipped"
    label = f"{client.name}, {ranks} ranks"
    if not fault:
        print(f"PASS: {label}: {outcome} ({time.monotonic() - started:.1f} s)", flush=True)
        return "passed"
    print(f"FAIL: {label}: {fault}", flush=True)
    if run:
        print(f"  {shlex.join(run.command)}")
        print(*(f"  | {line}" for line in tail(run)), sep="\n", flush=True)
    return "failed"


def tail(run):
    """The end of what the program said, without Open MPI's account of how it chose its transport."""
    lines = run.output.splitlines() + run.errors.splitlines()
    return [line for line in lines if not VERBOSE.match(line)][-TAIL_LINES:]


def show(client, ranks, folder):
    run = carry_out(client, ranks, client.over.arguments, folder / "anchor")
    print(f"$ {shlex.join(run.command)}", *tail(run), sep="\n")
    try:
        verdict_of(client, run, folder / "anchor")
        print("Open MPI says:", *client.over.proof(run.errors, ranks), sep="\n", flush=True)
        return "passed"
    except Unsound as reason:
        print(f"{client.name}: {reason}", flush=True)
        return "failed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("client", nargs="*", default=["*"])
    arguments = parser.parse_args()
    chosen = [(client, ranks) for client in all_clients() for ranks in client.ranks
              if any(fnmatch.fnmatch(client.name, pattern) for pattern in arguments.client)
              and (not arguments.ranks or ranks in arguments.ranks)]
    if arguments.list:
        print(*(f"{client.name} {ranks}" for client, ranks in chosen), sep="\n")
        return 0
    attempt = show if arguments.show else compare
    with tempfile.TemporaryDirectory(prefix="anchor-mpi-") as folder:
        results = [attempt(client, ranks, Path(folder) / f"{client.name}-{ranks}") for client, ranks in chosen]
    counts = [f"{results.count(outcome)} {outcome}" for outcome in ("passed", "failed", "skipped")]
    if not arguments.show:
        print(*counts, sep=", ")
    return 0 if "passed" in results and "failed" not in results else 1


sys.exit(main())
