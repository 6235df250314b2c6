// SPDX-License-Identifier: BSD-2-Clause
// If a case here fails, the layout has changed: raise kFormatVersion and write the change into FORMAT.md.
#include <criterion/criterion.h>

#include <cstddef>

#include "fifo/fifo_layout.h"

using namespace anchor;

Test(fifo_layout, version) { cr_assert_eq(kFormatVersion, 9u); }

Test(fifo_layout, slot) {
  cr_assert_eq(sizeof(Slot), 64u);
  cr_assert_eq(alignof(Slot), 64u);
  cr_assert_eq(offsetof(Slot, head), 0u);
  cr_assert_eq(offsetof(Slot, tag), 8u);
  cr_assert_eq(offsetof(Slot, data), 16u);
  cr_assert_eq(offsetof(Slot, body), 24u);
  cr_assert_eq(kInlineSize, 40u);
}

Test(fifo_layout, slot_head) {
  const std::uint64_t head = SlotHead::pack(0x89abcdef, SlotHead::kind(0x42, 0x81, 0xfedc));
  cr_assert_eq(head, 0x89abcdef'42'81'fedcull);
  cr_assert_eq(SlotHead::position(head), 0x89abcdefu);
  cr_assert_eq(SlotHead::operation(head), 0x42);
  cr_assert_eq(SlotHead::flags(head), 0x81);
  cr_assert_eq(SlotHead::length(head), 0xfedc);
}

Test(fifo_layout, lines_of_the_peer) {
  cr_assert_eq(offsetof(BlockHead, status), 0u);
  cr_assert_eq(sizeof(StatusLine), 64u);
  cr_assert_eq(offsetof(StatusLine, polled), 0u);
  cr_assert_eq(offsetof(StatusLine, starved), 8u);
  cr_assert_eq(offsetof(StatusLine, table), 16u);
  cr_assert_eq(offsetof(StatusLine, gate), 24u);
  cr_assert_eq(offsetof(StatusLine, reserved), 32u);
  cr_assert_eq(offsetof(BlockHead, progress), 64u);
  cr_assert_eq(sizeof(ProgressLine), 64u);
  cr_assert_eq(offsetof(ProgressLine, tail), 0u);
  cr_assert_eq(offsetof(ProgressLine, costs), 8u);
  cr_assert_eq(offsetof(ProgressLine, pulled), 16u);
  cr_assert_eq(offsetof(ProgressLine, share), 24u);
  cr_assert_eq(offsetof(ProgressLine, report), 32u);
  cr_assert_eq(offsetof(ProgressLine, reserved), 40u);
}

Test(fifo_layout, sleep_line) {
  cr_assert_eq(sizeof(SleepLine), 64u);
  cr_assert_eq(alignof(SleepLine), 64u);
  cr_assert_eq(offsetof(SleepLine, epoch), 0u);
}

Test(fifo_layout, block) {
  constexpr BlockGeometry block{64, 24448};
  cr_assert_eq(block.slots_offset(), 128u);
  cr_assert_eq(block.payload_offset(), 128u + 64 * 64);
  cr_assert_eq(block.size(), 28672u);
  cr_assert_eq(block.max_payload(), 12224u);
  cr_assert_eq((BlockGeometry{64, 12224}).size(), 20480u, "a block is whole pages");
  cr_assert_eq((BlockGeometry{64, 12224}).max_payload(), 6080u, "whole lines of half the area");
}

Test(fifo_layout, a_geometry_has_bounds) {
  cr_assert(valid({16, 16640}));
  cr_assert(valid({65536, 122880}));
  cr_assert_not(valid({0, 16640}));
  cr_assert_not(valid({8, 16640}));
  cr_assert_not(valid({17, 16640}));
  cr_assert_not(valid({131072, 16640}));
  cr_assert_not(valid({16, 0}));
  cr_assert_not(valid({16, 16576}));
  cr_assert_not(valid({16, 16641}));
  cr_assert_not(valid({16, 122944}));
  cr_assert_leq((BlockGeometry{16, 122880}).max_payload(), 0xffffu, "must fit the length in a slot's head");
  cr_assert_geq((BlockGeometry{16, 16640}).max_payload(), 2 * 4096u + 96, "an atomic operation must fit");
}

Test(fifo_layout, block_descriptor) {
  cr_assert_eq(sizeof(BlockDescriptor), 24u);
  cr_assert_eq(offsetof(BlockDescriptor, offset), 0u);
  cr_assert_eq(offsetof(BlockDescriptor, slot_count), 8u);
  cr_assert_eq(offsetof(BlockDescriptor, payload_bytes), 12u);
  cr_assert_eq(offsetof(BlockDescriptor, notification), 16u);
  cr_assert_eq(offsetof(BlockDescriptor, reserved), 20u);
}

Test(fifo_layout, contact_entry) {
  cr_assert_eq(sizeof(ContactEntry), 128u);
  cr_assert_eq(alignof(ContactEntry), 128u);
  cr_assert_eq(offsetof(ContactEntry, state), 0u);
  cr_assert_eq(offsetof(ContactEntry, requester_incarnation), 8u);
  cr_assert_eq(offsetof(ContactEntry, requester), 16u);
  cr_assert_eq(offsetof(ContactEntry, block), 80u);
  cr_assert_eq(offsetof(ContactEntry, reserved), 104u);
  cr_assert_eq(kContactEntries, 64u);
}
