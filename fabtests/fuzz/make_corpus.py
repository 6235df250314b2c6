#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpus, an input for each thing that a target tells apart: make_corpus.py FOLDER

To fuzz: compile a target and the provider's objects with clang++ -fsanitize=fuzzer,address, and give it a copy of its
folder here. What it finds belongs into that folder, under a name that says what was wrong."""

import struct
import sys
from pathlib import Path

IN_AREA, WANT_FINISH, WITHDRAWABLE = 2, 4, 8
POLLED, GATE, TAIL, PULLED, SHARE = 0, 24, 64, 80, 88  # in a FIFO block (fifo_layout.h)
FIRST = 1 << 32  # a request's first name: generation 1, index 0


def say(operation, body=b"", flags=0, length=0, tag=0, data=0):
    return struct.pack("<BBBHBB", 0, operation, flags, length, tag, data) + body.ljust(40, b"\0")


def write_payload(offset, word):
    return struct.pack("<BHQ", 1, offset // 8, word)


def write_block(offset, word):
    return struct.pack("<BHQ", 2, offset // 8, word)


def poll(times):
    return bytes([3, times])


def scribble(choice, word):
    return struct.pack("<BBQ", 4, choice, word)


def remote_write(address, length, request=9, key=1, flags=IN_AREA, ends=1):
    return say(11, struct.pack("<IIQQQ", 0, ends, request, address, length), flags, length, key)


def remote_read(address, length, position=0, key=1, flags=0):
    return say(12, struct.pack("<QQQQII", 9, address, length, position, 1, 0), flags, tag=key)


def gate(state, count):
    """The word by which a peer's operations are withdrawn."""
    return write_block(GATE, count << 2 | state)


def withdrawable_write(address=0, length=8, **rest):
    return remote_write(address, length, flags=IN_AREA | WITHDRAWABLE, **rest)


def read_chunk(request, position, length):
    return say(13, struct.pack("<IIQQ", 0, 0, request, position), IN_AREA, length)


def announce(count, request, length, address, offset=0):
    return struct.pack("<IIQQQ", offset, count, request, length, address)


def front(offset, request, address, length):
    """An entry of a list of beginnings to be copied."""
    return b"".join(write_payload(offset + 8 * i, word) for i, word in enumerate([request, address, length]))


def atomic(kind=7, operation=2, family=1, targets=1, length=8, request=5, offset=0):
    return struct.pack("<IBBBBIIQ", offset, kind, operation, family, targets, length, 0, request)


EXCHANGE = {
    "gate_counts_too_much": withdrawable_write() + gate(3, (1 << 62) - 1) + 3 * withdrawable_write() + poll(9),
    "gate_is_nobodys": gate(1, 0) + withdrawable_write() + say(3, b"behind", length=6) + poll(9) + gate(0, 0) + poll(9),
    "gate_of_the_initiator": gate(2, 0) + withdrawable_write() + say(10) + poll(15),
    "gate_of_the_victims_own": write_block(POLLED, 1) + scribble(0, 1) + scribble(0xff, 77 << 2) + 40 * poll(15),
    "gate_says_taken_over": 3 * withdrawable_write() + gate(3, 2) + poll(9) + gate(3, 9) + withdrawable_write(),
    "withdrawable": withdrawable_write() + remote_read(0, 8, flags=WITHDRAWABLE) + poll(9),
    "withdrawable_elsewhere": withdrawable_write(key=5) + remote_read(1 << 63, 8, flags=WITHDRAWABLE) + poll(9),
    "withdrawable_of_a_part": withdrawable_write(request=0) + poll(9),
    "withdrawable_too_long": remote_read(0, 12225, flags=WITHDRAWABLE) + poll(9),
    "withdrawn": write_block(POLLED, 1) + scribble(0, 1) + 40 * poll(15) + scribble(0, 1) + poll(9),
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
    "copy_fronts_claimed": write_block(SHARE, 1 << 48 | 2) + front(0, FIRST, 0x1000, 10000)
                           + say(22, bytes(8), IN_AREA, 24, data=1) + poll(4),
    "copy_fronts_of_a_stranger": front(0, 77, 0x1000, 10) + say(22, bytes(8), IN_AREA, 24, data=1) + poll(4),
    "copy_fronts_in_part": front(0, FIRST, 0x1000, 10) + say(22, bytes(8), IN_AREA, 23, data=1) + poll(4),
    "copy_fronts_without_number": front(0, FIRST, 0x1000, 10) + say(22, bytes(8), IN_AREA, 24) + poll(4),
    "copy_fronts": front(0, FIRST, 0x1000, 10000) + say(22, bytes(8), IN_AREA, 24, data=1) + poll(4),
    "copy_fronts_twice": front(0, FIRST, 0x1000, 20000) + front(24, FIRST, 0x2000, 20000)
                         + 2 * say(22, bytes(8), IN_AREA, 48, data=1) + poll(4),
    "copy_fronts_too_much": front(0, FIRST, 0x1000, 20001) + say(22, bytes(8), IN_AREA, 24, data=1) + poll(4),
    "copy_fronts_of_eager": front(0, FIRST | 1, 0x1000, 100) + say(22, bytes(8), IN_AREA, 24, data=1) + poll(4),
    "copy_fronts_too_many": say(22, bytes(8), IN_AREA, 24 * 17, data=1) + poll(4),
    "copy_fronts_inline": say(22, struct.pack("<QQQ", FIRST, 0x1000, 100), 0, 24, data=1) + poll(4),
    "pulled": say(7, struct.pack("<QQQ", FIRST, 77, 20000)) + write_block(PULLED, (77 ^ 0x8000) << 48 | 5000) + poll(9),
    "finish_unknown": say(9, struct.pack("<Qq", 12345, 0)) + poll(2),
    "finish_failed": say(9, struct.pack("<Qq", FIRST | 1, -5)) + poll(2),
    "finish_odd_status": say(9, struct.pack("<Qq", FIRST | 1, 1 << 62)) + poll(2),
    "grant_again": say(1) + poll(2),
    "refuse": say(2) + poll(2),
    "goodbye": say(3, b"x", length=1) + say(10) + say(3, b"x", length=1) + poll(4),
    "unknown_operation": say(99) + poll(2),
    "atomic": say(16, atomic() + b"\7", 0, 32, 1) + say(16, atomic(family=0) + b"\7", 0, 32, 1, 120) + poll(4),
    "atomic_compare": say(16, atomic(operation=12, family=2) + bytes(8) + b"\5", 0, 40, 1) + poll(4),
    "atomic_read": say(16, atomic(operation=10), 0, 24, 1) + poll(4),
    "atomic_in_area": b"".join(write_payload(8 * i, i) for i in range(16))
                      + say(16, atomic(length=128), IN_AREA, 128, 1) + poll(4),
    "atomic_targets": b"".join(write_payload(8 * i, word) for i, word in enumerate([0, 8, 1, 64, 16, 1, 3, 4, 5]))
                      + say(16, atomic(targets=2, length=24), IN_AREA, 72, 1) + poll(4),
    "atomic_targets_wrong": say(16, atomic(targets=4, length=24), IN_AREA, 72, 1) + poll(4),
    "atomic_beyond_region": say(16, atomic(), 0, 32, 1, 121) + poll(2) + say(16, atomic(), 0, 32, 2) + poll(4),
    "atomic_unaligned": say(16, atomic(kind=13, length=32), IN_AREA, 32, 1, 3) + poll(4),
    "atomic_odd_length": say(16, atomic(length=12), IN_AREA, 12, 1) + poll(2),
    "atomic_no_such_type": say(16, atomic(kind=20), 0, 32, 1) + poll(2),
    "atomic_no_such_operation": say(16, atomic(operation=6, kind=9), 0, 32, 1) + poll(2),
    "atomic_short": say(16, atomic(), 0, 23, 1) + poll(2),
    "atomic_reply_wrong": say(17, bytes(40), IN_AREA, 56, 0) + poll(2),
    "atomic_flood": b"".join(say(16, atomic(length=128), IN_AREA, 128, 1) + poll(1) for _ in range(80)),
    "credits_beyond_head": write_block(TAIL, 1000) + poll(2),
    "remote_write": remote_write(100, 500) + remote_write(0, 12000, 0) + remote_write(12000, 12000) + poll(4),
    "remote_write_with_data": remote_write(0, 8, flags=IN_AREA | 1) + poll(2),
    "remote_write_beyond": remote_write(29999, 2) + remote_write(1 << 63, 10) + remote_write(2**64 - 1, 10) + poll(4),
    "remote_write_no_key": remote_write(0, 10, key=2) + poll(2),
    "remote_write_inline": remote_write(0, 10, flags=0) + poll(2),
    "remote_write_after_error": remote_write(29999, 2, 0) + remote_write(0, 10, 0) + remote_write(5, 10) + poll(3),
    "remote_read": remote_read(0, 30000) + poll(8) + remote_read(5, 0) + poll(2),
    "remote_read_beyond": remote_read(1, 30000) + remote_read(0, 2**64 - 1) + poll(4),
    "remote_read_position": remote_read(0, 20000, 2**64 - 100) + poll(8),
    "remote_reads": b"".join(remote_read(i, 20000) for i in range(30)) + poll(16),
    "read_chunk": read_chunk(FIRST, 0, 6000) + read_chunk(FIRST, 6000, 6000) + read_chunk(FIRST, 12000, 8000) + poll(9),
    "read_chunk_twice": read_chunk(FIRST, 0, 12000) * 2 + poll(4),
    "read_chunk_beyond": read_chunk(FIRST, 19999, 2) + poll(4),
    "read_chunk_wraps": read_chunk(FIRST, 2**64 - 1, 2) + poll(4),
    "read_chunk_unknown": read_chunk(77, 0, 2) + poll(4),
    "remote_notice": say(14, struct.pack("<QQII", 5, 9, 2, 1), 1, tag=1) + poll(2),
    "remote_notice_of_all": say(14, struct.pack("<QQII", 5, 0, 3, 1), tag=1) + poll(2),
    "remote_finish": say(15, struct.pack("<Qq", FIRST, -14)) + say(15, struct.pack("<Qq", FIRST, 0)) + poll(4),
    "remote_finish_odd": say(15, struct.pack("<Qq", FIRST, 1 << 62)) + poll(4),
    "remote_finish_unknown": say(15, struct.pack("<Qq", 99, 0)) + poll(4),
    "table_busy": scribble(0, 1) + poll(2),
    "table_revoked": scribble(10, 0) + poll(2),
    "table_base": scribble(4, 2**64 - 1) + scribble(6, 2**64 - 1) + poll(2),
    "table_rows": scribble(10, 0xff0003) + scribble(6, 2) + poll(2),
    "table_number": scribble(10, 0x01010003) + poll(2),
    "table_used": scribble(1, 2**64 - 1) + scribble(2, 7) + poll(2),
    "table_chunk": scribble(1, 1000) + scribble(2, 7) + scribble(19, 1 << 40) + poll(2),
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
    "protection_offset": bytes(128) + b"\1",
    "protection_offset_huge": bytes(135) + b"\xff",
    "protection_count": bytes(136) + b"\xff",
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
