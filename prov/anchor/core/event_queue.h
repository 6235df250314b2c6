// SPDX-License-Identifier: BSD-2-Clause
// An event queue (fi_eq(3)): events of any size up to kMaxEvent bytes, and error events, in order.
//
// Thread-safe by its own mutex: nothing here is on a message path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace anchor {

struct Event {
  std::uint32_t type;
  // payload bytes follow in the implementation's own representation
};

struct EventError {
  void* fid;
  void* context;
  std::uint64_t data;
  int error;            // positive
  int provider_error;
};

class EventQueue {
 public:
  explicit EventQueue(std::size_t capacity);

  // -EAGAIN when `capacity` events wait (fi_eq_write(3)); errors always fit.
  int write(std::uint32_t type, std::span<const std::byte> payload);
  void write_error(const EventError& error);

  // Copies the oldest event into `payload`; returns its size. -EAGAIN when empty, -kErrorAvailable when the oldest is an
  // error, -kTooSmall when `payload` is (the event stays). With `peek` the event stays queued.
  std::ptrdiff_t read(std::uint32_t* type, std::span<std::byte> payload, bool peek);
  int read_error(EventError* error, bool peek);   // -EAGAIN when the oldest is none
};

}  // namespace anchor
