// SPDX-License-Identifier: BSD-2-Clause
#include "core/event_queue.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "os/status.h"

namespace anchor {

EventQueue::EventQueue(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

int EventQueue::write(std::uint32_t type, std::span<const std::byte> payload) noexcept try {
  if (payload.size() > kMaxEvent) return -EINVAL;
  if (events_ >= capacity_) return -EAGAIN;
  entries_.push_back(Event{type, {payload.begin(), payload.end()}});
  ++events_;
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int EventQueue::write_error(const EventError& error) noexcept try {
  entries_.push_back(error);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

std::ptrdiff_t EventQueue::read(std::uint32_t* type, std::span<std::byte> payload, bool peek) noexcept {
  if (entries_.empty()) return -EAGAIN;
  const Event* event = std::get_if<Event>(&entries_.front());
  if (event == nullptr) return -kErrorAvailable;
  const std::size_t size = event->payload.size();
  if (size > payload.size()) return -kTooSmall;
  *type = event->type;
  std::copy(event->payload.begin(), event->payload.end(), payload.begin());
  if (!peek) {
    entries_.pop_front();
    --events_;
  }
  return static_cast<std::ptrdiff_t>(size);
}

int EventQueue::read_error(EventError* error, bool peek) noexcept {
  if (entries_.empty()) return -EAGAIN;
  const EventError* oldest = std::get_if<EventError>(&entries_.front());
  if (oldest == nullptr) return -EAGAIN;
  *error = *oldest;
  if (!peek) entries_.pop_front();
  return 0;
}

}  // namespace anchor
