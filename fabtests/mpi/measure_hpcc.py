#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""HPCC with more ranks than there are processors, over anchor (Open MPI's MTL OFI) and over Open MPI's own transport
(ob1 with vader), in turns: medians of the time from mpirun's start to its end, of what is spent in between, and of the
sections of HPCC that send most. Open MPI must say that anchor carried every rank, HPCC that its results are right.

What is left of the whole time without the sections is starting, most of all. Each rank over anchor begins with
libfabric's own start; 1.17 reads all of /proc/kallsyms there, for the sake of a provider that nobody may have asked
for.

  measure_hpcc.py [--build FOLDER] [--rounds N] [--ranks N]"""

import argparse
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree may be read-only
from clients import all_clients  # noqa: E402
from launch import carry_out, verdict_of  # noqa: E402

SECTIONS = {"RandomAccess": r"^MPIRandomAccess_time=(.*)", "RandomAccess LCG": r"^MPIRandomAccess_LCG_time=(.*)",
            "latency and bandwidth": r"^Execution time \(wall clock\) += +(\S+) sec", "HPL": r"^HPL_time=(.*)"}
LIMIT = 1.0  # of ob1's time: the aim


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--ranks", type=int, default=8, help="default: %(default)s")
    return parser.parse_args()


def measure(client, ranks, arguments, folder):
    run = carry_out(client, ranks, arguments, folder)
    verdict_of(client, run, folder)
    if arguments is client.over.arguments:
        client.over.proof(run.errors, ranks)
    text = (folder / "hpccoutf.txt").read_text()
    figures = {"whole": run.seconds, "processor time": run.processor_seconds}
    for name, pattern in SECTIONS.items():
        figures[name] = float(re.search(pattern, text, re.MULTILINE).group(1))
    return figures


def main():
    arguments = parse_arguments()
    os.environ.setdefault("FI_PROVIDER_PATH", str(arguments.build.resolve() / "prov/anchor/.libs"))
    client = next(client for client in all_clients() if client.name == "hpcc")
    ways = {"anchor": client.over.arguments, "ob1": client.over.reference}
    rounds = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(prefix="anchor-hpcc-") as folder:
        for turn in range(arguments.rounds):
            order = list(ways) if turn % 2 == 0 else list(reversed(ways))
            for name in order:
                rounds[name].append(measure(client, arguments.ranks, ways[name], Path(folder) / f"{name}-{turn}"))
    print(f"HPCC, {arguments.ranks} ranks on {len(os.sched_getaffinity(0))} processors: seconds, medians of "
          f"{arguments.rounds} rounds")
    print(f"{'':<24}" + "".join(f"{name:>10}" for name in [*ways, "ratio"]))
    ratios = {}
    for title in rounds["anchor"][0]:
        ours, theirs = (statistics.median(figures[title] for figures in rounds[name]) for name in ways)
        ratios[title] = ours / theirs
        print(f"{title:<24}{ours:>10.3g}{theirs:>10.3g}{ratios[title]:>10.2f}")
    print(f"{'reached' if ratios['whole'] <= LIMIT else 'missed'}: at most {LIMIT:.1f} times ob1's time")
    return 0


sys.exit(main())
