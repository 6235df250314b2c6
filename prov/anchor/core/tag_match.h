// SPDX-License-Identifier: BSD-2-Clause
// Pairs arriving messages with posted receives in libfabric's order.
//
// A receive names a source (or any) and a tag with ignore bits. All receives with the same (any source?, ignore bits)
// form a class, and within a class the match is an equality on (source, tag & ~ignore): one hash lookup. An arrival asks
// each class that has receives and takes the earliest posted; a receive asks its class's index over the unexpected
// messages. Both are O(1) in the number of receives and messages, wildcards included, as long as applications use few
// distinct masks (measured: MPI uses one to four). Past kMaxClasses masks, the rest is searched in order.
//
// Intrusive and allocation-free per operation except for bucket growth. Not thread-safe: used under the endpoint's lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor {

inline constexpr std::uint32_t kAnySource = ~0u;

// Base of a posted receive. `source` is a peer's number, or kAnySource.
struct PostedReceive {
  std::uint32_t source;
  std::uint64_t tag;
  std::uint64_t ignore;
};

// Base of a message that came before its receive.
struct UnexpectedMessage {
  std::uint32_t source;
  std::uint64_t tag;
};

class TagMatcher {
 public:
  TagMatcher();
  ~TagMatcher();

  // Appends a receive that matched nothing unexpected.
  void post(PostedReceive* receive);
  // The earliest posted receive that matches; it stays posted. nullptr: none.
  PostedReceive* find_receive(std::uint32_t source, std::uint64_t tag) noexcept;
  // Requires: posted here.
  void remove(PostedReceive* receive) noexcept;

  void add_unexpected(UnexpectedMessage* message);
  // The earliest unexpected message that matches; it stays queued. nullptr: none.
  UnexpectedMessage* find_unexpected(std::uint32_t source, std::uint64_t tag, std::uint64_t ignore);
  void remove(UnexpectedMessage* message) noexcept;

  // All posted receives, resp. unexpected messages, in order; `visit` returns false to stop and may remove the element
  // it was given.
  template <class Visit>
  void for_each_posted(Visit&& visit);
  template <class Visit>
  void for_each_unexpected(Visit&& visit);

  std::size_t posted() const noexcept;
  std::size_t unexpected() const noexcept;
};

}  // namespace anchor
