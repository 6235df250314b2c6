// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/opening.h"

#include <cerrno>
#include <memory>
#include <new>
#include <string>

#include "fifo/anchor_record.h"
#include "os/random_identity.h"

namespace anchor {
namespace {

// First port tried as a free one and how many follow: the range IANA leaves to dynamic ports.
constexpr std::uint32_t kFirstPort = 49152;
constexpr std::uint32_t kPortCount = 65536 - kFirstPort;

// Creates the region under `name` and makes it findable. Without an anchor record it is too early for peers yet.
int open_region(Exchange& exchange, const EndpointName& name) {
  std::unique_ptr<LocalRegion> region;
  const BoardLayout& board = board_layout(exchange.device.memory());
  if (const int error = exchange.device.create(name, board.header_size, &region)) return error;
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

int publish_memory(Exchange& exchange) {
  if (exchange.memory == nullptr) return 0;
  exchange.published =
      std::make_unique<PublishedRegions>(exchange.region->header() + kProtectionOffset, *exchange.region);
  exchange.published->tell_always(exchange.counted());
  return exchange.memory->attach(exchange.published.get(), &exchange);
}

}  // namespace

EndpointName with_port(const EndpointName& name, std::uint32_t port) {
  const std::string_view text = name.view();
  return EndpointName::from(std::string(text.substr(0, text.size() - 1)) + std::to_string(port));
}

int open_exchange(Exchange& exchange, bool wants_free_port, const EndpointName& tried_first) {
  exchange.incarnation = random_identity();
  for (std::uint64_t& word : exchange.proof) word = random_identity();
  const EndpointName asked = exchange.name;
  int error = wants_free_port ? open_region_on(exchange, tried_first) : open_region(exchange, asked);
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
  // Last: a peer that wrote to memory before its key was in the table would be refused.
  publish_anchor_record(exchange.region->header(), exchange.name, exchange.incarnation, exchange.own_offer(),
                        exchange.device.memory());
  exchange.last_check = Clock::now();
  return 0;
}

void withdraw_memory(Exchange& exchange) noexcept {
  if (exchange.published) exchange.memory->detach(exchange.published.get());
  exchange.published.reset();
}

}  // namespace anchor
