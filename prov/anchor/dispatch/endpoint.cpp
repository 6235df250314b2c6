// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/endpoint.h"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

#include "dispatch/closing.h"
#include "dispatch/opening.h"
#include "dispatch/progress.h"
#include "dispatch/sleeping.h"
#include "dispatch/submit.h"
#include "os/lock.h"
#include "os/unique_name.h"
#include "proto/arrival.h"
#include "proto/completion.h"

namespace anchor {

struct Endpoint::State {
  State(Device& device, const EndpointSettings& settings) : lock(settings.locked), exchange(device, settings) {}

  Lock lock;
  bool enabled = false;
  pid_t process = 0;  // that enabled it
  bool wants_free_port = false;
  EndpointName tried_first;  // before the free ports; empty: nothing
  Exchange exchange;
};

Endpoint::Endpoint(Device& device, const EndpointSettings& settings)
    : state_(std::make_unique<State>(device, settings)) {
  state_->exchange.name = unique_name();
}

// What a child of fork(2) has is a copy of the state but not the memory shared with peers, and it owes them nothing.
Endpoint::~Endpoint() {
  const LockGuard guard(state_->lock);
  withdraw_memory(state_->exchange);
  if (state_->enabled && state_->process == getpid()) close_exchange(state_->exchange);
}

int Endpoint::set_name(const EndpointName& name) {
  if (state_->enabled) return -EBUSY;
  if (!name.empty() && !name.valid()) return -EINVAL;
  state_->exchange.name = name.empty() ? unique_name() : name;
  state_->wants_free_port = false;
  state_->tried_first = {};
  return 0;
}

int Endpoint::set_name_with_free_port(const EndpointName& name) {
  constexpr std::uint32_t kLongestPort = 65535;
  if (!name.view().ends_with(":0") || with_port(name, kLongestPort).empty()) return -EINVAL;
  const int error = set_name(name);
  if (error == 0) state_->wants_free_port = true;
  return error;
}

int Endpoint::set_name_or_free_port(const EndpointName& name) {
  const int error = set_name_with_free_port(EndpointName::from(std::string(name.view()) + ":0"));
  if (error != 0) return error;
  state_->tried_first = name;
  return 0;
}

const EndpointName& Endpoint::name() const noexcept {
  return state_->enabled || state_->tried_first.empty() ? state_->exchange.name : state_->tried_first;
}

int Endpoint::enable() {
  const LockGuard guard(state_->lock);
  if (state_->enabled) return 0;
  if (const int error = open_exchange(state_->exchange, state_->wants_free_port, state_->tried_first)) return error;
  state_->process = getpid();
  state_->enabled = true;
  return 0;
}

bool Endpoint::enabled() const noexcept { return state_->enabled; }

void Endpoint::bind(AddressVector* addresses) noexcept { state_->exchange.peers.bind(addresses); }
void Endpoint::bind_transmit_queue(CompletionQueue* queue) noexcept { state_->exchange.send_queue = queue; }
void Endpoint::bind_receive_queue(CompletionQueue* queue) noexcept { state_->exchange.receive_queue = queue; }

void Endpoint::bind_send_counter(Counter* counter) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.send_counter = counter;
}

void Endpoint::bind_receive_counter(Counter* counter) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.receive_counter = counter;
}

void Endpoint::bind_read_counter(Counter* counter) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.read_counter = counter;
}

void Endpoint::bind_write_counter(Counter* counter) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.write_counter = counter;
}

void Endpoint::bind_remote_read_counter(Counter* counter) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.remote_read_counter = counter;
  if (state_->exchange.published) state_->exchange.published->tell_always(state_->exchange.counted());
}

void Endpoint::bind_remote_write_counter(Counter* counter) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.remote_write_counter = counter;
  if (state_->exchange.published) state_->exchange.published->tell_always(state_->exchange.counted());
}

void Endpoint::bind(MemoryRegistry* memory) noexcept { state_->exchange.memory = memory; }
const void* Endpoint::identity() const noexcept { return &state_->exchange; }

int Endpoint::submit_remote(const RemoteWork& request) noexcept {
  const LockGuard guard(state_->lock);
  try {
    return anchor::submit_remote(state_->exchange, request);
  } catch (const std::bad_alloc&) {
    return -EAGAIN;
  }
}

int Endpoint::submit_atomic(const AtomicWork& request) noexcept {
  const LockGuard guard(state_->lock);
  try {
    return anchor::submit_atomic(state_->exchange, request);
  } catch (const std::bad_alloc&) {
    return -EAGAIN;
  }
}

template <int (*kSubmit)(Exchange&, const WorkRequest&) noexcept>
[[gnu::noinline]] int Endpoint::submit_locked(const WorkRequest& request) noexcept {
  const LockGuard guard(state_->lock);
  return kSubmit(state_->exchange, request);
}

// Without a lock there is nothing to come back for.
int Endpoint::submit_send(const WorkRequest& request) noexcept {
  if (state_->lock.enabled()) [[unlikely]]
    return submit_locked<anchor::submit_send>(request);
  return anchor::submit_send(state_->exchange, request);
}

int Endpoint::submit_receive(const WorkRequest& request) noexcept {
  if (state_->lock.enabled()) [[unlikely]]
    return submit_locked<anchor::submit_receive>(request);
  return anchor::submit_receive(state_->exchange, request);
}

void Endpoint::report_failure(const WorkRequest& request, int error) noexcept {
  const LockGuard guard(state_->lock);
  if (!is_receive(request.type)) return fail_send(state_->exchange, request, error);
  ReceiveRequest receive{};
  receive.tag = request.tag;
  receive.flags = request.flags;
  receive.context = request.context;
  receive.tagged = request.type == WorkType::kTaggedReceive;
  fail_receive(state_->exchange, receive, error);
}

int Endpoint::cancel(void* context) noexcept {
  const LockGuard guard(state_->lock);
  return cancel_receive(state_->exchange, context);
}

bool Endpoint::progress() noexcept {
  const LockGuard guard(state_->lock);
  try {
    return state_->enabled && anchor::progress(state_->exchange);
  } catch (const std::bad_alloc&) {
    return false;  // what needed the memory is still where it was, and is tried again in the next pass
  }
}

int Endpoint::wait_object() noexcept {
  const LockGuard guard(state_->lock);
  return state_->exchange.region->wait_object();
}

int Endpoint::death_notices() noexcept {
  const LockGuard guard(state_->lock);
  return state_->exchange.region->death_notices();
}

bool Endpoint::fall_asleep(bool first, TimePoint* alarm) noexcept {
  const LockGuard guard(state_->lock);
  if (first) ++state_->exchange.sleepers;
  try {
    return anchor::fall_asleep(state_->exchange, alarm);
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Endpoint::end_sleep() noexcept {
  if (state_->process != getpid()) return;  // a forked child has no board to look at
  const LockGuard guard(state_->lock);
  --state_->exchange.sleepers;
  try {
    wake_up(state_->exchange);
  } catch (const std::bad_alloc&) {  // found by later passes
  }
}

std::size_t Endpoint::min_multi_receive() const noexcept {
  const LockGuard guard(state_->lock);
  return state_->exchange.min_multi_receive;
}

void Endpoint::set_min_multi_receive(std::size_t bytes) noexcept {
  const LockGuard guard(state_->lock);
  state_->exchange.min_multi_receive = bytes;
}

}  // namespace anchor
