# SPDX-License-Identifier: BSD-2-Clause
"""kv_server and kv_client as processes: starts them, talks to them, and sees what they cost."""

import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TIME_SCALE = float(os.environ.get("FABTESTS_TIME_SCALE", "1"))
PATIENCE = 60 * TIME_SCALE  # seconds, for whatever must come in the end


class Place:
    """A provider, the programs, and a folder of their own for the regions of anchor's endpoints."""

    def __init__(self, programs: Path, provider: str = "anchor", source: str = ""):
        self.programs = programs
        self.regions = Path(tempfile.mkdtemp(prefix="kv-", dir="/dev/shm"))
        self.options = ["--provider", provider] + (["--source", source] if source else [])
        self.environment = {**os.environ, "FI_ANCHOR_SHM_DIR": str(self.regions),
                            "FI_PROVIDER": provider.replace(";", ",")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.regions)


class Program:
    """A process that answers lines with lines. It is killed when it is not needed any more."""

    def __init__(self, place: Place, name: str, *options: str):
        self.process = subprocess.Popen([place.programs / name, *place.options, *options], env=place.environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def hear(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.unread:
            ready = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]
            more = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not more:
                raise TimeoutError(f"{self.process.args[0].name}: " + ("it ended" if ready else "nothing for too long"))
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode()

    def tell(self, line: str) -> None:
        os.write(self.process.stdin.fileno(), line.encode() + b"\n")

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.hear()


class Client(Program):
    """Connected once connected() has returned; may be told of work before."""

    def __init__(self, place: Place, server: "Server"):
        super().__init__(place, "kv_client", "--control", str(server.port))

    def connected(self) -> "Client":
        greeting = self.hear()
        if greeting != "connected":
            raise ValueError(greeting)
        return self

    def leave(self) -> int:
        """Exit status."""
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


class Server(Program):
    """The server with its control socket."""

    def __init__(self, place: Place, *options: str):
        super().__init__(place, "kv_server", *options)
        self.port = int(self.hear().split()[-1])

    def statistics(self) -> dict[str, int]:
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as control:
            control.sendall(b"statistics\n")
            words = control.makefile().readline().split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def wait_until(self, **expected: int) -> float:
        """Seconds until the statistics are as expected."""
        started = time.monotonic()
        while not expected.items() <= (now := self.statistics()).items():
            if time.monotonic() - started > PATIENCE:
                raise TimeoutError(f"expected {expected}, still {now}")
            time.sleep(0.01)
        return time.monotonic() - started

    def cost(self) -> tuple[float, int]:
        """Seconds of processor time so far, and how often it went to sleep."""
        seconds, sleeps = 0.0, 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            seconds += int((task / "schedstat").read_text().split()[0]) * 1e-9
            sleeps += sum(int(line.split()[1]) for line in (task / "status").read_text().splitlines()
                          if line.startswith("voluntary"))
        return seconds, sleeps

    def end(self) -> int:
        """Exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def figures(report: str) -> dict[str, float]:
    """What a client says of its load."""
    words = report.split()
    return dict(zip(words[::2], map(float, words[1::2])))
