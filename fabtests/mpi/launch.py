# SPDX-License-Identifier: BSD-2-Clause
"""One run of an MPI program, in a folder of its own."""

import os
import resource
import signal
import subprocess
import time
from dataclasses import dataclass

from transports import Unsound

TIMED_OUT = -1000


@dataclass
class Run:
    command: list[str]
    output: str
    errors: str
    status: int
    seconds: float  # from mpirun's start to its end
    processor_seconds: float


def carry_out(client, ranks, arguments, folder):
    """One mpirun in a folder of its own, stopped with everything it started when its time is over."""
    folder.mkdir(parents=True)
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), *arguments, *client.command(ranks, folder)]
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    with (folder / "output").open("w+") as output, (folder / "errors").open("w+") as errors:
        spent, started = processor_seconds(), time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=errors, start_new_session=True)
        try:
            status = process.wait(client.seconds)
        except subprocess.TimeoutExpired:
            stop(process)
            status = TIMED_OUT
        except BaseException:
            stop(process)
            raise
        seconds, spent = time.monotonic() - started, processor_seconds() - spent
    return Run(command, (folder / "output").read_text(errors="replace"), (folder / "errors").read_text(errors="replace"),
               status, seconds, spent)


def processor_seconds():
    """Of all children that have ended, and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def stop(process):
    process.send_signal(signal.SIGTERM)  # mpirun ends its ranks, which have process groups of their own
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def verdict_of(client, run, folder):
    if run.status == TIMED_OUT:
        raise Unsound(f"not done after {client.seconds} s")
    if run.status != 0 and not client.aborts:
        raise Unsound(f"ended with status {run.status}")
    return client.verdict(run.output + run.errors, folder)
