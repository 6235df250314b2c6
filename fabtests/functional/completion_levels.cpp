// SPDX-License-Identifier: BSD-2-Clause
// When a send is complete: FI_INJECT_COMPLETE, FI_TRANSMIT_COMPLETE, FI_DELIVERY_COMPLETE, FI_MATCH_COMPLETE,
// FI_INJECT, and FI_MORE.
#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSizes[] = {0, 8, 150, 4000, 100000, 2000000};
constexpr double kLongEnough = 0.05;  // seconds in which an early completion would have come

using Submit = std::function<ssize_t(const Bytes&)>;

// The receiver posts nothing until told. Then the sender's completion, once seen, means that the data are there: the
// receiver verifies them before it takes its own completion.
void send_and_tell(Node& node, Team& team, const Submit& submit, bool must_wait) {
  for (const std::size_t size : kSizes) {
    const Bytes message = patterned(size, size);
    node.submit([&] { return submit(message); });
    if (must_wait) CHECK(!node.happens_within(kLongEnough, [&] { return !node.sends().empty(); }));
    team.tell(1, "post it");
    node.await_send();
    team.tell(1, "it is there");
    team.barrier();
  }
}

void post_and_verify(Node& node, Team& team, bool delivered) {
  for (const std::size_t size : kSizes) {
    Bytes buffer(size);
    team.hear(0);
    node.submit([&] { return fi_trecv(node.ep(), buffer.data(), size, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    team.hear(0);
    if (delivered) check_pattern(buffer.data(), size, size);
    node.await_receive();
    check_pattern(buffer.data(), size, size);
    team.barrier();
  }
}

void delivered(Team& team, const NodeOptions& options, const std::function<ssize_t(Node&, const Bytes&)>& submit) {
  Node node(team, options);
  node.introduce();
  if (team.rank() == 0) {
    send_and_tell(
        node, team, [&](const Bytes& m) { return submit(node, m); }, true);
  } else {
    post_and_verify(node, team, true);
  }
}

ssize_t send_flagged(Node& node, const Bytes& m, std::uint64_t flags) {
  return send_tagged_message(node.ep(), {.buffer = m.data(), .size = m.size(), .to = node.peer(1), .tag = 1},
                             FI_COMPLETION | flags);
}

}  // namespace

TEST(completion_delivery_by_flag, .ranks = 2) {
  delivered(team, {}, [](Node& node, const Bytes& m) { return send_flagged(node, m, FI_DELIVERY_COMPLETE); });
}

TEST_AGAIN(completion_delivery_by_copying, completion_delivery_by_flag, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});

TEST(completion_delivery_by_default, .ranks = 2, .anchor_only = true) {
  delivered(team, {.transmit_flags = FI_DELIVERY_COMPLETE}, [](Node& node, const Bytes& m) {
    return fi_tsend(node.ep(), m.data(), m.size(), nullptr, node.peer(1), 1, nullptr);
  });
}

// Refused, or as late as the match.
TEST(completion_match_is_right_or_refused, .ranks = 2, .anchor_only = true) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    const ssize_t rc = send_flagged(node, {}, FI_MATCH_COMPLETE);
    if (rc == 0) CHECK(!node.happens_within(kLongEnough, [&] { return !node.sends().empty(); }));
    team.tell(1, rc == 0 ? "accepted" : "refused");
    if (rc == 0) node.await_send();
  } else if (team.hear_text(0) == "accepted") {
    node.submit([&] { return fi_trecv(node.ep(), nullptr, 0, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.await_receive();
  }
  team.barrier();
}

TEST(completion_transmit, .ranks = 2) {
  for (const std::uint64_t level : {FI_TRANSMIT_COMPLETE, FI_INJECT_COMPLETE}) {
    Node node(team);
    node.introduce();
    if (team.rank() == 0) {
      send_and_tell(
          node, team, [&](const Bytes& m) { return send_flagged(node, m, level); }, false);
    } else {
      post_and_verify(node, team, false);
    }
  }
}

// An injected short message completes without its receiver's doing anything.
TEST(completion_inject_does_not_wait_for_the_receiver, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < 10; ++i) {
      Bytes message = patterned(100, i);
      node.submit([&] { return send_flagged(node, message, FI_INJECT); });
      message.assign(100, std::byte{0});  // ours again
      node.await_send();
    }
    team.barrier();
  } else {
    team.barrier();
    for (std::uint64_t i = 0; i < 10; ++i) {
      Bytes buffer(100);
      node.submit([&] { return fi_trecv(node.ep(), buffer.data(), 100, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      node.await_receive();
      check_pattern(buffer.data(), 100, i);
    }
  }
  team.barrier();
}

// A delivery-complete injection: the buffer is free at once, the completion is late.
TEST(completion_inject_with_delivery, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    Bytes message = patterned(64, 3);
    node.submit([&] { return send_flagged(node, message, FI_INJECT | FI_DELIVERY_COMPLETE); });
    message.assign(64, std::byte{0});
    CHECK(!node.happens_within(kLongEnough, [&] { return !node.sends().empty(); }));
    team.barrier();
    node.await_send();
  } else {
    Bytes buffer(64);
    team.barrier();
    node.submit([&] { return fi_trecv(node.ep(), buffer.data(), 64, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.await_receive();
    check_pattern(buffer.data(), 64, 3);
  }
  team.barrier();
}

// Runs of FI_MORE, each ended by one without: order and content as if it were not there.
TEST(completion_more, .ranks = 2) {
  constexpr std::uint64_t kMessages = 500;
  Node node(team);
  node.introduce();
  Random random(team.seed());
  std::vector<Bytes> messages;
  for (std::uint64_t i = 0; i < kMessages; ++i) messages.push_back(patterned(random.below(6000), i));
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const std::uint64_t more = i + 1 == kMessages || random.one_in(10) ? 0 : FI_MORE;
      node.submit([&] { return send_flagged(node, messages[i], more); });
    }
    for (std::uint64_t i = 0; i < kMessages; ++i) node.await_send();
  } else {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      Bytes buffer(6000);
      node.submit([&] { return fi_trecv(node.ep(), buffer.data(), 6000, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      CHECK_EQ(node.await_receive().length, messages[i].size());
      check_pattern(buffer.data(), messages[i].size(), i);
    }
  }
  team.barrier();
}

// The last of a run may be refused or injected; what FI_MORE held back must leave all the same.
TEST(completion_more_then_inject, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    const Bytes first = patterned(20, 1);
    node.submit([&] { return send_flagged(node, first, FI_MORE); });
    node.submit([&] { return fi_tinject(node.ep(), first.data(), 20, node.peer(1), 1); });
    node.await_send();
  } else {
    char buffer[20];
    for (int i = 0; i < 2; ++i) {
      node.submit([&] { return fi_trecv(node.ep(), buffer, 20, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      CHECK_EQ(node.await_receive().length, 20u);
    }
  }
  team.barrier();
}

}  // namespace anchor::fabtests
