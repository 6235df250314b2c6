// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/endpoint.h"

#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <new>
#include <string>

#include "dispatch/closing.h"
#include "dispatch/progress.h"
#include "dispatch/sleeping.h"
#include "dispatch/submit.h"
#include "fifo/anchor_record.h"
#include "os/lock.h"
#include "os/log.h"
#include "os/random_identity.h"
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

namespace {

// First port tried as a free one and how many follow: the range IANA leaves to dynamic ports.
constexpr std::uint32_t kFirstPort = 49152;
constexpr std::uint32_t kPortCount = 65536 - kFirstPort;

EndpointName unique_name() noexcept {
  char text[kNameSize];
  std::snprintf(text, sizeof text, "%s%d-%016" PRIx64, kNamePrefix.data(), getpid(), random_identity());
  return EndpointName::from(text);
}

EndpointName with_port(const EndpointName& name, std::uint32_t port) {
  const std::string_view text = name.view();
  return EndpointName::from(std::string(text.substr(0, text.size() - 1)) + std::to_string(port));
}

// Creates the region under `name`, its anchor record complete, and makes it findable.
int open_region(Exchange& exchange, const EndpointName& name) {
  std::unique_ptr<LocalRegion> region;
  const BoardLayout& board = board_layout(exchange.device.memory());
  if (const int error = exchange.device.create(name, board.header_size, &region)) return error;
  publish_anchor_record(region->header(), name, exchange.incarnation, exchange.own_offer(), board);
  if (const int error = region->publish()) return error;
  exchange.region = std::move(region);
  exchange.name = name;
  return 0;
}

int open_region_on_free_port(Exchange& exchange) {
  const EndpointName wanted = exchange.name;
  for (std::uint32_t i = 0; i < kPortCount; ++i) {
    const auto port = static_cast<std::uint32_t>(kFirstPort + (exchange.incarnation + i) % kPortCount);
    const int error = open_region(exchange, with_port(wanted, port));
    if (error != -EADDRINUSE && error != -EACCES) return error;
  }
  return -EADDRINUSE;
}

// `first`: to be tried before the ports; empty: nothing.
int open_region_on(Exchange& exchange, const EndpointName& first) {
  const int error = first.empty() ? -EADDRINUSE : open_region(exchange, first);
  return error == -EADDRINUSE || error == -EACCES ? open_region_on_free_port(exchange) : error;
}

void open_board(Exchange& exchange) {
  const MemoryType memory = exchange.device.memory();
  const BoardLayout& layout = board_layout(memory);
  const std::byte* bytes = exchange.region->header() + layout.offset;
  exchange.board = layout.stride == 1
                       ? std::make_unique<NotificationBoard>(bytes, static_cast<std::uint32_t>(layout.bytes()))
                       : std::make_unique<NotificationBoard>(bytes, layout.count, memory);
  exchange.board_owners.resize(layout.count);
  exchange.free_notifications.clear();  // of an attempt that failed
  for (std::uint32_t index = layout.count; index-- > kContactEntries;) exchange.free_notifications.push_back(index);
  auto* sleep_line = reinterpret_cast<SleepLine*>(exchange.region->header() + kSleepOffset);
  exchange.sleep.emplace(sleep_line);
  exchange.region->watch(bytes, layout.bytes(), &sleep_line->epoch);
}

// Peers may find the table empty for a moment: the region is there already.
int publish_memory(Exchange& exchange) {
  if (exchange.memory == nullptr) return 0;
  exchange.published =
      std::make_unique<PublishedRegions>(exchange.region->header() + kProtectionOffset, *exchange.region);
  exchange.published->tell_always(exchange.counted());
  return exchange.memory->attach(exchange.published.get(), &exchange);
}

void withdraw_memory(Exchange& exchange) noexcept {
  if (exchange.published) exchange.memory->detach(exchange.published.get());
  exchange.published.reset();
}

}  // namespace

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
  Exchange& exchange = state_->exchange;
  exchange.incarnation = random_identity();
  exchange.proof[0] = random_identity();
  exchange.proof[1] = random_identity();
  const EndpointName asked = exchange.name;
  int error = state_->wants_free_port ? open_region_on(exchange, state_->tried_first) : open_region(exchange, asked);
  if (error != 0) return error;
  try {
    open_board(exchange);
    error = publish_memory(exchange);
  } catch (const std::bad_alloc&) {
    error = -ENOMEM;
  }
  if (error != 0) {
    withdraw_memory(exchange);
    exchange.region.reset();
    exchange.name = asked;
    return error;
  }
  exchange.last_check = Clock::now();
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
  ReceiveRequest receive;
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
  return state_->exchange.notices;
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
