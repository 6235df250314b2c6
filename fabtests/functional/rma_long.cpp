// SPDX-License-Identifier: BSD-2-Clause
// Reads and writes so long that the target copies a part of them, if it is there.
#include <time.h>

#include "common/random.h"
#include "common/registry.h"
#include "exposed.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLongest = 3u << 20;
constexpr std::uint64_t kWritten = 5;  // tags
constexpr std::uint64_t kSeen = 6;

void stay_away(Random& random) {
  const timespec absence{0, static_cast<long>(random.below(1'000'000))};
  nanosleep(&absence, nullptr);
}

std::size_t some_length(Random& random) { return random.between(100'000, kLongest); }

void post_write(Node& node, Bytes& bytes) {
  node.submit([&] {
    return write_message(node.ep(), {bytes.data(), bytes.size(), node.peer(1), 0, 1}, FI_COMPLETION);
  });
}
void post_read(Node& node, Bytes& bytes) {
  node.submit([&] { return read_message(node.ep(), {bytes.data(), bytes.size(), node.peer(1), 0, 1}, FI_COMPLETION); });
}

// A message each way, so that both sides are connected.
void greet(Node& node, int other) {
  char in;
  node.submit([&] { return fi_trecv(node.ep(), &in, 1, nullptr, node.peer(other), kSeen, 0, nullptr); });
  node.submit([&] { return fi_tinject(node.ep(), "h", 1, node.peer(other), kSeen); });
  node.await_receive();
}

// Several that cover each other, a read between two writes; then a message, whose receiver must find the last one.
void initiate_rounds(Node& node, std::uint64_t rounds) {
  Random random(31);
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    Bytes first = patterned(some_length(random), 1000 + round), last = patterned(first.size(), round);
    Bytes between(first.size()), behind(first.size());
    post_write(node, first);
    post_read(node, between);
    post_write(node, last);
    post_read(node, behind);
    std::uint64_t said[2] = {round, last.size()};
    node.submit([&] { return fi_tinject(node.ep(), said, sizeof said, node.peer(1), kWritten); });
    for (int i = 0; i < 4; ++i) CHECK_EQ(node.await_send().error, 0);
    CHECK(between == first);
    CHECK(behind == last);
    std::uint64_t seen = 0;
    node.submit([&] { return fi_trecv(node.ep(), &seen, 8, nullptr, FI_ADDR_UNSPEC, kSeen, 0, nullptr); });
    node.await_receive();
    CHECK_EQ(seen, round);
  }
}

void attend_rounds(Node& node, const Exposed& exposed, std::uint64_t rounds, bool at_times) {
  Random random(32);
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    std::uint64_t said[2] = {};
    node.submit([&] { return fi_trecv(node.ep(), said, sizeof said, nullptr, FI_ADDR_UNSPEC, kWritten, 0, nullptr); });
    node.until("the round's message", [&] {
      if (at_times && random.one_in(30)) stay_away(random);
      node.progress();
      return !node.receives().empty();
    });
    node.await_receive();
    CHECK_EQ(said[0], round);
    REQUIRE(said[1] <= kLongest);
    const Bytes wanted = patterned(said[1], round);
    CHECK(std::equal(wanted.begin(), wanted.end(), exposed.memory.begin()));
    node.submit([&] { return fi_tinject(node.ep(), &round, 8, node.peer(0), kSeen); });
  }
}

void play_rounds(Team& team, std::uint64_t rounds, bool at_times) {
  Node node(team, rma_options());
  const Exposed exposed(node, kLongest, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    initiate_rounds(node, rounds);
  } else {
    attend_rounds(node, exposed, rounds, at_times);
  }
  team.barrier();
}

}  // namespace

TEST(rma_long_target_attends, .ranks = 2, .seconds = 90, .anchor_only = true) { play_rounds(team, 150, false); }
TEST(rma_long_target_comes_and_goes, .ranks = 2, .seconds = 90, .anchor_only = true) { play_rounds(team, 150, true); }
TEST_AGAIN(rma_long_through_fifo, rma_long_target_comes_and_goes, .ranks = 2, .seconds = 90, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// Having attended, so that it is asked to copy its part, it never comes.
TEST(rma_long_target_sleeps, .ranks = 2, .seconds = 90, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kLongest, 1);
  node.introduce();
  greet(node, 1 - team.rank());
  team.barrier();
  if (team.rank() == 1) {
    node.rest(true);
    team.tell(0, "asleep");
    team.hear(0);
    CHECK(exposed.memory == patterned(kLongest, 20));
    node.rest(false);
  } else {
    team.hear(1);
    for (std::uint64_t i = 1; i <= 20; ++i) {
      Bytes bytes = patterned(kLongest, i), back(kLongest);
      post_write(node, bytes);
      post_read(node, back);
      for (int k = 0; k < 2; ++k) CHECK_EQ(node.await_send().error, 0);
      CHECK(back == bytes);
    }
    team.tell(1, "written");
  }
  team.barrier();
}

// What waits to be moved with others, or is being copied by both, is there when the endpoint has been closed.
TEST(rma_long_close, .ranks = 2, .seconds = 90, .anchor_only = true, .shm_only = true) {
  constexpr std::size_t kPart = 16'384;
  Node node(team, rma_options());
  const Exposed exposed(node, kLongest, 1);
  node.introduce();
  greet(node, 1 - team.rank());
  team.barrier();
  const Bytes parts = patterned(3 * kPart, 1), rest = patterned(kLongest - 3 * kPart, 2);
  const auto write = [&](const std::byte* from, std::size_t size, std::uint64_t to) {
    void* bytes = const_cast<std::byte*>(from);
    node.submit([&] { return write_message(node.ep(), {bytes, size, node.peer(1), to, 1}, FI_COMPLETION); });
  };
  if (team.rank() == 0) {
    for (std::size_t i = 0; i < 3; ++i) write(parts.data() + i * kPart, kPart, i * kPart);
    write(rest.data(), rest.size(), 3 * kPart);
    node.close_endpoint();
    team.tell(1, "closed");
    return;
  }
  node.rest(true);
  team.hear(0);
  CHECK(std::equal(parts.begin(), parts.end(), exposed.memory.begin()));
  CHECK(std::equal(rest.begin(), rest.end(), exposed.memory.begin() + 3 * kPart));
}

// Either dies in the midst of it.
TEST(rma_long_target_dies, .ranks = 2, .seconds = 90, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, rma_options());
  const Exposed exposed(node, kLongest, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 1) {
    team.tell(0, own_pid());
    for (;;) node.progress();
  }
  const pid_t victim = pid_from(team.hear_text(1));
  std::vector<Bytes> buffers(16, Bytes(kLongest));
  for (int i = 0; i < 100; ++i) {
    post_write(node, buffers[0]);
    node.await_send();
  }
  for (std::size_t i = 0; i < buffers.size(); ++i)
    i % 2 == 0 ? post_write(node, buffers[i]) : post_read(node, buffers[i]);
  node.progress();
  kill_and_collect(node, victim, buffers.size(), 0);
}

TEST(rma_long_initiator_dies, .ranks = 2, .seconds = 90, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kLongest, 1);
  node.introduce();
  const std::vector<RemoteStart> starts = exposed.introduce(team);
  team.barrier();
  if (team.rank() == 1) {
    team.tell(0, own_pid());
    std::vector<Bytes> buffers(8, Bytes(kLongest));
    for (;;) {
      for (Bytes& bytes : buffers)
        node.submit([&] {
          return write_message(node.ep(), {bytes.data(), bytes.size(), node.peer(0), starts[0].address, starts[0].key},
                               FI_COMPLETION);
        });
      for (std::size_t i = 0; i < buffers.size(); ++i) node.await_send();
    }
  }
  const pid_t victim = pid_from(team.hear_text(1));
  for (int i = 0; i < 20'000; ++i) node.progress();
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(60);
  while (clock.elapsed() < kNoticeSeconds) node.progress();
  exposed.mr.reset();  // nobody is at it any more
  Bytes own(100);
  const Exposed other(node, 100, 2);
  CHECK(other.memory[0] == kUntouched);
}

}  // namespace anchor::fabtests
