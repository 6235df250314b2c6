// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "../dma/simulated_pair.h"
#include "fifo/contact.h"
#include "fifo_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Table {
  ContactEntry& entry(std::uint32_t index) {
    return reinterpret_cast<ContactEntry*>(header.get() + kContactOffset)[index];
  }
  void post(std::uint32_t index, const ContactRequest& request) {
    AnchorContents contents{};
    contents.contact_offset = kContactOffset;
    post_contact(header.get(), contents, index, request);
  }

  std::unique_ptr<std::byte[], FreeMemory> header = zeroed(kHeaderSize);
};

// All of it is told by one number.
ContactRequest request_of(std::uint64_t number) {
  char name[kNameSize];
  std::snprintf(name, sizeof name, "anchor://%050llu", static_cast<unsigned long long>(number));
  const auto half = static_cast<std::uint32_t>(number);
  return {EndpointName::from(name), number, {number, half, half, half, half}};
}

bool whole(const ContactRequest& request) {
  const ContactRequest expected = request_of(request.requester_incarnation);
  return std::memcmp(&request.block, &expected.block, sizeof request.block) == 0 &&
         request.requester == expected.requester;
}

}  // namespace

Test(contact, an_entry_nobody_wrote_is_empty) {
  Table table;
  ContactRequest request;
  for (std::uint32_t i = 0; i < kContactEntries; ++i) cr_assert_not(read_contact(table.header.get(), i, &request));
}

Test(contact, is_read_as_posted) {
  Table table;
  for (const std::uint32_t index : {0u, 7u, kContactEntries - 1}) {
    table.post(index, request_of(100 + index));
    ContactRequest request{};
    cr_assert(read_contact(table.header.get(), index, &request));
    cr_assert_eq(request.requester_incarnation, 100 + index);
    cr_assert(whole(request));
  }
}

Test(contact, each_request_has_another_state_and_never_zero) {
  Table table;
  table.post(3, request_of(1));
  const std::uint64_t first = table.entry(3).state.load();
  table.post(3, request_of(1));
  cr_assert_neq(table.entry(3).state.load(), first);
  table.entry(3).state.store(~0ull);
  table.post(3, request_of(1));
  cr_assert_neq(table.entry(3).state.load(), 0u);
}

Test(contact, one_that_is_being_written_is_not_there) {
  Table table;
  table.post(0, request_of(1));
  table.entry(0).state.store(0);
  ContactRequest request = request_of(9);
  cr_assert_not(read_contact(table.header.get(), 0, &request));
  cr_assert_eq(request.requester_incarnation, 9u, "nothing is given away");
}

Test(contact, a_torn_request_is_never_read) {
  constexpr std::uint64_t kRequests = 50'000;
  Table table;
  std::atomic<bool> started{false};
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kRequests; ++i) {
      table.post(0, request_of(i));
      started.store(true);
    }
  });
  while (!started.load()) std::this_thread::yield();
  ContactRequest request{};
  std::uint64_t last = 0;
  while (last != kRequests) {
    if (!read_contact(table.header.get(), 0, &request)) continue;
    cr_assert(whole(request));
    cr_assert_geq(request.requester_incarnation, last);
    last = request.requester_incarnation;
  }
  writer.join();
}

Test(contact, is_whole_or_nothing_across_caches) {
  SimulatedPair pair;
  AnchorContents contents{};
  contents.contact_offset = kContactOffset;
  for (std::uint64_t number = 1; number < 500; ++number) {
    post_contact(pair.at(1), contents, number % 3, request_of(number), MemoryType::kSimulated);
    ContactRequest request{};
    cr_assert(read_contact(pair.at(0), number % 3, &request, MemoryType::kSimulated));
    cr_assert_eq(request.requester_incarnation, number);
    cr_assert(whole(request));
  }
}

Test(contact, is_never_torn_while_it_is_posted_anew_across_caches) {
  SimulatedPair pair;
  constexpr std::uint64_t kLast = 5000;
  std::thread poster([&] {
    AnchorContents contents{};
    contents.contact_offset = kContactOffset;
    for (std::uint64_t number = 1; number <= kLast; ++number)
      post_contact(pair.at(1), contents, 0, request_of(number), MemoryType::kSimulated);
  });
  for (ContactRequest request{}; request.requester_incarnation != kLast;)
    if (read_contact(pair.at(0), 0, &request, MemoryType::kSimulated)) cr_assert(whole(request));
  poster.join();
}
