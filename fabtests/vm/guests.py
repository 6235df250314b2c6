# SPDX-License-Identifier: BSD-2-Clause
"""Two machines on this one: guests under QEMU's software emulation, with this machine's root file system to read, an
Ethernet of their own between them (192.0.2.1 and 192.0.2.2), and one ivshmem device that both see."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
MACHINE = "q35,hpet=off,vmport=off,smbus=off,sata=off,usb=off,graphics=off"
# With one possible processor the emulator makes plain instructions of atomic ones, which another guest can tell.
PROCESSORS = "1,maxcpus=2"


class Guest:
    """Boots, runs a script as root and stops; what it prints appears here, with its number before each line."""

    def __init__(self, number, folder, network, window, script):
        self.number = number
        self.job = tempfile.TemporaryDirectory(prefix="guest-")
        Path(self.job.name, "run").write_text(script)
        words = f"console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable random.trust_cpu=on " \
                f"guest.stage2={HERE}/stage2.sh guest.folder={folder} guest.number={number}"
        share = "local,security_model=none,id={},path={}"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", MACHINE, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", PROCESSORS,
             "-m", "1G", "-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-serial", "stdio",
             "-kernel", f"{folder}/kernel", "-initrd", f"{folder}/initramfs", "-append", words,
             "-fsdev", share.format("root", "/") + ",readonly=on,multidevs=remap",
             "-device", "virtio-9p-pci,fsdev=root,mount_tag=host",
             "-fsdev", share.format("job", self.job.name), "-device", "virtio-9p-pci,fsdev=job,mount_tag=job",
             "-device", "virtio-rng-pci",
             "-netdev", f"dgram,id=net,local.type=unix,local.path={network}/{number},"
                        f"remote.type=unix,remote.path={network}/{1 - number}",
             "-device", f"virtio-net-pci,netdev=net,mac=52:54:00:00:00:0{number + 1},romfile=",
             "-object", f"memory-backend-file,id=window,share=on,mem-path={window[0]},size={window[1]}",
             "-device", "ivshmem-plain,memdev=window"],
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

    def wait(self, seconds):
        """The script's exit status; None if there is none."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.reader.join()
        try:
            return int(Path(self.job.name, "status").read_text())
        except (OSError, ValueError):
            return None

    def kill(self):
        self.process.kill()


def run_pair(folder, script, window_size, seconds):
    """Both run the script, which finds its number in GUEST_number. Their exit statuses and lines."""
    with tempfile.TemporaryDirectory(prefix="guests-", dir="/dev/shm") as shared:
        os.mkdir(f"{shared}/net")
        window = (f"{shared}/window", window_size)
        guests = [Guest(number, folder, f"{shared}/net", window, script) for number in (0, 1)]
        try:
            return [guest.wait(seconds) for guest in guests], [guest.lines for guest in guests]
        finally:
            for guest in guests:
                guest.kill()


if __name__ == "__main__":
    sys.exit("guests.py is a module")
