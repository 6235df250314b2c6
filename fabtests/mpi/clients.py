# SPDX-License-Identifier: BSD-2-Clause
"""The MPI programs that anchor must carry: how each is started, and what in its output is its verdict.

A verdict is the list of lines that must not depend on what carried the messages. None of the programs is ours but
exchange.py and the one-sided ones: they are Debian's packages, with the input that comes with them."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transports import BTL, BTL_ALONE, MTL, MTL_ONE_SIDED, Transport, Unsound, settings

HERE = Path(__file__).resolve().parent
SYSTEM_PYTHON = "/usr/bin/python3"  # mpi4py is Debian's, so the interpreter must be
SCALAPACK = Path("/usr/lib") / (os.uname().machine + "-linux-gnu") / "scalapack" / "openmpi-tests"
SCALAPACK_INPUT = Path("/usr/share/scalapack")
NEAR_MISS = 1000  # of a residual that should be below 50


class Missing(Exception):
    """The program cannot be had here."""


@dataclass(frozen=True)
class Client:
    name: str
    ranks: tuple[int, ...]
    command: Callable[[int, Path], list[str]]  # for so many ranks; may lay input into the folder it will run in
    verdict: Callable[[str, Path], list[str]]  # from all it printed and its folder
    seconds: int = 120
    aborts: bool = False  # the last thing it tests is that MPI_Abort ends the job
    over: Transport = MTL


def lines_with(pattern, text):
    found = [line.strip() for line in text.splitlines() if re.search(pattern, line)]
    if not found:
        raise Unsound(f"no line with {pattern}")
    return found


def refuse(pattern, text):
    found = re.search(pattern, text)
    if found:
        raise Unsound(found.group(0))


# NetPIPE: every message of every size, checked byte by byte


def netpipe_command(_ranks, _folder):
    return ["NPopenmpi", "-i", "-u", "4194304"]


def netpipe_speed_command(_ranks, _folder):
    return ["NPopenmpi", "-n", "200", "-u", "4194304"]


def netpipe_verdict(output, _folder):
    # How often a size is sent depends on the speed.
    return [re.sub(r" +\d+ times", "", line) for line in lines_with("Integrity check", output)]


def netpipe_speed_verdict(output, _folder):
    return [line.split("bytes")[0] for line in lines_with(r"bytes .* usec", output)]


# LAMMPS: the thermodynamic state, to all digits printed


def lammps_command(_ranks, _folder):
    return ["lmp", "-in", "/usr/share/lammps/examples/melt/in.melt"]


def lammps_verdict(output, _folder):
    found = re.search(r"^Step.*?(?=^Loop time)", output, re.MULTILINE | re.DOTALL)
    if not found:
        raise Unsound("no thermodynamic output")
    return [line.strip() for line in found.group(0).splitlines()]


# HPCC: residuals and error counts


def hpcc_command(ranks, folder):
    sample = Path("/usr/share/doc/hpcc/examples/_hpccinf.txt").read_text()
    rows = 1 if ranks < 4 else 2
    grid = re.sub(r"^\d+( +Ps)$", rf"{rows}\1", sample, flags=re.MULTILINE)
    grid = re.sub(r"^\d+( +Qs)$", rf"{ranks // rows}\1", grid, flags=re.MULTILINE)
    (folder / "hpccinf.txt").write_text(grid)
    return ["hpcc"]


def hpcc_verdict(_output, folder):
    text = (folder / "hpccoutf.txt").read_text()
    refuse(r"FAILED.*|.*\(failed\).*|Success=0", text)
    lines_with("Success=1", text)
    # RandomAccess may lose a few updates by its own rules and passes then; so its counts are no verdict. Nor are the
    # lines for wall and processor time of each PTRANS case: one too short for the clock is left out.
    verdicts = [re.search(r"PASSED|\(passed\)|\d+ tests completed.*|Node\(s\) with error.*", line)
                for line in lines_with("PASSED|passed|with error", text) if not line.startswith(("WALL", "CPU"))]
    return [found.group(0) for found in verdicts if found]


# ScaLAPACK's and BLACS' testers: one verdict a case


def scalapack_command(program):
    def command(_ranks, folder):
        for path in [*SCALAPACK_INPUT.glob("*.dat"), *SCALAPACK_INPUT.glob("*/*.dat")]:
            shutil.copy(path, folder)
        without_refinement(folder / "LLT.dat")
        return [str(SCALAPACK / program)]

    return command


def without_refinement(input_file):
    """Switches the iterative refinement of the Cholesky testers off. Each process decides there for itself, by its own
    rounding, whether another step is due; with these matrices and Debian's BLAS they disagree, and wait in different
    collective calls for ever: over every transport, ob1 with vader or tcp included."""
    input_file.write_text(re.sub(r"^T(\s+\(T or F\).*Iter\. Ref\.)", r"F\1", input_file.read_text(), flags=re.MULTILINE))


def scalapack_verdict(output, _folder):
    totals = re.findall(r"\d+ tests (?:completed|skipped)[^.\n]*", output)
    cases = re.findall(r"\b(?:PASSED|FAILED|SKIPPED)\b|^(?:Passed|Failed)\b", output, re.MULTILINE)
    return totals + cases or lines_with("PASSED|FAILED", output)


def is_near_miss(residual):
    try:
        return float(residual) < NEAR_MISS
    except ValueError:  # Fortran's asterisks: it has no room for a number so great
        return False


def eigenvalue_verdict(output, folder):
    """BLACS adds contributions up as they arrive, so that rounding varies from run to run; and the worst of these
    matrices then miss the threshold of 50 at times, over ob1 with residuals of about 100. Bytes that went astray give
    far greater ones."""
    for residuals in re.findall(r"(\S+)\s+(\S+)\s+FAILED", output):
        if not all(is_near_miss(residual) for residual in residuals):
            raise Unsound(f"residuals {' and '.join(residuals)}")
    return lines_with(r"Finished +\d+ tests|tests completed without checking|tests skipped", output)


def blacs_verdict(output, folder):
    """Whether sums repeat is skipped where the tester happens to see none that does not: by chance, over ob1, too."""
    return scalapack_verdict(re.sub(r"(?:PASSED|SKIPPED)\s+REPEATABLE SUM TEST", "", output), folder)


def scalapack_clients():
    """Every tester with the four ranks it is made for; those of double precision with two and eight, too. The input of
    some has grids of four that they do not do without."""
    for path in sorted(SCALAPACK.glob("x*")):
        if path.name in {"xCbtest", "xFbtest"}:
            continue
        eigenvalues = re.search("sep$|syevr$|heevr$", path.name)
        counts = (4, 8) if eigenvalues or path.name.endswith("svd") else (2, 4, 8)
        verdict = eigenvalue_verdict if eigenvalues else scalapack_verdict
        yield Client(f"scalapack-{path.name}", counts if path.name.startswith("xd") else (4,),
                     scalapack_command(path.name), verdict)


# mpi4py: our own exchange, and its test suite


def exchange_command(_ranks, _folder):
    return [SYSTEM_PYTHON, str(HERE / "exchange.py")]


def exchange_verdict(output, _folder):
    return lines_with("^(?:ok|not ok)", output)


def mpi4py_suite():
    """The folder of mpi4py's tests: Debian keeps them in the source package only."""
    if "MPI4PY_TESTS" in os.environ:
        return Path(os.environ["MPI4PY_TESTS"])
    cache = Path(os.environ.get("ANCHOR_CACHE", Path.home() / ".cache" / "anchor")) / "mpi4py"
    if not list(cache.glob("*/test/runtests.py")):
        fetch_source("mpi4py", cache)
    return next(path.parent for path in cache.glob("*/test/runtests.py"))


def fetch_source(package, cache):
    """Has apt download a source package, with lists of its own, and unpacks the original tree."""
    (cache / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    mirror = os.environ.get("ANCHOR_MIRROR", "http://deb.debian.org/debian")
    release = dict(re.findall(r'^(\w+)="?(.*?)"?$', Path("/etc/os-release").read_text(), re.MULTILINE))
    (cache / "sources.list").write_text(f"deb-src {mirror} {release['VERSION_CODENAME']} main\n")
    apt = ["apt-get", "-qq", "-o", f"Dir::Etc::SourceList={cache}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
           "-o", f"Dir::State::Lists={cache}/lists", "-o", "APT::Sandbox::User=root"]
    for words in (["update"], ["source", "--download-only", package]):
        done = subprocess.run(apt + words, cwd=cache, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise Missing(f"apt cannot get the source of {package}; MPI4PY_TESTS=DIR names its tests")
    for archive in cache.glob("*.orig.tar.*"):
        subprocess.run(["tar", "--extract", "--file", archive], cwd=cache, check=True)


def mpi4py_command(_ranks, _folder):
    return [SYSTEM_PYTHON, str(mpi4py_suite() / "runtests.py"), "--no-builddir", "--quiet", "--include",
            "test_(p2p|cco|msg)"]


def mpi4py_verdict(output, _folder):
    refuse("FAILED.*", output)
    return [re.sub(r" in .*s$", "", line) for line in lines_with("^(?:Ran |OK|FAILED)", output)]


# One-sided: our own programs, and the part of mpi4py's tests


def one_sided_command(_ranks, folder):
    if not shutil.which("mpicc"):
        raise Missing("mpicc is not there")
    program = folder / "one_sided"
    subprocess.run(["mpicc", "-std=c11", "-O2", "-o", program, *HERE.glob("one_sided*.c")], check=True)
    return [str(program)]


def exchange_remote_command(_ranks, _folder):
    return [SYSTEM_PYTHON, str(HERE / "exchange_remote.py")]


def remote_suite_command(_ranks, _folder):
    """Without its atomics for accumulation: BTL OFI ends the job when osc rdma, which does not ask, wants one that it
    does not know."""
    return [*settings(osc_rdma_acc_use_amo="0"), SYSTEM_PYTHON, str(HERE / "remote_suite.py"), str(mpi4py_suite())]


def remote_suite_verdict(output, _folder):
    return lines_with("^rank .* failed 0$", output)


def one_sided_clients():
    """Every wait of osc rdma is for a peer that may not have a core of its own, so that many ranks take long."""
    for over, ranks in ((MTL_ONE_SIDED, (2, 4, 8)), (BTL, (2, 4, 8)), (BTL_ALONE, (2, 4))):
        yield Client(f"one-sided-{over.name}", ranks, one_sided_command, exchange_verdict, seconds=300, over=over)
    for over in (MTL_ONE_SIDED, BTL):
        yield Client(f"exchange-remote-{over.name}", (2, 4), exchange_remote_command, exchange_verdict, over=over)
        yield Client(f"mpi4py-remote-{over.name}", (2,), remote_suite_command, remote_suite_verdict, over=over)


def all_clients():
    yield Client("netpipe", (2,), netpipe_command, netpipe_verdict)
    yield Client("netpipe-speed", (2,), netpipe_speed_command, netpipe_speed_verdict, seconds=300)
    yield Client("lammps", (2, 4, 8), lammps_command, lammps_verdict)
    yield Client("hpcc", (2, 4, 8), hpcc_command, hpcc_verdict)
    yield Client("exchange", (2, 4, 8), exchange_command, exchange_verdict)
    yield Client("mpi4py", (2, 4, 8), mpi4py_command, mpi4py_verdict)
    yield Client("blacs-xCbtest", (4,), scalapack_command("xCbtest"), blacs_verdict, aborts=True)
    yield Client("blacs-xFbtest", (4,), scalapack_command("xFbtest"), blacs_verdict, aborts=True)
    yield from scalapack_clients()
    yield from one_sided_clients()
