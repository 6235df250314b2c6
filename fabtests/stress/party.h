// SPDX-License-Identifier: BSD-2-Clause
// An endpoint with its queue and addresses, as an application holds it, for programs that use the layers below abi/.
//
// Everything but open() may be called from several threads at once when settings.locked is true; otherwise addresses()
// may still be changed by other threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/address_vector.h"
#include "core/completion_queue.h"
#include "core/memory_region.h"
#include "core/remote_work.h"
#include "core/work_request.h"
#include "dispatch/endpoint.h"
#include "dispatch/progress_group.h"

namespace anchor::stress {

// One call that will complete. Owned by the caller; `done` is set last.
struct Call {
  std::atomic<bool> done{false};
  bool repeats = false;  // a multi-receive buffer
  int error = 0;         // positive errno value
  std::size_t length = 0;
  std::uint64_t tag = 0;
};

struct Message {
  std::byte* bytes;
  std::size_t length;
  std::uint64_t address = kAnyAddress;
  std::uint64_t tag = 0;
  std::uint64_t ignore = 0;
  std::uint32_t flags = kWantCompletion;
};

class Party {
 public:
  Party(Device& device, const EndpointSettings& settings);
  ~Party();

  int open(std::string_view name);
  std::uint64_t meet(std::string_view name) { return addresses_.insert(EndpointName::from(name)); }
  AddressVector& addresses() noexcept { return addresses_; }
  Endpoint& endpoint() noexcept { return endpoint_; }

  // Makes progress and takes what has completed. How many completions there were.
  std::size_t poll() noexcept;

  // Submits, polling while the endpoint has no room. 0, or a negated errno value (-ETIMEDOUT: never any room).
  int send(const Message& message, Call* call) noexcept;
  int receive(const Message& message, Call* call) noexcept;

  // Reads (kRead) or writes (kWrite) a peer's memory; message.tag is not used.
  int access(WorkType type, const Message& message, std::uint64_t key, std::uint64_t address, Call* call) noexcept;

  // The memory of this process that peers may reach.
  MemoryRegistry& memory() noexcept { return memory_; }

  // Polls until the call is done. False: it was not within `seconds`.
  bool wait(const Call& call, double seconds = 30) noexcept;

 private:
  int submit(WorkType type, const Message& message, Call* call) noexcept;
  std::size_t take_error() noexcept;

  template <class Submit>
  int submit_patiently(Submit&& submit) noexcept;

  AddressVector addresses_{AddressVector::Kind::kMap, 8};
  MemoryRegistry memory_;
  CompletionQueue queue_;
  ProgressGroup group_;
  Endpoint endpoint_;
};

// Contents that tell which message they belong to, and where a byte stands in it.
void fill(std::byte* bytes, std::size_t length, std::uint64_t message) noexcept;
bool is_filled(const std::byte* bytes, std::size_t length, std::uint64_t message) noexcept;

}  // namespace anchor::stress
