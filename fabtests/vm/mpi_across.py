#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Open MPI with ranks in both guests: NetPIPE and HPCC over MTL OFI anchor, with Open MPI's own word that anchor
carried every rank. What starts its daemon in the other guest is across.py's agent.

  mpi_across.py PORT    of the other guest's agent"""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "mpi"))

from clients import all_clients, hpcc_command, netpipe_verdict  # noqa: E402
from launch import carry_out, verdict_of  # noqa: E402
from transports import Unsound, settings  # noqa: E402

HOSTS = ("192.0.2.1", "192.0.2.2")
NETWORK = "192.0.2.0/24"
FOLDER = Path("/tmp/mpi")  # the guests' own
PASSED_ON = ("FI_PROVIDER_PATH", "FI_ANCHOR_DEVICES", "FI_ANCHOR_WINDOW", "FI_ANCHOR_SHM_DIR")
SECONDS = 240


def netpipe(_ranks, _folder):
    return ["NPopenmpi", "-i", "-n", "5", "-u", "1048576"]


def netpipe_passed(output, folder):
    lines = netpipe_verdict(output, folder)
    wrong = [line for line in lines if "passed" not in line.lower()]
    if wrong:
        raise Unsound(wrong[0])
    return lines


def hpcc(ranks, folder):
    """Debian's sample with a matrix that an emulated processor does in seconds."""
    command = hpcc_command(ranks, folder)
    file = folder / "hpccinf.txt"
    file.write_text(re.sub(r"^\d+( +Ns)$", r"120\1", re.sub(r"^\d+( +NBs)$", r"20\1", file.read_text(), flags=re.M),
                           flags=re.M))
    return command


def arguments(client, ranks, port):
    slots = ranks // len(HOSTS)
    agent = f"{sys.executable} {HERE / 'across.py'} shell {port}"
    words = ["--host", ",".join(f"{host}:{slots}" for host in HOSTS), "--map-by", "node", "--bind-to", "none",
             *settings(plm_rsh_agent=agent, oob_tcp_if_include=NETWORK, btl="self"), *client.over.arguments]
    for name in PASSED_ON:
        words += ["-x", name]
    return words


def main(port):
    os.environ["FI_ANCHOR_DEVICES"] = "shm,window"
    usual = {client.name: client for client in all_clients()}
    chosen = [(replace(usual["netpipe"], command=netpipe, verdict=netpipe_passed, seconds=SECONDS), 2),
              (replace(usual["hpcc"], command=hpcc, seconds=SECONDS), 4)]
    for client, ranks in chosen:
        label = f"Open MPI across the guests: {client.name}, {ranks} ranks"
        folder = FOLDER / client.name
        run = None
        try:
            run = carry_out(client, ranks, arguments(client, ranks, port), folder)
            verdicts = verdict_of(client, run, folder)
            proof = client.over.proof(run.errors, ranks)
            print(*proof, f"PASS: {label}: {len(verdicts)} verdicts ({run.seconds:.0f} s)", sep="\n", flush=True)
        except Unsound as reason:
            told = (run.output + run.errors).splitlines()[-40:] if run else []
            print(*told, f"FAIL: {label}: {reason}", sep="\n", flush=True)


main(sys.argv[1])
