# SPDX-License-Identifier: BSD-2-Clause
"""Two machines on this one: guests under QEMU's software emulation, with this machine's root file system to read, an
Ethernet of their own between them (192.0.2.1 and 192.0.2.2), and one ivshmem device that both see, whose interrupts they
can send each other; an emulated IOMMU is there so that the kernel lets a program have them."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ivshmem import VECTORS, Switch

HERE = Path(__file__).resolve().parent
MACHINE = "q35,hpet=off,vmport=off,smbus=off,sata=off,usb=off,graphics=off"
# With one possible processor the emulator makes plain instructions of atomic ones, which another guest can tell.
PROCESSORS = "1,maxcpus=2"
GLANCE = 0.05  # seconds between two looks at what guests wish


class Guest:
    """Boots, runs a script as root and stops; what it prints appears here, with its number before each line."""

    def __init__(self, number, folder, network, window, script):
        self.number = number
        self.job = tempfile.TemporaryDirectory(prefix="guest-")
        Path(self.job.name, "run").write_text(script)
        words = f"console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable random.trust_cpu=on intel_iommu=on " \
                f"guest.stage2={HERE}/stage2.sh guest.folder={folder} guest.number={number} " \
                f"guest.places={HERE}:{folder.parent}"
        share = "local,security_model=none,id={},path={}"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", MACHINE, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", PROCESSORS,
             "-m", "1G", "-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-serial", "stdio",
             "-device", "intel-iommu,intremap=on,caching-mode=on",
             "-kernel", f"{folder}/kernel", "-initrd", f"{folder}/initramfs", "-append", words,
             "-fsdev", share.format("root", "/") + ",readonly=on,multidevs=remap",
             "-device", "virtio-9p-pci,fsdev=root,mount_tag=host",
             "-fsdev", share.format("job", self.job.name), "-device", "virtio-9p-pci,fsdev=job,mount_tag=job",
             "-device", "virtio-rng-pci",
             "-netdev", f"dgram,id=net,local.type=unix,local.path={network}/{number},"
                        f"remote.type=unix,remote.path={network}/{1 - number}",
             "-device", f"virtio-net-pci,netdev=net,mac=52:54:00:00:00:0{number + 1},romfile=",
             "-chardev", f"socket,id=window,path={window}",
             "-device", f"ivshmem-doorbell,chardev=window,vectors={VECTORS}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip()
            if text:
                self.lines.append(text)
                print(f"[{self.number}] {text}", flush=True)

    def runs(self):
        return self.process.poll() is None

    def wish(self):
        """What the guest asks for of its host, a file "wish" in its job's folder; it waits until that is gone."""
        try:
            return Path(self.job.name, "wish").read_text().split()
        except OSError:
            return None

    def grant(self):
        Path(self.job.name, "wish").unlink()

    def status(self):
        """The script's exit status; None if there is none."""
        try:
            return int(Path(self.job.name, "status").read_text())
        except (OSError, ValueError):
            return None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


class Pair:
    """Both run the script, which finds its number in GUEST_number, and may wish that a guest be killed, or booted
    anew."""

    def __init__(self, folder, script, window_size):
        self.shared = tempfile.TemporaryDirectory(prefix="guests-", dir="/dev/shm")
        os.mkdir(f"{self.shared.name}/net")
        window = f"{self.shared.name}/switch"
        self.switch = Switch(window, f"{self.shared.name}/window", window_size)
        self.setting = folder, f"{self.shared.name}/net", window, script
        self.guests = [Guest(number, *self.setting) for number in (0, 1)]
        self.past = []  # lines of those that were killed

    def run(self, seconds):
        """The exit statuses, and all lines."""
        end = time.monotonic() + seconds
        try:
            while any(guest.runs() for guest in self.guests) and time.monotonic() < end:
                for guest in self.guests:
                    wish = guest.wish()
                    if wish:
                        self.fulfil(*wish)
                        guest.grant()
                time.sleep(GLANCE)
        finally:
            for guest in self.guests:
                guest.kill()
            self.switch.close()
        return [guest.status() for guest in self.guests], self.past + [line for guest in self.guests
                                                                       for line in guest.lines]

    def fulfil(self, action, number):
        guest = self.guests[int(number)]
        print(f"[host] {action} {number}", flush=True)
        if action == "kill":
            guest.kill()
        elif action == "boot":
            self.past += guest.lines
            self.guests[guest.number] = Guest(guest.number, *self.setting)


if __name__ == "__main__":
    sys.exit("guests.py is a module")
