// SPDX-License-Identifier: BSD-2-Clause
// Enabled endpoints with an address vector and a queue each, on a shm device in a directory of its own.
#pragma once

#include <criterion/criterion.h>

#include <string>

#include "../os/scratch_directory.h"
#include "core/address_vector.h"
#include "core/completion_queue.h"
#include "dispatch/endpoint.h"
#include "dma/shm_device.h"
#include "os/clock.h"

namespace anchor::unit {

inline EndpointName named(const std::string& name) { return EndpointName::from("anchor://" + name); }

struct Place {
  ShmSettings settings() const {
    ShmSettings made;
    made.directory = scratch.path();
    return made;
  }

  ScratchDirectory scratch;
  ShmDevice device{settings()};
};

struct Opened {
  explicit Opened(Device& device, const std::string& name, const EndpointSettings& settings = {},
                  std::size_t entries = 1024, bool shared = true)
      : queue(entries, shared), endpoint(device, settings) {
    endpoint.bind(&addresses);
    endpoint.bind_transmit_queue(&queue);
    endpoint.bind_receive_queue(&queue);
    cr_assert_eq(endpoint.set_name(named(name)), 0);
    cr_assert_eq(endpoint.enable(), 0);
  }

  int send(std::uint64_t to, const void* bytes, std::size_t length, std::uint32_t flags = kWantCompletion) {
    const iovec segment{const_cast<void*>(bytes), length};
    return endpoint.submit({WorkType::kTaggedSend, flags, 1, &segment, length, to, 0, 0, 0, nullptr});
  }
  int receive(void* bytes, std::size_t length, std::uint32_t flags = kWantCompletion) {
    const iovec segment{bytes, length};
    return endpoint.submit({WorkType::kTaggedReceive, flags, 1, &segment, length, kAnyAddress, 0, 0, 0, bytes});
  }
  // The next entry's length, or minus the error of the next error entry, or -EAGAIN.
  std::ptrdiff_t next() {
    std::ptrdiff_t length = -EAGAIN;
    const auto count = queue.read(
        1, [&](const Completion& entry, std::size_t) { length = static_cast<std::ptrdiff_t>(entry.length); });
    CompletionError error;
    if (count == -kErrorAvailable && queue.read_error(&error) == 0) return -error.error;
    return length;
  }
  template <class... Others>
  std::ptrdiff_t await(Others&... others) {
    const TimePoint deadline = Clock::now() + Milliseconds{60'000};
    for (;;) {
      const std::ptrdiff_t found = next();
      if (found != -EAGAIN || Clock::now() > deadline) return found;
      endpoint.progress();
      (others.endpoint.progress(), ...);
    }
  }

  AddressVector addresses{AddressVector::Kind::kMap, 4};
  CompletionQueue queue;
  Endpoint endpoint;
};

}  // namespace anchor::unit
