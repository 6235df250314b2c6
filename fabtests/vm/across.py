#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs ranks of a test program on another machine, for hub.cpp, which knows processes of its own machine only.

  across.py agent PORT               on the other machine: starts what it is asked for, until it is told to stop
  across.py rank HOST:PORT PROGRAM ARGUMENT ...
                                     as FABTESTS_WRAPPER: a rank of odd number runs over there, any other one here
  across.py run HOST:PORT PROGRAM ARGUMENT ...
                                     runs any program over there, with its output and its exit status here
  across.py shell PORT HOST WORD ... the same as ssh would: the words are a command for the shell there
  across.py forward PORT HOST:PORT PROGRAM ARGUMENT ...
                                     runs a program here; its connection to the port of this machine's own is carried
                                     to another machine's
  across.py stop HOST:PORT           ends the agent

Between the two goes a stream of records: kind (1 byte), length (4), bytes. Kinds: C the command and its environment,
F a frame of the rank's out-of-band socket, O its output, X its exit status, E the end of the agent."""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

MOST = 1 << 20
PATIENCE = 240  # seconds until the agent must be there: guests boot at their own pace
ATTEMPT = 5  # seconds for one connection: a machine that is just booting may drop what comes
# Seconds without any sign of life after which the other machine's kernel counts as gone: 1 + 14 probes.
PROBES = {socket.TCP_KEEPIDLE: 1, socket.TCP_KEEPINTVL: 1, socket.TCP_KEEPCNT: 14, socket.TCP_USER_TIMEOUT: 15000}


def send(stream, kind, data=b""):
    stream.sendall(kind + struct.pack("<I", len(data)) + data)


class Records:
    """Cuts what arrives into records again."""

    def __init__(self, stream):
        self.stream, self.rest, self.early = stream, b"", []

    def first(self):
        """The first one; those that came with it are `early`."""
        found = []
        while found == []:
            found = self.read()
        if not found:
            return b"", b""
        self.early = found[1:]
        return found[0]

    def read(self):
        """Those that have arrived; None once the other side is gone."""
        try:
            data = self.stream.recv(MOST)
        except OSError:
            return None
        if not data:
            return None
        self.rest += data
        found = []
        while len(self.rest) >= 5:
            length = struct.unpack("<I", self.rest[1:5])[0]
            if len(self.rest) < 5 + length:
                break
            found.append((self.rest[:1], self.rest[5:5 + length]))
            self.rest = self.rest[5 + length:]
        return found


def run_rank(connection, records, words, variables):
    """Starts the rank with a socket of its own and carries everything to and fro until it ends."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if "--fd" in words:
        words[words.index("--fd") + 1] = str(its.fileno())
    rank = subprocess.Popen(words, env={**os.environ, **variables}, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    its.close()
    for _, data in records.early:
        ours.send(data)
    sources = {connection, ours, rank.stdout}
    while rank.stdout in sources:
        for source in select.select(list(sources), [], [])[0]:
            if source is connection:
                arrived = records.read()
                if arrived is None:
                    rank.kill()
                    sources.discard(connection)
                for kind, data in arrived or []:
                    if kind == b"F" and ours in sources:
                        ours.send(data)
            elif source is ours:
                frame = ours.recv(MOST)
                if frame:
                    send(connection, b"F", frame)
                else:
                    sources.discard(ours)
            else:
                text = os.read(rank.stdout.fileno(), MOST)
                if text:
                    send(connection, b"O", text)
                else:
                    sources.discard(source)
    send(connection, b"X", struct.pack("<i", rank.wait()))


def agent(port):
    listener = socket.create_server(("", port), backlog=64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that serve
    while True:
        connection, _ = listener.accept()
        records = Records(connection)
        kind, command = records.first()
        if kind == b"E":
            return
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            run_rank(connection, records, *json.loads(command))
        except ConnectionError:
            pass
        os._exit(0)


def carry(listener, place):
    near, _ = listener.accept()
    far = connect(place)
    other = {near: far, far: near}
    while True:
        for source in select.select([near, far], [], [])[0]:
            data = source.recv(MOST)
            if not data:
                return
            other[source].sendall(data)


def forward(port, place, words):
    listener = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=carry, args=(listener, place), daemon=True).start()
    return subprocess.run(words, check=False).returncode


def connect(place):
    host, port = place.rsplit(":", 1)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            stream = socket.create_connection((host, int(port)), ATTEMPT)
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    stream.settimeout(None)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in PROBES.items():
        stream.setsockopt(socket.IPPROTO_TCP, option, value)
    return stream


def rank(place, words):
    if int(words[words.index("--rank") + 1]) % 2 == 0:
        os.execvp(words[0], words)
    return run(place, words, socket.socket(fileno=int(words[words.index("--fd") + 1])))


def run(place, words, hub):
    stream = connect(place)
    variables = {name: value for name, value in os.environ.items() if name.startswith(("FI_", "FABTESTS_"))}
    variables.pop("FABTESTS_PRIVATE_SHM", None)
    send(stream, b"C", json.dumps([words, variables]).encode())
    records = Records(stream)
    while True:
        for source in select.select([hub, stream], [], [])[0]:
            if source is hub:
                frame = hub.recv(MOST)
                if not frame:
                    return 1
                send(stream, b"F", frame)
                continue
            arrived = records.read()
            if arrived is None:
                print("the other machine is gone", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)  # as what ran there was
            for kind, data in arrived:
                if kind == b"F":
                    hub.send(data)
                elif kind == b"O":
                    os.write(1, data)
                elif kind == b"X":
                    status = struct.unpack("<i", data)[0]
                    return status if status >= 0 else 128 - status


def run_program(place, words):
    ours, _its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return run(place, words, ours)


def main(action, *words):
    if action == "agent":
        return agent(int(words[0]))
    if action == "forward":
        return forward(int(words[0]), words[1], words[2:])
    if action == "stop":
        return send(connect(words[0]), b"E")
    if action == "run":
        return run_program(words[0], list(words[1:]))
    if action == "shell":
        return run_program(f"{words[1]}:{words[0]}", ["sh", "-c", " ".join(words[2:])])
    return rank(words[0], list(words[1:]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
