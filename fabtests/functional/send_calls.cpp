// SPDX-License-Identifier: BSD-2-Clause
// Each of the fourteen ways to send meets each of the ways to receive, with small, medium and empty messages, posted
// before and after the message came. What the completions say is checked at both ends.
#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kTag = 0xFEDCBA9876543210ull;   // all 64 bits count
constexpr std::uint64_t kData = 0x8877665544332211ull;  // all 8 bytes count
constexpr std::byte kUntouched{0xA5};

struct Case {
  const SendCall& send;
  const ReceiveCall& receive;
  std::size_t size;
  std::uint64_t seed;
};

void check_send_entry(const Entry& entry, const Case& c, const void* context) {
  CHECK_EQ(entry.context, context);
  CHECK_EQ(entry.flags & (FI_SEND | FI_RECV), FI_SEND);
  CHECK_EQ(entry.flags & (FI_MSG | FI_TAGGED), c.send.tagged ? FI_TAGGED : FI_MSG);
}

void send_one(Node& node, const Case& c, Team& team, bool late) {
  Bytes message = patterned(c.size, c.seed);
  int context = 0;
  const Outgoing out{message.data(), message.size(), node.peer(1), kTag, kData, &context};
  node.submit([&] { return c.send.call(node.ep(), out); });
  if (c.send.inject) message.assign(message.size(), std::byte{0});  // the buffer is ours again at once
  if (late) team.barrier();
  if (!c.send.inject) check_send_entry(node.await_send(), c, &context);
}

void check_receive_entry(const Entry& entry, const Case& c, const void* context) {
  CHECK_EQ(entry.context, context);
  CHECK_EQ(entry.length, c.size);
  CHECK_EQ(entry.flags & (FI_SEND | FI_RECV), FI_RECV);
  CHECK_EQ(entry.flags & (FI_MSG | FI_TAGGED), c.send.tagged ? FI_TAGGED : FI_MSG);
  CHECK_EQ(entry.flags & FI_REMOTE_CQ_DATA, c.send.data ? FI_REMOTE_CQ_DATA : 0);
  if (c.send.data) CHECK_EQ(entry.data, kData);
  if (c.send.tagged) CHECK_EQ(entry.tag, kTag);
}

void receive_one(Node& node, const Case& c, Team& team, bool late) {
  constexpr std::size_t kSpare = 16;
  Bytes buffer(c.size + kSpare, kUntouched);
  int context = 0;
  const Incoming in{buffer.data(), buffer.size(), FI_ADDR_UNSPEC, kTag, 0, &context};
  if (late) team.barrier();
  node.submit([&] { return c.receive.call(node.ep(), in); });
  if (!late) team.barrier();
  check_receive_entry(node.await_receive(), c, &context);
  check_pattern(buffer.data(), c.size, c.seed);
  check_untouched(buffer.data() + c.size, kSpare, kUntouched);
}

// Early: the sender waits until the receive is posted. Late: the receiver waits until the message was submitted.
void exchange(Node& node, const Case& c, Team& team, bool late) {
  const int before = failure_count();
  if (team.rank() == 1) {
    receive_one(node, c, team, late);
  } else {
    if (!late) team.barrier();
    send_one(node, c, team, late);
  }
  if (failure_count() > before) {
    note_failure(FABTESTS_PLACE, std::string("that was ") + c.send.name + " to " + c.receive.name + ", " +
                                     std::to_string(c.size) + " bytes" + (late ? ", unexpected" : ", expected"));
  }
}

void exchange_all(Team& team, bool tagged) {
  Node node(team);
  node.introduce();
  std::uint64_t seed = team.seed();
  for (const SendCall& send : send_calls()) {
    for (const ReceiveCall& receive : receive_calls()) {
      if (send.tagged != tagged || receive.tagged != tagged) continue;
      const std::size_t largest = send.inject ? node.info()->tx_attr->inject_size : 5000;
      for (const std::size_t size : {std::size_t{0}, std::size_t{33}, largest}) {
        exchange(node, {send, receive, size, ++seed}, team, false);
        exchange(node, {send, receive, size, ++seed}, team, true);
      }
    }
  }
  team.barrier();
  CHECK(node.sends().empty());  // no entry for an injected message
  CHECK(node.receives().empty());
}

}  // namespace

TEST(calls_untagged, .ranks = 2) { exchange_all(team, false); }

TEST(calls_tagged, .ranks = 2) { exchange_all(team, true); }

// Tagged and untagged messages do not match each other's receives.
TEST(calls_tagged_and_untagged_are_apart, .ranks = 2) {
  Node node(team);
  node.introduce();
  char first[8] = {}, second[8] = {};
  if (team.rank() == 1) {
    node.submit([&] { return fi_trecv(node.ep(), first, 8, nullptr, FI_ADDR_UNSPEC, 0, ~0ull, first); });
    node.submit([&] { return fi_recv(node.ep(), second, 8, nullptr, FI_ADDR_UNSPEC, second); });
  }
  team.barrier();
  if (team.rank() == 0) {
    node.submit([&] { return fi_inject(node.ep(), "plain", 6, node.peer(1)); });
    node.submit([&] { return fi_tinject(node.ep(), "tagged", 7, node.peer(1), 9); });
  } else {
    node.await_receive();
    node.await_receive();
    CHECK_EQ(std::string(first), "tagged");
    CHECK_EQ(std::string(second), "plain");
  }
  team.barrier();
}

}  // namespace anchor::fabtests
