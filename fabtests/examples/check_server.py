#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The key/value server with 64 client processes: right values, a control socket that answers meanwhile, no cost when
idle, and dead clients that are forgotten while the others go on.

  check_server.py [FOLDER]   FOLDER: where kv_server and kv_client are (default: below the current one)"""

import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.dont_write_bytecode = True

from processes import TIME_SCALE, Client, Place, Server, figures  # noqa: E402

CLIENTS = 64
ROUNDS = 100
IDLE_SECONDS = 2.0
IDLE_SLEEPS = 4 * IDLE_SECONDS  # no look at any client
IDLE_COST = 0.01 * IDLE_SECONDS  # seconds of a processor: a wake-up may find everything cold (1 to 3 ms were seen)
NOTICE_SECONDS = 3 * TIME_SCALE
LEASE_SECONDS = 2 * TIME_SCALE

faults = []


def check(holds: bool, what: str) -> None:
    print(f"{'right' if holds else 'WRONG'}: {what}", flush=True)
    if not holds:
        faults.append(what)


def start_load(clients: list[Client]) -> None:
    """All at once, values of all sizes."""
    for number, client in enumerate(clients):
        client.tell(f"load {number * 100} {ROUNDS} {1 + number * 1023 // CLIENTS}")


def check_load(clients: list[Client], title: str) -> None:
    reports = [figures(client.hear()) for client in clients]
    check(all(report["requests"] == 2 * ROUNDS and report["wrong"] == 0 for report in reports),
          f"{title}: {2 * ROUNDS} requests of each of {len(clients)} clients")


def check_control(server: Server) -> None:
    """Asked while clients are at work, in the loop that serves them."""
    requests = [server.statistics()["requests"] for _ in range(10)]
    check(requests == sorted(requests), f"the control socket answers meanwhile: {requests[0]} to {requests[-1]} requests")


def check_neighbours(clients: list[Client]) -> None:
    stored = [client.ask(f"put {number + 1000000} word of {number}") for number, client in enumerate(clients)]
    found = [client.ask(f"get {number + 1000000}") for number, client in enumerate(clients[1:] + clients[:1], 1)]
    expected = [f"word of {number}" for number in range(1, len(clients))] + ["no such key"]
    check(set(stored) == {"done"} and found == expected, "clients read what others stored")


def check_idleness(server: Server, title: str) -> None:
    before = server.cost()
    time.sleep(IDLE_SECONDS)
    seconds, sleeps = (after - earlier for after, earlier in zip(server.cost(), before))
    check(seconds <= IDLE_COST and sleeps <= IDLE_SLEEPS,
          f"{title}: {1000 * seconds:.1f} ms of processor time and {sleeps} wake-ups in {IDLE_SECONDS} s")


def kill(clients: list[Client]) -> None:
    """Some with their request outstanding."""
    for client in clients[::2]:
        client.tell("load 5000000 1000000000 64")
    for client in clients:
        client.process.kill()


def check_deaths(server: Server, clients: list[Client]) -> list[Client]:
    """The survivors."""
    dead, living = clients[::5], [client for number, client in enumerate(clients) if number % 5]
    start_load(living)
    kill(dead)
    seconds = server.wait_until(clients=len(living), lost=len(dead))
    check(seconds <= NOTICE_SECONDS, f"{len(dead)} killed clients are forgotten after {seconds:.2f} s")
    check_load(living, "amid the deaths")
    start_load(living)
    check_load(living, "after the deaths")
    check(living[0].ask("get 1000000") == "word of 0", "what the dead stored is there")
    return living


def check_crowd(place: Place) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(Server(place))

        def admit(count: int) -> list[Client]:
            started = [stack.enter_context(Client(place, server)) for _ in range(count)]
            return [client.connected() for client in started]

        clients = admit(CLIENTS)
        start_load(clients)
        check_control(server)
        check_load(clients, "from the start")
        check_neighbours(clients)
        check_idleness(server, f"idle with {len(clients)} clients")
        clients = check_deaths(server, clients)
        check_idleness(server, f"idle with the {len(clients)} that live")
        clients += admit(CLIENTS - len(clients))
        start_load(clients)
        check_load(clients, "with newcomers in the place of the dead")
        check({client.leave() for client in clients} == {0}, "clients leave in order")
        server.wait_until(clients=0, left=CLIENTS)
        check(server.end() == 0, "the server ends in order")
    check(not os.listdir(place.regions), f"nothing is left behind, but {os.listdir(place.regions)}")


def check_lease(place: Place) -> None:
    """A client that says nothing, though it lives, loses its lease; those that renew it do not."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(place, "--lease", str(int(1000 * LEASE_SECONDS))))
        clients = [stack.enter_context(Client(place, server)).connected() for _ in range(4)]
        clients[0].process.send_signal(signal.SIGSTOP)
        server.wait_until(clients=3, lost=1)
        time.sleep(1.5 * LEASE_SECONDS)
        check(server.statistics()["clients"] == 3, "silence ends a lease, and nothing else does")
        start_load(clients[1:])
        check_load(clients[1:], "with leases")


def main(folder: Path) -> int:
    with Place(folder) as place:
        check_crowd(place)
    with Place(folder) as place:
        check_lease(place)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "fabtests/examples")))
