// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <vector>

#include "exposed_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 100'003;

}  // namespace

Test(rma_notice, data_tells_the_target) {
  for (const bool direct : {true, false}) {
    ExposedPair couple(direct ? quick() : without_direct_copy());
    const auto sent = bytes_of(kLong);
    cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData), 0);
    const Event told = await(couple.b, couple.a);
    cr_assert_eq(told.completion.flags, kCompletionRma | kCompletionRemoteWrite | kCompletionRemoteData);
    cr_assert_eq(told.completion.length, kLong);
    cr_assert_eq(told.completion.source, couple.to_a);
    cr_assert(couple.holds(sent));
    cr_assert_eq(await(couple.a, couple.b).error, 0);
  }
}

Test(rma_notice, a_notice_that_finds_no_room_waits_and_the_bytes_do_not_go_again) {
  ExposedPair couple;
  const auto sent = bytes_of(8);
  unsigned writes = 0;
  while (couple.at_a().waiting.empty()) {
    cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData), 0);
    ++writes;
  }
  couple.memory.assign(kExposed, '.');
  for (unsigned i = 0; i < writes; ++i) {
    cr_assert_eq(await(couple.b, couple.a).completion.flags & kCompletionRemoteData, kCompletionRemoteData + 0ull);
    cr_assert_eq(await(couple.a, couple.b).error, 0);
  }
  cr_assert(couple.holds(std::vector<unsigned char>(kExposed, '.')));
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
}

Test(rma_notice, delivery_of_data_is_confirmed) {
  ExposedPair couple;
  const auto sent = bytes_of(8);
  cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData | kDeliveryComplete), 0);
  couple.a.passes(10);
  Event event;
  cr_assert_not(couple.a.next(&event));
  cr_assert_eq(couple.at_a().unanswered, 1u);
  await(couple.b, couple.a);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(couple.at_a().unanswered, 0u);
}

Test(rma_notice, counted_regions_are_told_of) {
  for (const bool direct : {true, false}) {
    ExposedPair couple(direct ? quick() : without_direct_copy());
    Counter reads, writes, all_reads;
    couple.b.memory.count_with(&couple.region, &reads, kRemoteRead);
    couple.b.memory.count_with(&couple.region, &writes, kRemoteWrite);
    couple.b.exchange.remote_read_counter = &all_reads;
    couple.b.exchange.published->tell_always(couple.b.exchange.counted());
    const auto sent = bytes_of(kLong);
    std::vector<unsigned char> got(kLong);
    cr_assert_eq(couple.write(sent), 0);
    cr_assert_eq(couple.read(got), 0);
    for (int i = 0; i < 2; ++i) await(couple.a, couple.b);
    cr_assert(until([&] { return writes.value() == 1 && reads.value() == 1; }, couple.a, couple.b));
    cr_assert_eq(all_reads.value(), 1u);
    cr_assert(got == sent);
  }
}

Test(rma_notice, without_access_events_only_data_is_counted) {
  for (const bool direct : {true, false}) {
    EndpointSettings settings = direct ? quick() : without_direct_copy();
    settings.access_events = false;
    ExposedPair couple(settings);
    Counter reads, writes;
    couple.b.exchange.remote_read_counter = &reads;
    couple.b.exchange.remote_write_counter = &writes;
    cr_assert_eq(couple.b.exchange.counted(), 0u);
    const auto sent = bytes_of(kLong);
    std::vector<unsigned char> got(kLong);
    cr_assert_eq(couple.write(sent), 0);
    cr_assert_eq(couple.read(got), 0);
    cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData), 0);
    await(couple.b, couple.a);
    for (int i = 0; i < 3; ++i) await(couple.a, couple.b);
    cr_assert_eq(writes.value(), 1u);
    cr_assert_eq(reads.value(), 0u);
  }
}
