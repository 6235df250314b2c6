// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/contact.h"

#include <cstring>

namespace anchor {

void post_contact(std::byte* peer_header, const AnchorContents& contents, std::uint32_t index,
                  const ContactRequest& request) noexcept {
  auto* entry = reinterpret_cast<ContactEntry*>(peer_header + contents.contact_offset) + index;
  const std::uint64_t former = entry->state.load(std::memory_order_relaxed);  // ours: only the lock's holder writes it
  entry->state.store(0, std::memory_order_relaxed);
  // The zero must be visible before the new contents: a reader in the middle of copying the former request discards it.
  std::atomic_thread_fence(std::memory_order_release);
  entry->requester_incarnation = request.requester_incarnation;
  entry->requester = request.requester;
  entry->block = request.block;
  // R5, paired with A5: a reader that sees the number sees the whole request.
  entry->state.store(former + 1 != 0 ? former + 1 : 1, std::memory_order_release);
}

bool read_contact(const std::byte* own_header, std::uint32_t index, ContactRequest* request) noexcept {
  const auto* entry = reinterpret_cast<const ContactEntry*>(own_header + kContactOffset) + index;
  const std::uint64_t before = entry->state.load(std::memory_order_acquire);  // A5
  if (before == 0) return false;
  ContactRequest copy;
  copy.requester_incarnation = entry->requester_incarnation;
  std::memcpy(&copy.requester, &entry->requester, sizeof copy.requester);
  std::memcpy(&copy.block, &entry->block, sizeof copy.block);
  // Keeps the copy before the second look (load -> load across non-atomic reads).
  std::atomic_thread_fence(std::memory_order_acquire);
  if (entry->state.load(std::memory_order_relaxed) != before) return false;
  *request = copy;
  return true;
}

}  // namespace anchor
