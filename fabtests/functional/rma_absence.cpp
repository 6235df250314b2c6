// SPDX-License-Identifier: BSD-2-Clause
// Small reads and writes towards a target that is there at times: it attends, then computes or sleeps, at random.
#include <time.h>

#include <cstring>
#include <deque>

#include "common/random.h"
#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kRounds = 3000;
constexpr std::uint64_t kRoundsForMessage = 20;
constexpr std::size_t kWindow = 50;  // more than may be in the FIFO at once
constexpr std::size_t kBlock = 9000;
constexpr std::size_t kSize = 8 + kBlock;

// The target's own affairs: no call into the library meanwhile.
void stay_away(Random& random) {
  const timespec absence{0, static_cast<long>(random.below(500'000))};
  nanosleep(&absence, nullptr);
}

// What one round writes is behind the buffers until all of it has completed.
struct Round {
  std::uint64_t number;
  Bytes block;
  std::uint64_t seen = 0;
};

// In each round: the number is written, then a block, then the number is read back; at times a message says it.
void initiate(Node& node) {
  Random random(11);
  std::deque<Round> rounds;
  std::size_t completed = 0;
  std::uint64_t sent_messages = 0;
  // Completions may come in any order between rounds that are long over; counting them is enough.
  const auto take_all = [&](std::size_t until) {
    for (; completed < until; ++completed) node.await_send();
  };
  std::size_t submitted = 0;
  for (std::uint64_t i = 1; i <= kRounds; ++i) {
    rounds.push_back({i, patterned(random.between(1, kBlock), i)});
    Round& round = rounds.back();
    const fi_addr_t peer = node.peer(1);
    if (random.one_in(3)) {
      node.submit([&] { return fi_inject_write(node.ep(), &round.number, 8, peer, 0, 1); });
    } else {
      node.submit([&] { return write_message(node.ep(), {&round.number, 8, peer, 0, 1}, FI_COMPLETION); });
      ++submitted;
    }
    node.submit([&] {
      return write_message(node.ep(), {round.block.data(), round.block.size(), peer, 8, 1}, FI_COMPLETION);
    });
    node.submit([&] { return read_message(node.ep(), {&round.seen, 8, peer, 0, 1}, FI_COMPLETION); });
    submitted += 2;
    if (i % kRoundsForMessage == 0) {
      node.submit([&] { return fi_tinject(node.ep(), &i, 8, peer, 5); });
      ++sent_messages;
    }
    if (rounds.size() == kWindow || i == kRounds || random.one_in(30)) {
      take_all(submitted);
      for (const Round& past : rounds) CHECK_EQ(past.seen, past.number);
      rounds.clear();
    }
    if (random.one_in(100)) stay_away(random);
  }
  CHECK_EQ(sent_messages, kRounds / kRoundsForMessage);
}

// Whoever has the message of a round finds what was written before it, and nothing that goes back behind it later.
void attend(Team& team, Node& node, const Exposed& exposed) {
  Random random(12);
  std::uint64_t last = 0;
  for (std::uint64_t i = kRoundsForMessage; i <= kRounds; i += kRoundsForMessage) {
    std::uint64_t number = 0;
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, 5, 0, nullptr); });
    node.until("the round's message", [&] {
      if (random.one_in(40)) stay_away(random);
      node.progress();
      return !node.receives().empty();
    });
    node.await_receive();
    std::uint64_t there;
    std::memcpy(&there, exposed.memory.data(), sizeof there);
    CHECK_EQ(number, i);
    CHECK(there >= number && there >= last && there <= kRounds);
    last = there;
  }
  team.hear(0);
  std::uint64_t there;
  std::memcpy(&there, exposed.memory.data(), sizeof there);
  CHECK_EQ(there, kRounds);
}

}  // namespace

TEST(rma_target_comes_and_goes, .ranks = 2, .seconds = 90, .anchor_only = true) {
  Node node(team, rma_options());
  const Exposed exposed(node, kSize, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    initiate(node);
    team.tell(1, "written");
  } else {
    attend(team, node, exposed);
  }
  team.barrier();
}
TEST_AGAIN(rma_target_comes_and_goes_through_fifo, rma_target_comes_and_goes, .ranks = 2, .seconds = 90,
           .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// Both at once, each other's targets.
TEST(rma_both_come_and_go, .ranks = 2, .seconds = 90, .anchor_only = true) {
  constexpr std::uint64_t kWrites = 5000;
  Node node(team, rma_options());
  const Exposed exposed(node, 8 * kWrites, 1);
  node.introduce();
  team.barrier();
  Random random(20 + static_cast<std::uint64_t>(team.rank()));
  std::vector<std::uint64_t> numbers(kWrites);
  const fi_addr_t other = node.peer(1 - team.rank());
  std::size_t outstanding = 0;
  for (std::uint64_t i = 0; i < kWrites; ++i) {
    numbers[i] = i + 1;
    node.submit([&] { return write_message(node.ep(), {&numbers[i], 8, other, 8 * i, 1}, FI_COMPLETION); });
    ++outstanding;
    while (outstanding > 100) {
      node.await_send();
      --outstanding;
    }
    if (random.one_in(200)) stay_away(random);
  }
  while (outstanding-- > 0) node.await_send();
  team.barrier();
  for (std::uint64_t i = 0; i < kWrites; ++i) {
    std::uint64_t there;
    std::memcpy(&there, exposed.memory.data() + 8 * i, sizeof there);
    CHECK_EQ(there, i + 1);
  }
  team.barrier();
}

// An endpoint that is closed with operations on their way does them first, whether its peer attends or not.
TEST(rma_close_withdraws, .ranks = 2, .anchor_only = true, .shm_only = true) {
  constexpr std::uint64_t kWrites = 20;
  Node node(team, rma_options());
  const Exposed exposed(node, 8 * kWrites, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < kWrites; ++i) {
      const std::uint64_t number = i + 1;
      node.submit([&] { return fi_inject_write(node.ep(), &number, 8, node.peer(1), 8 * i, 1); });
    }
    node.close_endpoint();
    team.tell(1, "closed");
    return;
  }
  node.rest(true);
  team.hear(0);
  for (std::uint64_t i = 0; i < kWrites; ++i) {
    std::uint64_t there;
    std::memcpy(&there, exposed.memory.data() + 8 * i, sizeof there);
    CHECK_EQ(there, i + 1);
  }
}

}  // namespace anchor::fabtests
