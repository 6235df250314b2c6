// SPDX-License-Identifier: BSD-2-Clause
// Streams of announced messages which the receiver reads, several by one call.
#include <criterion/criterion.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "node.h"
#include "proto/polling.h"
#include "proto/rendezvous_pull.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kMedium = 20'000;
constexpr unsigned kMessages = 6;  // none of them is a trial of the other way

// Counts the calls, and from one on refuses all.
class Counting final : public DirectCopy {
 public:
  explicit Counting(std::unique_ptr<DirectCopy> direct) noexcept : direct_(std::move(direct)) {}
  std::ptrdiff_t read(const iovec* local, std::size_t local_count, const iovec* remote,
                      std::size_t remote_count) noexcept override {
    ++reads;
    return refuses ? -EPERM : direct_->read(local, local_count, remote, remote_count);
  }
  std::ptrdiff_t write(const iovec* local, std::size_t local_count, const iovec* remote,
                       std::size_t remote_count) noexcept override {
    return direct_->write(local, local_count, remote, remote_count);
  }
  unsigned reads = 0;
  bool refuses = false;

 private:
  const std::unique_ptr<DirectCopy> direct_;
};

// Messages from a that b has not looked at yet, and would rather read.
struct Stream : Couple {
  explicit Stream(std::size_t length = kMedium, std::size_t room = kMedium) {
    direct = new Counting(std::move(at_b().direct));
    at_b().direct.reset(direct);
    prefer(at_b(), true, length);
    for (unsigned i = 0; i < kMessages; ++i) {
      sent.push_back(bytes_of(length, i));
      received.emplace_back(room);
    }
    for (unsigned i = 0; i < kMessages; ++i) {
      cr_assert_eq(b.receive(received[i].data(), room, i), 0);
      cr_assert_eq(a.send(to_b, sent[i].data(), length, i), 0);
    }
  }
  IncomingTransfer& transfer(unsigned number) {
    IncomingTransfer* found = b.exchange.incoming.front();
    while (number-- > 0) found = b.exchange.incoming.after(found);
    return *found;
  }
  // Returns their tags in the order in which they ended.
  std::vector<std::uint64_t> expect_all(int error = 0) {
    std::vector<std::uint64_t> tags;
    for (unsigned i = 0; i < kMessages; ++i) {
      const Event event = await(b, a);
      cr_assert_eq(event.error, error);
      tags.push_back(event.completion.tag);
      cr_assert_eq(await(a, b).error, 0);
    }
    cr_assert_eq(b.exchange.transfers.in_use() + a.exchange.sends.in_use(), 0u);
    for (const std::uint32_t count : at_b().arriving) cr_assert_eq(count, 0u);
    return tags;
  }

  Counting* direct;
  std::vector<std::vector<unsigned char>> sent, received;
};

}  // namespace

Test(rendezvous_pull, one_call_reads_what_one_pass_finds) {
  Stream stream;
  stream.b.progress();
  cr_assert(stream.received == stream.sent);
  cr_assert_eq(stream.direct->reads, 1u);
  cr_assert(stream.expect_all() == (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
}

Test(rendezvous_pull, one_call_reads_only_so_much) {
  constexpr std::size_t kLength = 60'000;
  Stream stream(kLength, kLength);
  stream.b.progress();
  cr_assert(stream.received == stream.sent);
  cr_assert_eq(stream.direct->reads, 2u);
  stream.expect_all();
}

Test(rendezvous_pull, each_takes_what_it_has_room_for) {
  constexpr std::size_t kRoom = kMedium - 7;
  Stream stream(kMedium, kRoom);
  stream.b.progress();
  for (unsigned i = 0; i < kMessages; ++i)
    cr_assert(std::equal(stream.received[i].begin(), stream.received[i].end(), stream.sent[i].begin()));
  cr_assert_eq(stream.direct->reads, 1u);
  stream.expect_all(kTruncated);
}

Test(rendezvous_pull, pieces_on_both_sides) {
  Stream stream;
  stream.b.progress();
  stream.expect_all();
  std::vector<unsigned char> in(4 * kMedium), out = bytes_of(4 * kMedium, 9);
  for (unsigned i = 0; i < 2; ++i) {
    unsigned char *to = in.data() + i * 2 * kMedium, *from = out.data() + i * 2 * kMedium;
    const iovec places[] = {{to, 1}, {to + 1, kMedium}, {to + 1 + kMedium, kMedium - 1}};
    const iovec pieces[] = {{from, kMedium - 3}, {from + kMedium - 3, 5}, {from + kMedium + 2, kMedium - 2}};
    cr_assert_eq(post_receive(stream.b.exchange, stream.b.request(WorkType::kTaggedReceive, kWantCompletion, places, 3,
                                                                  kAnyAddress, 0, 0)),
                 0);
    cr_assert_eq(stream.a.send(stream.to_b, pieces, 3, 0), 0);
  }
  const unsigned before = stream.direct->reads;
  prefer(stream.at_b(), true, 2 * kMedium);
  stream.b.progress();
  cr_assert(in == out);
  cr_assert_eq(stream.direct->reads - before, 1u);
}

// Memory of a device, for example.
Test(rendezvous_pull, one_that_cannot_be_read_is_streamed_alone) {
  for (const unsigned bad : {0u, 3u, kMessages - 1}) {
    Stream stream;
    poll_peers(stream.b.exchange);
    stream.transfer(bad).segments.list[0].address = 16;
    stream.expect_all();
    cr_assert(stream.received == stream.sent);
    cr_assert_not_null(stream.at_b().direct.get());
  }
}

Test(rendezvous_pull, all_are_streamed_when_the_kernel_refuses) {
  Stream stream;
  stream.direct->refuses = true;
  stream.expect_all();
  cr_assert(stream.received == stream.sent);
  cr_assert_null(stream.at_b().direct.get());
}

Test(rendezvous_pull, messages_of_two_senders_are_read_apart) {
  Stream stream;
  stream.expect_all();
  Node c(stream.place.device, "c");
  const std::uint64_t from_c = c.insert("b");
  seek_peer(c.exchange, c.peer("b"));
  cr_assert(until([&] { return c.peer("b").state == PeerState::kConnected; }, c, stream.b));
  for (Peer* sender : {&stream.at_b(), &stream.b.peer("c")}) prefer(*sender, true, kMedium);
  for (auto& place : stream.received) place.assign(kMedium, 0);
  for (unsigned i = 0; i < kMessages; ++i) {
    cr_assert_eq(stream.b.receive(stream.received[i].data(), kMedium, i), 0);
    Node& sender = i % 2 == 0 ? stream.a : c;
    cr_assert_eq(sender.send(i % 2 == 0 ? stream.to_b : from_c, stream.sent[i].data(), kMedium, i), 0);
  }
  const unsigned before = stream.direct->reads;
  stream.b.progress();
  cr_assert(stream.received == stream.sent);
  cr_assert_eq(stream.direct->reads - before, 1u);
}

Test(rendezvous_pull, a_batch_takes_one_time) {
  Stream stream;
  poll_peers(stream.b.exchange);
  PullBatch batch;
  for (unsigned i = 0; i < kMessages; ++i) {
    stream.transfer(i).begun = Clock::duration{i == 0 ? 0 : 7};
    cr_assert(batch.takes(stream.transfer(i)));
    batch.add(stream.transfer(i));
  }
  for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(stream.transfer(i).begun.count(), i == 1 ? 7 : 0);
  cr_assert_eq(batch.count(), kMessages);
}
