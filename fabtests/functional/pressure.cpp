// SPDX-License-Identifier: BSD-2-Clause
// Receivers that are slow or elsewhere: senders are told -FI_EAGAIN or queued, never stuck, nothing is lost, and nobody
// else has to wait.
#include <algorithm>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

// A call that waits for the receiver would take for ever; one that was only preempted does not take this long.
constexpr double kLongestCall = 2;

void send_numbered(Node& node, std::uint64_t number, int to, std::uint64_t tag) {
  node.submit([&] { return fi_tinject(node.ep(), &number, sizeof(number), node.peer(to), tag); });
}

void expect_number(Node& node, std::uint64_t want, std::uint64_t tag) {
  std::uint64_t number = ~0ull;
  node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, tag, 0, nullptr); });
  node.await_receive();
  CHECK_EQ(number, want);
}

void ping(Node& node, int with, int times) {
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(times); ++i) {
    send_numbered(node, i, with, 2);
    expect_number(node, i, 3);
  }
}

void answer(Node& node, int with, int times) {
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(times); ++i) {
    expect_number(node, i, 2);
    send_numbered(node, i, with, 3);
  }
}

}  // namespace

// The receiver does nothing at all until the sender has got -FI_EAGAIN or has had all of its messages taken.
TEST(pressure_full_fifo, .ranks = 2) {
  constexpr std::uint64_t kMost = 20000;
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    std::uint64_t sent = 0;
    ssize_t rc = 0;
    double longest = 0;
    while (sent < kMost && rc == 0) {
      const Deadline call(1);
      rc = fi_tinject(node.ep(), &sent, sizeof(sent), node.peer(1), 1);
      longest = std::max(longest, call.elapsed());
      sent += rc == 0 ? 1 : 0;
    }
    CHECK(rc == 0 || rc == -FI_EAGAIN);
    CHECK(longest < kLongestCall * time_scale());
    CHECK(sent > 0);
    team.tell(1, std::to_string(sent));
  } else {
    node.rest(true);
    const std::uint64_t count = std::stoull(team.hear_text(0));
    node.rest(false);
    for (std::uint64_t i = 0; i < count; ++i) expect_number(node, i, 1);
  }
  team.barrier();
}

// Rank 1 sleeps over half a transmit queue of messages; rank 2 is served meanwhile.
TEST(pressure_slow_peer_holds_up_nobody, .ranks = 3, .anchor_only = true) {
  constexpr int kPings = 200;
  Node node(team);
  node.introduce();
  const std::uint64_t count = node.info()->tx_attr->size / 2;
  if (team.rank() == 0) {
    const Bytes bulk = patterned(4000, 1);
    for (std::uint64_t i = 0; i < count; ++i) {
      node.submit([&] { return fi_tsend(node.ep(), bulk.data(), bulk.size(), nullptr, node.peer(1), 1, nullptr); });
    }
    ping(node, 2, kPings);
    team.tell(1, "wake up");
    for (std::uint64_t i = 0; i < count; ++i) node.await_send();
  } else if (team.rank() == 1) {
    node.rest(true);
    team.hear(0);
    node.rest(false);
    Bytes buffer(4000);
    for (std::uint64_t i = 0; i < count; ++i) {
      node.submit([&] { return fi_trecv(node.ep(), buffer.data(), 4000, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      CHECK_EQ(node.await_receive().length, 4000u);
      check_pattern(buffer.data(), 4000, 1);
    }
  } else {
    answer(node, 0, kPings);
  }
  team.barrier();
}

// After streams of received messages, some of which were announced if that is faster here, each end sends one after the
// other, and receives nothing before all have ended: what fits the FIFO does not wait for its receive then.
TEST(pressure_unmatched_one_by_one, .ranks = 2, .seconds = 30, .anchor_only = true) {
  constexpr int kBursts = 30, kBurst = 50, kMessages = 200;
  Node node(team);
  node.introduce();
  const Bytes bytes = patterned(6000, static_cast<std::uint64_t>(team.rank()));
  Bytes received(bytes.size());
  const auto peer = node.peer(1 - team.rank());
  const auto send = [&] {
    node.submit([&] { return fi_tsend(node.ep(), bytes.data(), bytes.size(), nullptr, peer, 1, nullptr); });
  };
  const auto receive = [&] {
    node.submit([&] { return fi_trecv(node.ep(), received.data(), received.size(), nullptr, peer, 1, 0, nullptr); });
  };
  for (int burst = 0; burst < kBursts; ++burst) {
    for (int i = 0; i < kBurst; ++i) receive();
    team.barrier();
    for (int i = 0; i < kBurst; ++i) send();
    for (int i = 0; i < kBurst; ++i) node.await_send();
    for (int i = 0; i < kBurst; ++i) node.await_receive();
  }
  for (int i = 0; i < kMessages; ++i) {
    send();
    node.await_send();
  }
  team.barrier();
  for (int i = 0; i < kMessages; ++i) {
    received.assign(bytes.size(), std::byte{});
    receive();
    node.await_receive();
    CHECK(received == patterned(bytes.size(), static_cast<std::uint64_t>(1 - team.rank())));
  }
  team.barrier();
}

// Large messages that nobody has asked for yet are announced, and let small ones pass.
TEST(pressure_unmatched_large_messages, .ranks = 2) {
  constexpr std::size_t kLarge = 1 << 20;
  constexpr int kMessages = 50;
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    const Bytes large = patterned(kLarge, 9);
    for (int i = 0; i < kMessages; ++i) {
      node.submit([&] { return fi_tsend(node.ep(), large.data(), kLarge, nullptr, node.peer(1), 1, nullptr); });
    }
    ping(node, 1, 100);
    for (int i = 0; i < kMessages; ++i) node.await_send();
  } else {
    answer(node, 0, 100);
    for (int i = 0; i < kMessages; ++i) {
      Bytes buffer(kLarge);
      node.submit([&] { return fi_trecv(node.ep(), buffer.data(), kLarge, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      CHECK_EQ(node.await_receive().length, kLarge);
      check_pattern(buffer.data(), kLarge, 9);
    }
  }
  team.barrier();
}
TEST_AGAIN(pressure_unmatched_large_messages_by_copying, pressure_unmatched_large_messages, .ranks = 2,
           .environment = {"FI_ANCHOR_CMA=0"});

// Both flood each other before either receives anything.
TEST(pressure_crossing_floods, .ranks = 2, .anchor_only = true) {
  constexpr std::uint64_t kMessages = 6000;
  Node node(team);
  node.introduce();
  const int other = 1 - team.rank();
  for (std::uint64_t i = 0; i < kMessages; ++i) send_numbered(node, i, other, 1);
  for (std::uint64_t i = 0; i < kMessages; ++i) expect_number(node, i, 1);
  team.barrier();
}

// Both announce large messages to each other before either has a receive.
TEST(pressure_crossing_large_messages, .ranks = 2) {
  constexpr std::size_t kLarge = 400000;
  constexpr std::size_t kMessages = 30;
  Node node(team);
  node.introduce();
  const int other = 1 - team.rank();
  const Bytes out = patterned(kLarge, static_cast<std::uint64_t>(team.rank()));
  std::vector<Bytes> in(kMessages, Bytes(kLarge));
  for (std::size_t i = 0; i < kMessages; ++i) {
    node.submit([&] { return fi_tsend(node.ep(), out.data(), kLarge, nullptr, node.peer(other), 1, nullptr); });
  }
  for (Bytes& buffer : in) {
    node.submit([&] { return fi_trecv(node.ep(), buffer.data(), kLarge, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
  }
  for (std::size_t i = 0; i < kMessages; ++i) {
    node.await_send();
    node.await_receive();
  }
  for (const Bytes& buffer : in) check_pattern(buffer.data(), kLarge, static_cast<std::uint64_t>(other));
  team.barrier();
}
TEST_AGAIN(pressure_crossing_large_messages_by_copying, pressure_crossing_large_messages, .ranks = 2,
           .environment = {"FI_ANCHOR_CMA=0"});

// Everybody sends to one.
TEST(pressure_many_to_one, .ranks = 6, .seconds = 30) {
  constexpr std::uint64_t kMessages = 2000;
  Node node(team, {.caps = FI_TAGGED | FI_DIRECTED_RECV});
  node.introduce();
  if (team.rank() != 0) {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      send_numbered(node, i, 0, static_cast<std::uint64_t>(team.rank()));
    }
  } else {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      for (int rank = 1; rank < team.size(); ++rank) expect_number(node, i, static_cast<std::uint64_t>(rank));
    }
  }
  team.barrier();
}

}  // namespace anchor::fabtests
