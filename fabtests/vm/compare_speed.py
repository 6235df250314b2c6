#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fi_pingpong between this guest and the other one, over anchor and over tcp on their network: at most half of tcp's
latency, and three times its bandwidth at least. Rounds alternate, and the best of each counts: whatever polls needs both
guests' processors, which others may use meanwhile.

  compare_speed.py HOST:PORT    of the other guest's agent"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ACROSS = [sys.executable, str(Path(__file__).resolve().parent / "across.py")]
OURS, CONTROL_PORT = "192.0.2.1", 47592
SECONDS = 120
ROUNDS = 4
SMALL, LARGE = 64, 1 << 20
MOST_LATENCY, LEAST_BANDWIDTH = 0.5, 3


def listens(port):
    rows = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return re.search(rf":{port:04X} \S+ 0A ", rows) is not None


def client_command(provider, words, far):
    """A client asks for the address that it has the server's port at: over anchor its own, from where the connection is
    carried over."""
    if provider == "tcp":
        return [*ACROSS, "run", far, *words, OURS]
    return [*ACROSS, "run", far, *ACROSS, "forward", str(CONTROL_PORT), f"{OURS}:{CONTROL_PORT}", *words, "127.0.0.1"]


def ping_pong(provider, kind, size, count, far):
    """Microseconds for a transfer, and MB/s."""
    os.environ["FI_PROVIDER"] = provider
    words = ["fi_pingpong", "-p", provider, "-e", kind, "-I", str(count), "-S", str(size)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not listens(CONTROL_PORT) and server.poll() is None:
        time.sleep(0.01)
    try:
        client = subprocess.run(client_command(provider, words, far), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, timeout=SECONDS, check=False)
        output = server.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        server.kill()
        return None
    line = output.splitlines()[-1:] or [""]
    numbers = re.findall(r"[\d.]+(?=\s|$)", line[0])
    if server.returncode != 0 or client.returncode != 0 or len(numbers) < 3:
        print(f"{provider}:", output, client.stdout, sep="\n", flush=True)
        return None
    bandwidth, latency = float(numbers[-3]), float(numbers[-2])
    print(f"{provider:<6} {size:>7} bytes {latency:>10.2f} us {bandwidth:>9.2f} MB/s", flush=True)
    return latency, bandwidth


def measure(size, count, far):
    """Of each provider, the best latency and bandwidth; None if a run failed."""
    kinds = {"anchor": "rdm", "tcp": "msg"}
    runs = {provider: [] for provider in kinds}
    for _ in range(ROUNDS):
        for provider, kind in kinds.items():
            runs[provider].append(ping_pong(provider, kind, size, count, far))
    if None in runs["anchor"] + runs["tcp"]:
        return None
    return [(min(latency for latency, _ in runs[provider]), max(bandwidth for _, bandwidth in runs[provider]))
            for provider in ("anchor", "tcp")]


def judge(name, ratio, good):
    verdict = "PASS" if good(ratio) else "FAIL"
    print(f"{verdict}: {name} of tcp between the guests: {ratio:.3f} times", flush=True)


def main(far):
    small, large = measure(SMALL, 200, far), measure(LARGE, 5, far)
    if small is None or large is None:
        print("FAIL: fi_pingpong between the guests")
        return
    print("PASS: fi_pingpong between the guests")
    judge("latency", small[0][0] / small[1][0], lambda ratio: ratio <= MOST_LATENCY)
    judge("bandwidth", large[0][1] / large[1][1], lambda ratio: ratio >= LEAST_BANDWIDTH)


main(sys.argv[1])
