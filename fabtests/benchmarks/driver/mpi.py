# SPDX-License-Identifier: BSD-2-Clause
"""Open MPI over its MTL OFI with this provider, beside Open MPI's own shared-memory transport."""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from driver.cases import BENCHMARKS, Build, Case
from driver.results import Results

SOURCES = ("mpi_ping_pong.cpp", "stopwatch.cpp", "clock.cpp", "report.cpp")
SIZES = (8, 1 << 20)
SECONDS_FOR_A_RUN = 60
OWN_TRANSPORT = ("--mca", "pml", "ob1", "--mca", "btl", "self,vader")


@dataclass(frozen=True)
class Transport:
    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


def transports(case: Case) -> list[Transport]:
    over_ofi = ("--mca", "pml", "cm", "--mca", "mtl", "ofi", "--mca", "mtl_ofi_provider_include", case.provider)
    return [Transport("mpi-ofi", over_ofi, case.environment), Transport("mpi-vader", OWN_TRANSPORT, {})]


def missing() -> str | None:
    absent = [tool for tool in ("mpicxx", "mpirun") if not shutil.which(tool)]
    return f"{' and '.join(absent)} not found" if absent else None


def build_program(build: Build) -> Path:
    """The MPI program in the build folder, compiled if it is older than its source."""
    program = build.benchmarks / "mpi_ping_pong"
    sources = [BENCHMARKS / name for name in SOURCES]
    if not program.exists() or any(source.stat().st_mtime > program.stat().st_mtime for source in sources):
        flags = ["-std=c++20", "-O2", "-DOMPI_SKIP_MPICXX"]
        subprocess.run(["mpicxx", *flags, "-o", str(program), *map(str, sources)], check=True)
    return program


def as_root() -> dict[str, str]:
    """Open MPI wants to be told twice."""
    if os.geteuid() != 0:
        return {}
    return {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def run_mpi(transport: Transport, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    line = ["mpirun", "-n", "2", "--bind-to", "core", "--map-by", "core", *transport.arguments]
    for name in transport.environment:
        line += ["-x", name]
    surroundings = {**os.environ, **as_root(), **transport.environment}
    try:
        return subprocess.run(line + arguments, env=surroundings, capture_output=True, text=True,
                              timeout=SECONDS_FOR_A_RUN)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(line, 1, "", "timed out")


def run_round(program: Path, case: Case, turn: int, milliseconds: int, results: Results) -> None:
    """Both transports, in an order that alternates."""
    order = transports(case)
    for transport in order if turn % 2 == 0 else reversed(order):
        ended = run_mpi(transport, [str(program), str(milliseconds), *map(str, SIZES)])
        if ended.returncode != 0:
            words = [line for line in ended.stderr.splitlines() if line.strip(" -")]
            results.add(turn, transport.name, {"test": "mpi", "error": words[0] if words else "failed"})
        for record in ended.stdout.splitlines():
            if record.startswith("{"):
                results.add(turn, transport.name, json.loads(record))


def run_netpipe(case: Case, turn: int, results: Results) -> None:
    """NetPIPE's own ping-pong; its output has a line for each size: bytes, Mbit/s, seconds one way."""
    for transport in transports(case):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "np.out"
            run_mpi(transport, ["NPopenmpi", "-p", "0", "-u", str(SIZES[-1]), "-o", str(output)])
            lines = output.read_text().splitlines() if output.exists() else []
        for size, _, seconds in (line.split() for line in lines):
            if int(size) in SIZES:
                results.add(turn, transport.name, {"test": "netpipe", "metric": "half_round_trip_ns",
                                                   "key": int(size), "p50": float(seconds) * 1e9})
