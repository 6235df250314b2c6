// SPDX-License-Identifier: BSD-2-Clause
// fi_cancel: one error entry for one posted receive, and none for what is no longer there.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

void check_cancelled(const Entry& entry, const void* context, std::uint64_t kind) {
  CHECK_EQ(entry.error, FI_ECANCELED);
  CHECK_EQ(entry.context, context);
  CHECK_EQ(entry.flags & (FI_RECV | kind), FI_RECV | kind);
}

}  // namespace

TEST(cancel_posted_receives) {
  Node node(team);
  char places[2][100];
  for (char& place : places[0]) {
    node.submit([&] { return fi_trecv(node.ep(), &place, 1, nullptr, FI_ADDR_UNSPEC, 1, 0, &place); });
  }
  for (char& place : places[1]) {
    node.submit([&] { return fi_recv(node.ep(), &place, 1, nullptr, FI_ADDR_UNSPEC, &place); });
  }
  for (const std::size_t i : {50u, 0u, 99u, 1u}) {  // the middle, the ends
    CHECK_OK(fi_cancel(&node.ep()->fid, &places[0][i]));
    check_cancelled(node.await_receive_error(), &places[0][i], FI_TAGGED);
    CHECK_OK(fi_cancel(&node.ep()->fid, &places[1][i]));
    check_cancelled(node.await_receive_error(), &places[1][i], FI_MSG);
  }
}

// What is cancelled takes no message; the receive behind it does.
TEST(cancelled_receive_is_passed_over, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 1) {
    std::uint64_t first = 0, second = 0;
    node.submit([&] { return fi_trecv(node.ep(), &first, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, &first); });
    node.submit([&] { return fi_trecv(node.ep(), &second, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, &second); });
    CHECK_OK(fi_cancel(&node.ep()->fid, &first));
    check_cancelled(node.await_receive_error(), &first, FI_TAGGED);
    team.barrier();
    CHECK_EQ(node.await_receive().context, static_cast<void*>(&second));
    CHECK_EQ(second, 9u);
    CHECK_EQ(first, 0u);
  } else {
    team.barrier();
    const std::uint64_t number = 9;
    node.submit([&] { return fi_tinject(node.ep(), &number, sizeof(number), node.peer(1), 1); });
  }
  team.barrier();
}

TEST(cancel_unknown_context) {
  Node node(team);
  char byte = 0;
  node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, &byte); });
  const ssize_t rc = fi_cancel(&node.ep()->fid, &node);
  CHECK(rc == 0 || rc == -FI_ENOENT);
  CHECK(!node.happens_within(0.02, [&] { return !node.receives().empty(); }));
}

// Equal contexts: one receive for each call.
TEST(cancel_one_of_equal_contexts) {
  Node node(team);
  char bytes[3];
  for (char& byte : bytes) {
    node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, &node); });
  }
  for (int left = 3; left > 0; --left) {
    CHECK_OK(fi_cancel(&node.ep()->fid, &node));
    check_cancelled(node.await_receive_error(), &node, FI_MSG);
    CHECK(!node.happens_within(0.01, [&] { return !node.receives().empty(); }));
  }
}

// Races a message against the cancellation: exactly one of the two entries comes, and no message is lost.
TEST(cancel_races_with_arrival, .ranks = 2) {
  constexpr int kRounds = 300;
  Node node(team);
  node.introduce();
  Random random = team.random();
  int received = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (team.rank() == 0) {
      node.submit([&] { return fi_tinject(node.ep(), &i, sizeof(i), node.peer(1), 1); });
      continue;
    }
    int number = -1;
    node.submit([&] { return fi_trecv(node.ep(), &number, 4, nullptr, FI_ADDR_UNSPEC, 1, 0, &number); });
    for (std::uint64_t spins = random.below(200); spins > 0; --spins) node.progress();
    const ssize_t rc = fi_cancel(&node.ep()->fid, &number);
    CHECK(rc == 0 || rc == -FI_ENOENT);
    node.until("a completion or the cancellation", [&] { return !node.receives().empty(); });
    const Entry entry = node.receives().take();
    if (entry.error == 0) CHECK_EQ(number, received++);
  }
  if (team.rank() == 1) {
    while (received < kRounds) {
      int number = -1;
      node.submit([&] { return fi_trecv(node.ep(), &number, 4, nullptr, FI_ADDR_UNSPEC, 1, 0, &number); });
      node.await_receive();
      CHECK_EQ(number, received++);
    }
  }
  team.barrier();
}

}  // namespace anchor::fabtests
