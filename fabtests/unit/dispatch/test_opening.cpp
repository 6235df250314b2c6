// SPDX-License-Identifier: BSD-2-Clause
#include <atomic>
#include <memory>
#include <thread>

#include "dispatch/opening.h"
#include "fifo/anchor_record.h"
#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

Test(opening, a_name_has_one_owner_at_a_time) {
  Place place;
  auto first = std::make_unique<Opened>(place.device, "a");
  Endpoint second(place.device, {});
  cr_assert_eq(second.set_name(named("a")), 0);
  cr_assert_eq(second.enable(), -EADDRINUSE);
  cr_assert_not(second.enabled());
  first.reset();
  cr_assert_eq(second.enable(), 0);
}

Test(opening, a_free_port_is_chosen_on_request) {
  Place place;
  Endpoint first(place.device, {}), second(place.device, {});
  for (Endpoint* endpoint : {&first, &second}) {
    cr_assert_eq(endpoint->set_name_with_free_port(named("127.0.0.1")), -EINVAL);
    cr_assert_eq(endpoint->set_name_with_free_port(named("127.0.0.1:0")), 0);
    cr_assert_eq(endpoint->enable(), 0);
    const std::string name(endpoint->name().view());
    cr_assert_eq(name.substr(0, 19), "anchor://127.0.0.1:");
    cr_assert_geq(std::stoul(name.substr(19)), 49152u);
    cr_assert_leq(std::stoul(name.substr(19)), 65535u);
  }
  cr_assert_not(first.name() == second.name());
}

Test(opening, a_free_port_follows_a_name_that_is_taken) {
  Place place;
  Endpoint first(place.device, {}), second(place.device, {});
  for (Endpoint* endpoint : {&first, &second}) {
    cr_assert_eq(endpoint->set_name_or_free_port(named("127.0.0.1")), 0);
    cr_assert(endpoint->name() == named("127.0.0.1"));
    cr_assert_eq(endpoint->enable(), 0);
  }
  cr_assert(first.name() == named("127.0.0.1"));
  const std::string name(second.name().view());
  cr_assert_eq(name.substr(0, 19), "anchor://127.0.0.1:");
  cr_assert_geq(std::stoul(name.substr(19)), 49152u);
}

Test(opening, without_that_request_a_name_is_taken_as_it_is) {
  Place place;
  Endpoint endpoint(place.device, {});
  cr_assert_eq(endpoint.set_name_with_free_port(named(std::string(48, 'x') + ":0")), 0);
  cr_assert_eq(endpoint.set_name_with_free_port(named(std::string(49, 'x') + ":0")), -EINVAL, "no room for the port");
  cr_assert_eq(endpoint.set_name(named("rank:0")), 0);
  cr_assert_eq(endpoint.enable(), 0);
  cr_assert(endpoint.name() == named("rank:0"));
}

namespace {

// What a peer finds under the name "a" at this moment. False: no record.
bool finds_record(Device& device, std::uint64_t* rows) {
  std::unique_ptr<RemoteRegion> region;
  Mapping header;
  AnchorContents contents;
  if (device.attach(named("a"), &region) != 0 || region->map(0, kHeaderSize, &header) != 0 ||
      read_anchor_record(header.data(), named("a"), MemoryType::kCoherent, &contents) != 0)
    return false;
  *rows = reinterpret_cast<const ProtectionDirectory*>(header.data() + contents.protection_offset)->used.load();
  return true;
}

}  // namespace

Test(opening, whoever_finds_the_record_finds_the_memory_that_was_registered) {
  Place place;
  char bytes[64];
  MemoryRegion region{};
  region.key = 1;
  region.rights = kRemoteWrite;
  region.segment_count = 1;
  region.segments[0] = {bytes, sizeof bytes};
  MemoryRegistry memory;
  cr_assert_eq(memory.reserve(&region), 0);
  cr_assert_eq(memory.enable(&region), 0);
  std::atomic<bool> over{false};
  std::atomic<unsigned> found{0}, empty{0};
  std::thread peer([&] {
    std::uint64_t rows = 0;
    while (!over.load())
      if (finds_record(place.device, &rows)) found.fetch_add(1), empty.fetch_add(rows == 0);
  });
  for (unsigned before = 0, i = 0; i < 200; ++i, before = found.load()) {
    Exchange exchange(place.device, {});
    exchange.name = named("a");
    exchange.memory = &memory;
    cr_assert_eq(open_exchange(exchange), 0);
    while (found.load() == before) std::this_thread::yield();
    withdraw_memory(exchange);
  }
  over.store(true);
  peer.join();
  cr_assert_eq(empty.load(), 0u);
}
