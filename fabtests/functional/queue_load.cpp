// SPDX-License-Identifier: BSD-2-Clause
// Completion queues too small for what comes, queues read late, and queues shared by endpoints.
#include "common/registry.h"
#include "soliloquy.h"

namespace anchor::fabtests {

namespace {

// A queue of few entries, read late: every completion is there in the end.
void overfill(Team& team, std::size_t queue_size) {
  constexpr std::uint64_t kMessages = 2000;
  Node node(team, {.cq_size = queue_size});
  node.introduce();
  if (team.rank() == 0) {
    std::vector<std::uint64_t> numbers(kMessages);
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      numbers[i] = i;
      node.submit([&] { return fi_tsend(node.ep(), &numbers[i], 8, nullptr, node.peer(1), i, nullptr); });
    }
    for (std::uint64_t i = 0; i < kMessages; ++i) node.await_send();
  } else {
    std::vector<std::uint64_t> numbers(kMessages, ~0ull);
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      node.submit([&] { return fi_trecv(node.ep(), &numbers[i], 8, nullptr, FI_ADDR_UNSPEC, i, 0, &numbers[i]); });
    }
    for (std::uint64_t i = 0; i < kMessages; ++i) CHECK_EQ(node.await_receive().length, 8u);
    for (std::uint64_t i = 0; i < kMessages; ++i) CHECK_EQ(numbers[i], i);
  }
  team.barrier();
}

}  // namespace

TEST(queue_small_loses_nothing, .ranks = 2, .anchor_only = true) {
  for (const std::size_t size : {1u, 2u, 16u}) overfill(team, size);
}

// Nothing is read while messages are sent and received: -FI_EAGAIN at some time, or room without end; no loss.
TEST(queue_unread_is_not_overrun, .anchor_only = true) {
  constexpr std::uint64_t kMessages = 5000;
  Soliloquy one(FI_CQ_FORMAT_TAGGED, 8);
  std::vector<std::uint64_t> numbers(kMessages, ~0ull);
  std::uint64_t posted = 0, sent = 0;
  while (posted < kMessages &&
         fi_trecv(one.ep.get(), &numbers[posted], 8, nullptr, FI_ADDR_UNSPEC, posted, 0, &numbers[posted]) == 0) {
    ++posted;
  }
  CHECK(posted > 0);
  while (sent < posted && fi_tinject(one.ep.get(), &sent, 8, one.self, sent) == 0) {
    ++sent;
    one.make_progress();
  }
  CHECK(sent > 0);
  fi_cq_tagged_entry entry;
  for (std::uint64_t i = 0; i < sent; ++i) {
    REQUIRE_EQ(one.read(&entry, 1), 1);
    CHECK_EQ(numbers[entry.tag], entry.tag);
  }
  CHECK_EQ(fi_cq_read(one.cq.get(), &entry, 1), -FI_EAGAIN);
}

// Several endpoints share one queue; each completion tells by its context whose it is.
TEST(queue_shared_by_endpoints) {
  constexpr std::size_t kEndpoints = 8;
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  Owned<fid_ep> eps[kEndpoints];
  fi_addr_t addresses[kEndpoints];
  std::uint64_t places[kEndpoints] = {};
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), eps[i].out(), nullptr));
    REQUIRE_OK(fi_ep_bind(eps[i].get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(eps[i].get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    REQUIRE_OK(fi_enable(eps[i].get()));
    addresses[i] = insert_address(av.get(), name_of(eps[i].get()));
    REQUIRE_OK(fi_recv(eps[i].get(), &places[i], 8, nullptr, FI_ADDR_UNSPEC, &places[i]));
  }
  Completions completions(cq.get(), false);
  const Deadline deadline(15);
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    const std::uint64_t number = 100 + i;
    while (fi_inject(eps[(i + 3) % kEndpoints].get(), &number, 8, addresses[i]) == -FI_EAGAIN && !deadline.expired()) {
      completions.poll();
    }
  }
  while (completions.size() < kEndpoints && !deadline.expired()) completions.poll();
  REQUIRE_EQ(completions.size(), kEndpoints);
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    const Entry entry = completions.take();
    const auto number = static_cast<std::size_t>(static_cast<std::uint64_t*>(entry.context) - places);
    CHECK_EQ(places[number], 100 + number);
  }
}

}  // namespace anchor::fabtests
