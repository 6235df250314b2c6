// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

Test(send, every_size_arrives_whole) {
  Couple couple;
  const std::size_t most = couple.at_a().channel->max_payload();
  std::uint64_t tag = 0;
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{39}, std::size_t{40}, std::size_t{41},
                                   std::size_t{64}, most - 1, most, most + 1, 10 * most, std::size_t{1} << 20}) {
    const auto sent = bytes_of(length);
    std::vector<unsigned char> received(length);
    cr_assert_eq(couple.b.receive(received.data(), length, ++tag), 0);
    cr_assert_eq(couple.a.send(couple.to_b, sent.data(), length, tag), 0);
    const Event arrived = await(couple.b, couple.a);
    cr_assert_eq(arrived.error, 0);
    cr_assert_eq(arrived.completion.length, length);
    cr_assert_eq(arrived.completion.tag, tag);
    cr_assert_eq(arrived.completion.source, couple.to_a);
    cr_assert(received == sent, "%zu bytes are damaged", length);
    cr_assert_eq(await(couple.a, couple.b).error, 0);
  }
}

Test(send, what_fits_is_complete_at_once_and_what_does_not_when_it_was_fetched) {
  Couple couple;
  const std::size_t most = couple.at_a().channel->max_payload();
  const auto bytes = bytes_of(most + 1);
  Event event;
  cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), most), 0);
  cr_assert(couple.a.next(&event));
  cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), most + 1, 1), 0);
  cr_assert_not(couple.a.next(&event));
  couple.b.passes(3);
  couple.a.passes(3);
  cr_assert_not(couple.a.next(&event), "nobody received it");
  std::vector<unsigned char> received(most + 1);
  cr_assert_eq(couple.b.receive(received.data(), received.size(), 1), 0);
  await(couple.a, couple.b);
  cr_assert(received == bytes);
}

Test(send, delivery_complete_waits_for_the_receive) {
  Couple couple;
  for (const std::size_t length : {std::size_t{0}, std::size_t{8}, std::size_t{1000}}) {
    const auto bytes = bytes_of(length);
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), length, 5, kWantCompletion | kDeliveryComplete), 0);
    couple.b.passes(3);
    couple.a.passes(3);
    Event event;
    cr_assert_not(couple.a.next(&event));
    std::vector<unsigned char> received(length);
    cr_assert_eq(couple.b.receive(received.data(), length, 5), 0);
    cr_assert_eq(await(couple.a, couple.b).error, 0);
    cr_assert(received == bytes);
    cr_assert_eq(await(couple.b).completion.length, length);
  }
}

Test(send, segments_are_gathered_whatever_the_protocol) {
  Couple couple;
  for (const std::size_t length : {std::size_t{30}, std::size_t{3000}, std::size_t{300'000}}) {
    auto bytes = bytes_of(length);
    const iovec segments[3] = {
        {bytes.data(), length / 3}, {nullptr, 0}, {bytes.data() + length / 3, length - length / 3}};
    cr_assert_eq(couple.a.send(couple.to_b, segments, 3, 0), 0);
    std::vector<unsigned char> received(length);
    cr_assert_eq(couple.b.receive(received.data(), length), 0);
    cr_assert_eq(await(couple.b, couple.a).error, 0);
    cr_assert(received == bytes);
  }
}

Test(send, a_full_fifo_changes_nothing) {
  Couple couple;
  const char byte = 'x';
  const iovec segment{const_cast<char*>(&byte), 1};
  for (const std::uint32_t flags : {0u, std::uint32_t{kDeliveryComplete}}) {
    const WorkRequest work = couple.a.request(WorkType::kTaggedSend, flags, &segment, 1, couple.to_b, 0, 0);
    int error = 0;
    while (error == 0) error = start_send(couple.a.exchange, couple.at_a(), work, nullptr);
    cr_assert_eq(error, -EAGAIN);
    const std::size_t in_use = couple.a.exchange.sends.in_use();
    cr_assert_eq(start_send(couple.a.exchange, couple.at_a(), work, nullptr), -EAGAIN);
    cr_assert_eq(couple.a.exchange.sends.in_use(), in_use);
    cr_assert(couple.at_a().waiting.empty());
    couple.b.passes(10);
  }
}

Test(send, remote_data_travels) {
  Couple couple;
  for (const std::size_t length : {std::size_t{4}, std::size_t{100'000}}) {
    auto bytes = bytes_of(length);
    const iovec segment{bytes.data(), length};
    WorkRequest work = couple.a.request(WorkType::kSend, kRemoteData, &segment, 1, couple.to_b, 0, 0);
    work.data = 0x8877665544332211;
    cr_assert_eq(start_send(couple.a.exchange, couple.at_a(), work, nullptr), 0);
    work = couple.b.request(WorkType::kReceive, kWantCompletion, &segment, 1, kAnyAddress, 0, 0);
    cr_assert_eq(post_receive(couple.b.exchange, work), 0);
    const Event event = await(couple.b, couple.a);
    cr_assert_eq(event.completion.data, 0x8877665544332211u);
    cr_assert_eq(event.completion.flags, kCompletionReceive | kCompletionMessage | kCompletionRemoteData);
  }
}
