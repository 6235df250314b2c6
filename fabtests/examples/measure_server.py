#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The key/value server over anchor and over tcp, round by round in turns: the time a request of a single client takes,
how many requests a second 64 clients get answered at once, and what processor time the server spends on one.

  measure_server.py [--build FOLDER] [--rounds N] [--clients N] [--size BYTES] [--beside PROVIDER]"""

import argparse
import os
import signal
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.dont_write_bytecode = True

from processes import Client, Place, Server, figures  # noqa: E402

ALONE, TOGETHER = 5000, 500  # times that a client stores and reads


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--size", type=int, default=64, help="bytes of a value (default: %(default)s)")
    parser.add_argument("--beside", default="tcp;ofi_rxm",
                        help="another provider (default: %(default)s; tcp is enough from libfabric 2.0 on)")
    return parser.parse_args()


def measure(place: Place, arguments: argparse.Namespace) -> dict[str, float]:
    with ExitStack() as stack:
        server = stack.enter_context(Server(place))
        clients = [stack.enter_context(Client(place, server)) for _ in range(arguments.clients)]
        for client in clients:
            client.connected()
            figures(client.ask(f"load 0 100 {arguments.size}"))
        alone = figures(clients[0].ask(f"load 0 {ALONE} {arguments.size}"))
        spent, started = server.cost()[0], time.monotonic()
        for number, client in enumerate(clients):
            client.tell(f"load {100 * number} {TOGETHER} {arguments.size}")
        reports = [figures(client.hear()) for client in clients]
        seconds, requests = time.monotonic() - started, sum(report["requests"] for report in reports)
        spent = server.cost()[0] - spent
        if any(report["wrong"] for report in [alone, *reports]):
            sys.exit("measure_server: wrong values")
        for client in clients:
            client.leave()
        server.end()
    return {"median, one client": alone["median_us"], "99th percentile": alone["p99_us"],
            "requests/s, all": requests / seconds, "server's µs/request": 1e6 * spent / requests}


def main() -> None:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    build = arguments.build.resolve()
    os.environ.setdefault("FI_PROVIDER_PATH", str(build / "prov/anchor/.libs"))
    sources = {"anchor": "", arguments.beside: "127.0.0.1"}  # addresses that endpoints have
    rounds = {provider: [] for provider in sources}
    for turn in range(arguments.rounds):
        order = list(sources.items())
        for provider, source in order if turn % 2 == 0 else reversed(order):
            print(f"round {turn + 1} of {arguments.rounds}, {provider}", flush=True)
            with Place(build / "fabtests/examples", provider, source) as place:
                rounds[provider].append(measure(place, arguments))
    print(f"medians of {arguments.rounds} rounds, {arguments.clients} clients, values of {arguments.size} bytes")
    titles = list(rounds["anchor"][0])
    print(f"{'':<14}" + "".join(f"{title:>22}" for title in titles))
    for provider, results in rounds.items():
        medians = (statistics.median(result[title] for result in results) for title in titles)
        print(f"{provider:<14}" + "".join(f"{median:>22.4g}" for median in medians))


main()
