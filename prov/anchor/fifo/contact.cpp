// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/contact.h"

#include <atomic>
#include <cstring>

#include "dma/retrieval.h"

namespace anchor {
namespace {

// Between the two looks at `state` reader and writer may be at the same words: atomic ones, so that the race is a
// defined one; relaxed, since the looks at `state` decide whether what was read counts.
template <class Field>
void store_field(Field& shared, const Field& value) noexcept {
  static_assert(sizeof(Field) % 8 == 0 && alignof(Field) <= 8);
  std::uint64_t words[sizeof(Field) / 8];
  std::memcpy(words, &value, sizeof words);
  auto* to = reinterpret_cast<SharedWord*>(&shared);
  for (const std::uint64_t word : words) (to++)->store(word, std::memory_order_relaxed);
}

template <class Field>
void load_field(const Field& shared, Field* value) noexcept {
  std::uint64_t words[sizeof(Field) / 8];
  auto* from = reinterpret_cast<const SharedWord*>(&shared);
  for (std::uint64_t& word : words) word = (from++)->load(std::memory_order_relaxed);
  std::memcpy(value, words, sizeof words);
}

}  // namespace

void post_contact(std::byte* peer_header, const AnchorContents& contents, std::uint32_t index,
                  const ContactRequest& request, MemoryType memory) noexcept {
  auto* entry = reinterpret_cast<ContactEntry*>(peer_header + contents.contact_offset) + index;
  const Retrieval setup;
  const std::uint64_t former = entry->state.load(std::memory_order_relaxed);  // ours: only the lock's holder writes it
  entry->state.store(0, std::memory_order_relaxed);
  // The zero must be visible before the new contents: a reader in the middle of copying the former request discards it.
  std::atomic_thread_fence(std::memory_order_release);
  push(memory, &entry->state, sizeof entry->state);
  store_field(entry->requester_incarnation, request.requester_incarnation);
  store_field(entry->requester, request.requester);
  store_field(entry->block, request.block);
  push(memory, entry, sizeof *entry);
  // R5, paired with A5: a reader that sees the number sees the whole request.
  entry->state.store(former + 1 != 0 ? former + 1 : 1, std::memory_order_release);
  push(memory, &entry->state, sizeof entry->state);
}

bool read_contact(const std::byte* own_header, std::uint32_t index, ContactRequest* request,
                  MemoryType memory) noexcept {
  const auto* entry = reinterpret_cast<const ContactEntry*>(own_header + kContactOffset) + index;
  refresh(memory, &entry->state, sizeof entry->state);
  const std::uint64_t before = entry->state.load(std::memory_order_acquire);  // A5
  if (before == 0) return false;
  refresh(memory, entry, sizeof *entry);
  ContactRequest copy;
  load_field(entry->requester_incarnation, &copy.requester_incarnation);
  load_field(entry->requester, &copy.requester);
  load_field(entry->block, &copy.block);
  // Keeps the copy before the second look (load -> load).
  std::atomic_thread_fence(std::memory_order_acquire);
  refresh(memory, &entry->state, sizeof entry->state);
  if (entry->state.load(std::memory_order_relaxed) != before) return false;
  *request = copy;
  return true;
}

}  // namespace anchor
