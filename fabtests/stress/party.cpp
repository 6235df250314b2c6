// SPDX-License-Identifier: BSD-2-Clause
#include "party.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/completion_flags.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr std::size_t kQueueSize = 256;
constexpr double kPatience = 30;

void finish(void* context, int error, std::size_t length, std::uint64_t tag) noexcept {
  auto* call = static_cast<Call*>(context);
  if (!expect(call != nullptr && (call->repeats || !call->done), "a call completes once")) return;
  call->error = error;
  call->length = length;
  call->tag = tag;
  call->done.store(true, std::memory_order_release);
}

std::uint64_t word_at(std::uint64_t message, std::size_t position) noexcept {
  return (message * 0xD1B54A32D192ED03ull + position + 1) * 0x9E3779B97F4A7C15ull;
}

}  // namespace

Party::Party(Device& device, const EndpointSettings& settings)
    : queue_(kQueueSize, settings.locked), group_(settings.locked), endpoint_(device, settings) {
  endpoint_.bind(&addresses_);
  endpoint_.bind(&memory_);
  endpoint_.bind_transmit_queue(&queue_);
  endpoint_.bind_receive_queue(&queue_);
  group_.join(&endpoint_);
}

Party::~Party() { group_.leave(&endpoint_); }

int Party::open(std::string_view name) {
  if (const int error = endpoint_.set_name(EndpointName::from(name))) return error;
  return endpoint_.enable();
}

std::size_t Party::poll() noexcept {
  group_.progress();
  const std::ptrdiff_t taken = queue_.read(16, [](const Completion& completion, std::size_t) {
    if (completion.flags & kCompletionRemoteWrite) return;  // what a peer has done: no call of ours
    finish(completion.context, 0, completion.length, completion.tag);
  });
  if (taken == -kErrorAvailable) return take_error();
  return taken > 0 ? static_cast<std::size_t>(taken) : 0;
}

std::size_t Party::take_error() noexcept {
  CompletionError error;
  if (queue_.read_error(&error) != 0) return 0;  // another thread was faster
  finish(error.completion.context, error.error, error.completion.length, error.completion.tag);
  return 1;
}

int Party::submit(WorkType type, const Message& message, Call* call) noexcept {
  const iovec segment{message.bytes, message.length};
  const WorkRequest work{.type = type,
                         .flags = message.flags,
                         .segment_count = 1,
                         .segments = &segment,
                         .length = message.length,
                         .address = message.address,
                         .tag = message.tag,
                         .ignore = message.ignore,
                         .data = 0,
                         .context = call};
  return submit_patiently([&] { return endpoint_.submit(work); });
}

int Party::access(WorkType type, const Message& message, std::uint64_t key, std::uint64_t address,
                  Call* call) noexcept {
  const iovec segment{message.bytes, message.length};
  const RemoteTarget target{address, message.length, key};
  const WorkRequest base{.type = type,
                         .flags = message.flags,
                         .segment_count = 1,
                         .segments = &segment,
                         .length = message.length,
                         .address = message.address,
                         .tag = 0,
                         .ignore = 0,
                         .data = 0,
                         .context = call};
  return submit_patiently([&] { return endpoint_.submit_remote({base, 1, &target}); });
}

template <class Submit>
int Party::submit_patiently(Submit&& submit) noexcept {
  const Deadline deadline(kPatience);
  int error;
  while ((error = submit()) == -EAGAIN) {
    if (deadline.expired()) return -ETIMEDOUT;
    if (poll() == 0) sched_yield();
  }
  return error;
}

int Party::send(const Message& message, Call* call) noexcept { return submit(WorkType::kTaggedSend, message, call); }
int Party::receive(const Message& message, Call* call) noexcept {
  return submit(WorkType::kTaggedReceive, message, call);
}

bool Party::wait(const Call& call, double seconds) noexcept {
  const Deadline deadline(seconds);
  while (!call.done.load(std::memory_order_acquire)) {
    if (deadline.expired()) return false;
    if (poll() == 0) sched_yield();
  }
  return true;
}

void fill(std::byte* bytes, std::size_t length, std::uint64_t message) noexcept {
  for (std::size_t at = 0; at < length; at += 8) {
    const std::uint64_t word = word_at(message, at);
    std::memcpy(bytes + at, &word, std::min<std::size_t>(8, length - at));
  }
}

bool is_filled(const std::byte* bytes, std::size_t length, std::uint64_t message) noexcept {
  for (std::size_t at = 0; at < length; at += 8) {
    const std::uint64_t word = word_at(message, at);
    if (std::memcmp(bytes + at, &word, std::min<std::size_t>(8, length - at)) != 0) return false;
  }
  return true;
}

}  // namespace anchor::stress
