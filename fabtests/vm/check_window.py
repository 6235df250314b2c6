#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The window device between two guests that share an ivshmem device: they find each other, fi_pingpong runs across, and
so do the functional tests, ranks of even number in one guest and those of odd number in the other.

  check_window.py BUILD [PATTERN ...]    PATTERNs of tests instead of all"""

import os
import subprocess
import sys
from pathlib import Path

import guests

HERE = Path(__file__).resolve().parent
MINUTES = 25
PATTERNS = ("calls_*", "completion_*", "multi_*", "order_*", "peek_*", "sizes_*", "source_*", "start_*", "truncation_*",
            "vectors_*")
REMOTE_PATTERNS = ("atomic_calls*", "rma_*calls*", "rma_order*", "rma_errors*")

SCRIPT = """
build={build} across="python3 {here}/across.py" far=192.0.2.2:7000
export FI_PROVIDER_PATH=$build/prov/anchor/.libs FI_PROVIDER=anchor FABTESTS_TIME_SCALE=10
device=$(dirname "$(grep -l 0x1110 /sys/bus/pci/devices/*/device)")
echo 1 > "$device/enable"
mkdir /tmp/window
ln -s "$device/resource2" /tmp/window/memory
for host in 0 1; do
    printf 'path = %s\\nhosts = 2\\nhost = %s\\ntimeout = 10000\\n' "$device/resource2" $host > /tmp/window/host$host
done
export FI_ANCHOR_WINDOW=/tmp/window/host$GUEST_number
export FI_ANCHOR_SHM_DIR=/tmp/window  # tests have a /dev/shm of their own
"$build/tools/anchor_window" keep &
if test $GUEST_number = 1; then
    $across agent 7000
    exit
fi
said() {{ if test "$1" = 0; then echo "PASS: $2"; else echo "FAIL: $2"; fi; }}

$across run $far env FI_ANCHOR_WINDOW=/tmp/window/host1 "$build/tools/anchor_window" show | tee /tmp/there
"$build/tools/anchor_window" show | tee /tmp/here
test "$(grep -c 'in use' /tmp/here)$(grep -c 'in use' /tmp/there)" = 22
said $? "each guest sees the other one in the window"

# A client asks for the address that it has the server's port at: its own, from where connections are carried over.
fi_pingpong -p anchor -e rdm -I 1000 -S 64 &
server=$!
until ss --listening --tcp --numeric | grep -q :47592; do sleep 0.1; done
$across run $far sh -c 'FI_ANCHOR_WINDOW=/tmp/window/host1; export FI_ANCHOR_WINDOW
    python3 {here}/across.py forward 47592 192.0.2.1:47592 & sleep 2
    fi_pingpong -p anchor -e rdm -I 1000 -S 64 127.0.0.1'
client=$?
wait $server
said $((client + $?)) "fi_pingpong across guests"

export FABTESTS_DEVICE=window FABTESTS_WINDOW_FOLDER=/tmp/window FABTESTS_WRAPPER="$across rank $far"
run() {{
    "$build/fabtests/functional/$@" | while read -r line; do
        case $line in
            "not ok"*) echo "FAIL: $1 ${{line#* - }}" ;;
            ok*SKIP*) ;;
            ok*) echo "PASS: $1 ${{line#* - }}" ;;
            *) echo "$line" ;;
        esac
    done
}}
{runs}
$across stop $far
"""


def main(build, patterns):
    folder = Path(build, "vm").resolve()
    subprocess.run([HERE / "prepare.sh", folder], check=True)
    if patterns:
        runs = f"run messages {' '.join(map(repr, patterns))}"
    else:
        runs = f"run messages {' '.join(map(repr, PATTERNS))}\nrun remote {' '.join(map(repr, REMOTE_PATTERNS))}"
    script = SCRIPT.format(build=Path(build).resolve(), here=HERE, runs=runs)
    statuses, lines = guests.run_pair(folder, script, "64M", MINUTES * 60)
    text = [line for guest in lines for line in guest]
    for line in text:
        if line.startswith(("PASS: ", "FAIL: ")):
            print(line)
    print(f"the guests' scripts ended with {statuses}")
    good = any(line.startswith("PASS: ") for line in text) and not any(line.startswith("FAIL: ") for line in text)
    return 0 if good and statuses == [0, 0] else 1


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    sys.exit(main(sys.argv[1], sys.argv[2:]))
