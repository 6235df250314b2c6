# SPDX-License-Identifier: BSD-2-Clause
"""What is compared: a provider under one version of libfabric is a case, and so is the bare machine."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
COMMON = BENCHMARKS.parent / "common"
RAW = "raw"
SUBJECT = "anchor"


@dataclass(frozen=True)
class Case:
    """One provider as the worker is to run it: `prefix` is the command that brings another libfabric."""

    name: str
    provider: str
    prefix: tuple[str, ...] = ()
    source: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()  # configuration files of the window device

    @property
    def is_tcp(self) -> bool:
        return self.provider.startswith("tcp")

    def command(self, worker: Path) -> list[str]:
        line = [*self.prefix, str(worker), "--provider", self.provider]
        line += ["--hosts", ",".join(self.hosts)] if self.hosts else []
        return line + (["--source", self.source] if self.source else [])

    def surroundings(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


@dataclass(frozen=True)
class Build:
    """A build folder: the worker and the plugin in it."""

    folder: Path

    @property
    def benchmarks(self) -> Path:
        return self.folder / "fabtests" / "benchmarks"

    @property
    def worker(self) -> Path:
        return self.benchmarks / "anchor_bench"

    @property
    def window_tool(self) -> Path:
        return self.folder / "tools" / "anchor_window"

    @property
    def plugin(self) -> Path:
        return self.folder / "prov" / "anchor" / ".libs"


def library_version(worker: Path, prefix: tuple[str, ...]) -> str:
    """The version of the libfabric that the worker gets, such as 1.17."""
    line = [*prefix, str(worker), "--version"]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()


def newer_library() -> tuple[str, ...] | None:
    """The command that brings libfabric 2.1; None, with a word on why, where it cannot be had."""
    fetched = subprocess.run([str(COMMON / "get_libfabric2")], capture_output=True, text=True)
    if fetched.returncode == 0:
        return (str(COMMON / "with_libfabric2"),)
    print("libfabric 2.1 is left out:", (fetched.stderr.strip() or "no reason given").splitlines()[-1])
    return None


def cases_under(prefix: tuple[str, ...], version: str, build: Build) -> list[Case]:
    """All that one libfabric may offer. Its tcp serves RDM endpoints by itself from 2.0 on."""
    tcp = "tcp" if version.startswith("2") else "tcp;ofi_rxm"
    plugin = {"FI_PROVIDER": "anchor", "FI_PROVIDER_PATH": str(build.plugin)}
    return [
        Case(f"anchor-{version}" if prefix else SUBJECT, "anchor", prefix, environment=plugin),
        Case(f"shm-{version}", "shm", prefix, environment={"FI_PROVIDER": "shm"}),
        Case(f"sm2-{version}", "sm2", prefix, environment={"FI_PROVIDER": "sm2"}),
        Case(f"tcp-{version}", tcp, prefix, "127.0.0.1", {"FI_PROVIDER": "tcp,ofi_rxm"}),
    ]


def all_cases(build: Build) -> list[Case]:
    """Every case that could be run here, the bare machine last."""
    version = library_version(build.worker, ())
    cases = cases_under((), version, build)
    prefix = newer_library()
    if prefix:
        newer = library_version(build.worker, prefix)
        if newer != version:
            cases += cases_under(prefix, newer, build)
    return [*cases, Case(RAW, RAW)]


def is_default(case: Case) -> bool:
    """The plugin, both shm, sm2, and one tcp; the plugin under the newer library only when asked for."""
    return not case.prefix or case.provider in ("shm", "sm2")
