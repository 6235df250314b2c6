// SPDX-License-Identifier: BSD-2-Clause
// What the receiver of announced messages reads from the sender's memory by itself or, several at once, together with
// the sender.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/copy_lists.h"
#include "proto/exchange.h"
#include "proto/rendezvous.h"

namespace anchor {

// Reads those bytes of it from the sender's memory. 0, or a negated errno value.
int pull_all(const IncomingTransfer& transfer, std::uint64_t begin, std::uint64_t end) noexcept;

// Reads what was added to the lists. Returns bytes read, perhaps fewer, or a negated errno value.
std::ptrdiff_t pull(const Peer& peer, const CopyLists& lists) noexcept;
// Adds `length` of its bytes at `position`. Requires room for kMaxSegments each.
void add_part(const IncomingTransfer& transfer, std::uint64_t position, std::uint64_t length,
              CopyLists* lists) noexcept;

// Reads as much of it as a pass has time for, the last bytes that are missing, and finishes it with the first. Returns
// whether bytes came in; where they cannot be read, it is marked for the sender to stream it.
bool pull_from_back(Exchange& exchange, IncomingTransfer& transfer);

// Longer ones are copied one by one: a system call costs little beside them.
inline constexpr std::uint64_t kLongestTogether = 256u << 10;

// Messages of one sender that are moved together, by one system call or one at either end: those of a stream are found
// several at a time.
class PullBatch {
 public:
  std::size_t count() const noexcept { return count_; }
  // Whether it can be moved together with what has been added. Nothing of it has come yet.
  bool takes(const IncomingTransfer& transfer) const noexcept;
  // Requires takes(), and that they be not touched before move().
  void add(IncomingTransfer& transfer) noexcept;
  // Offers to share them, or reads and finishes them in the order in which they were added. Returns whether bytes came
  // in. What could not be read stays kReads, and the first such is marked as pull_from_back() does.
  bool move(Exchange& exchange);

 private:
  // So that the first does not wait long for the last; several times as many save little more.
  static constexpr std::size_t kMost = kMostFronts;
  static constexpr std::uint64_t kMostBytes = 2 * kPullSize;  // for two to copy

  bool read(Exchange& exchange);

  std::array<IncomingTransfer*, kMost> transfers_;
  std::size_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::size_t segments_ = 0;           // at either end, at most
  IncomingTransfer* timed_ = nullptr;  // the one whose `begun` is that of all
};

}  // namespace anchor
