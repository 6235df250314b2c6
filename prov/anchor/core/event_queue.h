// SPDX-License-Identifier: BSD-2-Clause
// An event queue (fi_eq(3)): events of any size up to kMaxEvent bytes, and error events, in order.
//
// Not thread-safe: abi/Eq, which owns it, has the lock that its waiting needs anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <variant>
#include <vector>

namespace anchor {

inline constexpr std::size_t kMaxEvent = 4096;

struct EventError {
  void* fid;
  void* context;
  std::uint64_t data;
  int error;  // positive
  int provider_error;
};

class EventQueue {
 public:
  // Throws std::bad_alloc.
  explicit EventQueue(std::size_t capacity);

  // -EAGAIN when `capacity` events wait (fi_eq_write(3)); errors always fit. -EINVAL: more than kMaxEvent bytes;
  // -ENOMEM.
  int write(std::uint32_t type, std::span<const std::byte> payload) noexcept;
  int write_error(const EventError& error) noexcept;

  // Copies the oldest event into `payload`; returns its size. -EAGAIN when empty, -kErrorAvailable when the oldest is
  // an error, -kTooSmall when `payload` is (the event stays). With `peek` the event stays queued.
  std::ptrdiff_t read(std::uint32_t* type, std::span<std::byte> payload, bool peek) noexcept;
  int read_error(EventError* error, bool peek) noexcept;  // -EAGAIN when the oldest is none
  bool empty() const noexcept { return entries_.empty(); }

 private:
  struct Event {
    std::uint32_t type;
    std::vector<std::byte> payload;
  };
  using Entry = std::variant<Event, EventError>;

  const std::size_t capacity_;
  std::deque<Entry> entries_;
  std::size_t events_ = 0;  // entries that are no errors
};

}  // namespace anchor
