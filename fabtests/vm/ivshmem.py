# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU's ivshmem-doorbell devices ask of a server (QEMU's docs/specs/ivshmem-spec): it hands each machine that
connects the memory, a number of its own, and for every machine and vector the eventfd by which it is interrupted.
Interrupts themselves do not come by here. A message is a number of 8 bytes, some with a file descriptor."""

import array
import os
import selectors
import socket
import struct
import threading

PROTOCOL = 0
MEMORY = -1
VECTORS = 1


def tell(machine, number, descriptor=None):
    ancillary = []
    if descriptor is not None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    machine.sendmsg([struct.pack("<q", number)], ancillary)


class Switch:
    """Serves at the socket `path` until closed. A machine that comes back is a new one, with a new number."""

    def __init__(self, path, memory, size):
        self.memory = os.open(memory, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self.memory, size)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.end = os.eventfd(0)
        self.machines = {}  # by their sockets: number and eventfds
        self.next = 0
        self.selector = selectors.DefaultSelector()
        for source in (self.listener, self.end):
            self.selector.register(source, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj == self.end:
                    return
                try:
                    if key.fileobj is self.listener:
                        self.welcome(self.listener.accept()[0])
                    elif not key.fileobj.recv(64):
                        self.see_off(key.fileobj)
                except OSError:  # it went away meanwhile, and its socket says so as well
                    if key.fileobj in self.machines:
                        self.see_off(key.fileobj)

    def welcome(self, machine):
        number, self.next = self.next, self.next + 1
        events = [os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) for _ in range(VECTORS)]
        others = list(self.machines.items())
        self.machines[machine] = number, events
        self.selector.register(machine, selectors.EVENT_READ)
        tell(machine, PROTOCOL)
        tell(machine, number)
        tell(machine, MEMORY, self.memory)
        for other, (other_number, other_events) in others:
            for event in other_events:
                tell(machine, other_number, event)
            for event in events:
                tell(other, number, event)
        for event in events:  # its own last
            tell(machine, number, event)

    def see_off(self, machine):
        number, events = self.machines.pop(machine)
        self.selector.unregister(machine)
        machine.close()
        for event in events:
            os.close(event)
        for other in self.machines:
            try:
                tell(other, number)
            except OSError:
                pass  # it is going as well

    def close(self):
        os.eventfd_write(self.end, 1)
        self.thread.join()
        for machine, (_, events) in self.machines.items():
            machine.close()
            for event in events:
                os.close(event)
        self.selector.close()
        self.listener.close()
        os.close(self.memory)
        os.close(self.end)
