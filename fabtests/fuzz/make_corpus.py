#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpus, an input for each thing that a target tells apart: make_corpus.py FOLDER

To fuzz: compile a target and the provider's objects with clang++ -fsanitize=fuzzer,address, and give it a copy of its
folder here. What it finds belongs into that folder, under a name that says what was wrong."""

import struct
import sys
from pathlib import Path

IN_AREA, WANT_FINISH = 2, 4
FIRST = 1 << 32  # a request's first name: generation 1, index 0


def say(operation, body=b"", flags=0, length=0, tag=0):
    return struct.pack("<BBBHB", 0, operation, flags, length, tag) + body.ljust(40, b"\0")


def write_payload(offset, word):
    return struct.pack("<BHQ", 1, offset // 8, word)


def write_block(offset, word):
    return struct.pack("<BHQ", 2, offset // 8, word)


def poll(times):
    return bytes([3, times])


def announce(count, request, length, address, offset=0):
    return struct.pack("<IIQQQ", offset, count, request, length, address)


EXCHANGE = {
    "nothing": b"",
    "eager": say(3, b"hello", length=5) + say(4, b"hello", length=5, tag=1) + poll(2),
    "eager_in_area": say(4, struct.pack("<IIQ", 64, 0, 7), IN_AREA | WANT_FINISH, 500, 2) + poll(2),
    "eager_beyond_area": say(4, struct.pack("<IIQ", 24448, 0, 0), IN_AREA, 1, 2) + poll(2),
    "eager_too_long": say(3, length=41) + poll(2),
    "multi_receive": b"".join(say(4, struct.pack("<IIQ", 0, 0, 0), IN_AREA, 900, 3) for _ in range(8)) + poll(8),
    "announce": say(6, announce(1, 5, 30000, 0x10000), tag=2) + poll(4)
                + b"".join(say(8, struct.pack("<IIQ", 0, 0, FIRST), IN_AREA, 6000) for _ in range(5)) + poll(8),
    "announce_truncated": say(6, announce(1, 5, 1 << 40, 0), tag=1) + poll(4)
                          + say(8, struct.pack("<IIQ", 0, 0, FIRST), IN_AREA, 10) + poll(4),
    "announce_list": write_payload(0, 0x1000) + write_payload(8, 100) + write_payload(16, 0x2000)
                     + write_payload(24, 50) + say(6, announce(2, 5, 150, 0), IN_AREA, 32, 2) + poll(4),
    "announce_wrong_total": say(6, announce(2, 5, 150, 0), IN_AREA, 32, 2) + poll(4),
    "announce_unexpected": say(5, announce(1, 9, 10, 0), tag=77) + poll(2) + say(10) + poll(2),
    "chunk_too_long": say(6, announce(1, 5, 100, 0), tag=2) + poll(2)
                      + say(8, struct.pack("<IIQ", 0, 0, FIRST), IN_AREA, 101) + poll(2),
    "clear_to_send": say(7, struct.pack("<QQQ", FIRST, 77, 20000)) + poll(4) + say(9, struct.pack("<Qq", FIRST, 0))
                     + poll(2),
    "clear_to_send_too_much": say(7, struct.pack("<QQQ", FIRST, 77, 20001)) + poll(4),
    "clear_to_send_of_eager": say(7, struct.pack("<QQQ", FIRST | 1, 77, 100)) + poll(4),
    "clear_to_send_twice": say(7, struct.pack("<QQQ", FIRST, 77, 20000)) * 2 + poll(9),
    "pulled": say(7, struct.pack("<QQQ", FIRST, 77, 20000)) + write_block(64, (77 ^ 0x8000) << 48 | 5000) + poll(9),
    "finish_unknown": say(9, struct.pack("<Qq", 12345, 0)) + poll(2),
    "finish_failed": say(9, struct.pack("<Qq", FIRST | 1, -5)) + poll(2),
    "finish_odd_status": say(9, struct.pack("<Qq", FIRST | 1, 1 << 62)) + poll(2),
    "grant_again": say(1) + poll(2),
    "refuse": say(2) + poll(2),
    "goodbye": say(3, b"x", length=1) + say(10) + say(3, b"x", length=1) + poll(4),
    "unknown_operation": say(99) + poll(2),
    "credits_beyond_head": write_block(0, 1000) + poll(2),
    "flood": b"".join(say(4, struct.pack("<IIQ", 0, 0, 0), IN_AREA, 6000, 9) + poll(1) for _ in range(40)),
}

RECORD = {
    "right": b"",
    "magic": b"\1",
    "version": bytes(8) + b"\1",
    "not_published": bytes(8) + b"\2",
    "length": bytes(12) + b"\1",
    "header_size": bytes(24) + b"\1",
    "header_size_huge": bytes(31) + b"\xff",
    "owner": bytes(40) + b"\1",
    "contact_offset": bytes(96) + b"\x7f\xff",
    "contact_count": bytes(104) + b"\0\1",
    "contact_stride": bytes(108) + b"\1",
    "notification_offset": bytes(112) + b"\0\0\1",
    "notification_count": bytes(120) + b"\0\0\0\xff",
    "notification_stride": bytes(124) + b"\x41",
}

NAMES = {
    "string": b"\0anchor://host:1\0anchor://host:2\0",
    "string_alone": b"\0anchor://",
    "string_unterminated": b"\0anchor://" + b"x" * 80,
    "string_odd": b"\0anchor://a b\x7f\xff",
    "host_numbered": b"\0node099",
    "ip_text": b"\0" + b"255.255.255.255",
    "ipv4": b"\2" + struct.pack("<H", 2) + b"\x1d\x2f\x7f\0\0\1" + bytes(8),
    "ipv6": b"\3" + struct.pack("<H", 10) + b"\x1d\x2f" + bytes(19) + b"\1" + bytes(4),
    "family_unknown": b"\1\xff\xff" + bytes(30),
    "short": b"\1\2",
}


def main(folder):
    for target, inputs in {"fuzz_exchange": EXCHANGE, "fuzz_record": RECORD, "fuzz_names": NAMES}.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, content in inputs.items():
            (folder / target / name).write_bytes(content)


main(Path(sys.argv[1]))
