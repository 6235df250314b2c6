// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/event_queue.h"
#include "os/status.h"

using namespace anchor;

namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

struct Read {
  std::ptrdiff_t result;
  std::uint32_t type = 0;
  std::uint64_t value = 0;
};

Read read(EventQueue& queue, bool peek = false) {
  Read read{};
  read.result = queue.read(&read.type, std::as_writable_bytes(std::span(&read.value, 1)), peek);
  return read;
}

}  // namespace

Test(event_queue, empty_says_again) {
  EventQueue queue(4);
  EventError error;
  cr_assert_eq(read(queue).result, -EAGAIN);
  cr_assert_eq(queue.read_error(&error, false), -EAGAIN);
}

Test(event_queue, keeps_type_payload_and_order) {
  EventQueue queue(4);
  for (std::uint64_t i = 0; i < 3; ++i) cr_assert_eq(queue.write(static_cast<std::uint32_t>(10 + i), bytes_of(i)), 0);
  cr_assert_eq(read(queue, true).value, 0u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Read one = read(queue);
    cr_assert_eq(one.result, 8);
    cr_assert_eq(one.type, 10 + i);
    cr_assert_eq(one.value, i);
  }
  cr_assert_eq(queue.write(7, {}), 0);
  cr_assert_eq(read(queue).result, 0, "an event may be empty");
}

Test(event_queue, a_small_buffer_leaves_the_event_and_the_outputs) {
  EventQueue queue(1);
  const std::array<std::byte, 9> nine{};
  cr_assert_eq(queue.write(5, nine), 0);
  const Read small = read(queue);
  cr_assert_eq(small.result, -kTooSmall);
  cr_assert_eq(small.type, 0u);
  std::array<std::byte, 16> room;
  std::uint32_t type = 0;
  cr_assert_eq(queue.read(&type, room, false), 9);
  cr_assert_eq(type, 5u);
}

Test(event_queue, refuses_past_capacity_and_past_the_largest_event) {
  EventQueue queue(2);
  const std::array<std::byte, kMaxEvent + 1> large{};
  cr_assert_eq(queue.write(1, large), -EINVAL);
  cr_assert_eq(queue.write(1, std::span(large).first(kMaxEvent)), 0);
  cr_assert_eq(queue.write(1, {}), 0);
  cr_assert_eq(queue.write(1, {}), -EAGAIN);
  cr_assert_eq(queue.write_error({}), 0, "errors always fit");
}

Test(event_queue, errors_stand_in_order) {
  EventQueue queue(4);
  EventError error{};
  int context = 0;
  cr_assert_eq(queue.write(1, {}), 0);
  cr_assert_eq(queue.write_error({.fid = nullptr, .context = &context, .data = 6, .error = EIO, .provider_error = 9}),
               0);
  cr_assert_eq(queue.write(2, {}), 0);
  cr_assert_eq(queue.read_error(&error, false), -EAGAIN);
  cr_assert_eq(read(queue).type, 1u);
  cr_assert_eq(read(queue).result, -kErrorAvailable);
  cr_assert_eq(queue.read_error(&error, true), 0);
  cr_assert_eq(queue.read_error(&error, false), 0);
  cr_assert_eq(error.context, &context);
  cr_assert_eq(error.data, 6u);
  cr_assert_eq(error.error, EIO);
  cr_assert_eq(error.provider_error, 9);
  cr_assert_eq(read(queue).type, 2u);
}
