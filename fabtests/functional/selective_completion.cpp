// SPDX-License-Identifier: BSD-2-Clause
// FI_SELECTIVE_COMPLETION: entries for those operations that ask, for none else, and for every error.
#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

const NodeOptions kSelective{.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV,
                             .transmit_bind = FI_SELECTIVE_COMPLETION,
                             .receive_bind = FI_SELECTIVE_COMPLETION};

// A message with this tag makes the receiver sure that all earlier ones are through.
constexpr std::uint64_t kMarker = 99;

ssize_t send_tag(Node& node, std::uint64_t tag, std::uint64_t flags) {
  return send_tagged_message(node.ep(), {.buffer = &tag, .size = 8, .to = node.peer(1), .tag = tag, .context = &node},
                             FI_INJECT | flags);
}

ssize_t receive_tag(Node& node, std::uint64_t* place, std::uint64_t tag, std::uint64_t flags) {
  return receive_tagged_message(node.ep(), {.buffer = place, .size = 8, .tag = tag, .context = place}, flags);
}

}  // namespace

TEST(selective_sends, .ranks = 2) {
  Node node(team, kSelective);
  node.introduce();
  if (team.rank() == 0) {
    std::uint64_t word = 1;
    node.submit([&] { return fi_tsend(node.ep(), &word, 8, nullptr, node.peer(1), 1, nullptr); });
    node.submit([&] { return send_tag(node, 2, 0); });
    node.submit([&] { return send_tag(node, kMarker, FI_COMPLETION); });
    CHECK_EQ(node.await_send().context, static_cast<void*>(&node));
    team.barrier();
    CHECK(node.sends().empty());
  } else {
    std::uint64_t place = 0;
    for (const std::uint64_t tag : {std::uint64_t{1}, std::uint64_t{2}, kMarker}) {
      node.submit([&] { return receive_tag(node, &place, tag, FI_COMPLETION); });
      CHECK_EQ(node.await_receive().tag, tag);
    }
    team.barrier();
  }
}

TEST(selective_receives, .ranks = 2) {
  Node node(team, kSelective);
  node.introduce();
  if (team.rank() == 1) {
    std::uint64_t places[3] = {};
    node.submit([&] { return fi_trecv(node.ep(), &places[0], 8, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.submit([&] { return receive_tag(node, &places[1], 2, 0); });
    node.submit([&] { return receive_tag(node, &places[2], kMarker, FI_COMPLETION); });
    team.barrier();
    CHECK_EQ(node.await_receive().context, static_cast<void*>(&places[2]));
    CHECK_EQ(places[0], 1u);
    CHECK_EQ(places[1], 2u);
    CHECK(node.receives().empty());
  } else {
    team.barrier();
    for (const std::uint64_t tag : {std::uint64_t{1}, std::uint64_t{2}, kMarker}) {
      node.submit([&] { return send_tag(node, tag, 0); });
    }
  }
  team.barrier();
}

TEST(selective_errors_are_always_reported, .ranks = 2, .anchor_only = true) {
  Node node(team, kSelective);
  node.introduce();
  if (team.rank() == 1) {
    char small[4];
    node.submit([&] { return fi_trecv(node.ep(), small, 4, nullptr, FI_ADDR_UNSPEC, 1, 0, small); });
    team.barrier();
    const Entry entry = node.await_receive_error();
    CHECK_EQ(entry.error, FI_ETRUNC);
    CHECK_EQ(entry.context, static_cast<void*>(small));
  } else {
    team.barrier();
    node.submit([&] { return send_tag(node, 1, 0); });
  }
  team.barrier();
}

// FI_COMPLETION as the endpoint's default: the plain calls give entries, the message forms say for themselves.
TEST(selective_with_default_flag, .ranks = 2, .anchor_only = true) {
  NodeOptions options = kSelective;
  options.transmit_flags = options.receive_flags = FI_COMPLETION;
  Node node(team, options);
  node.introduce();
  std::uint64_t word = 7;
  if (team.rank() == 0) {
    node.submit([&] { return send_tag(node, 1, 0); });
    node.submit([&] { return fi_tsend(node.ep(), &word, 8, nullptr, node.peer(1), 2, &word); });
    CHECK_EQ(node.await_send().context, static_cast<void*>(&word));
  } else {
    std::uint64_t silent = 0;
    node.submit([&] { return receive_tag(node, &silent, 1, 0); });
    node.submit([&] { return fi_trecv(node.ep(), &word, 8, nullptr, FI_ADDR_UNSPEC, 2, 0, &word); });
    CHECK_EQ(node.await_receive().context, static_cast<void*>(&word));
    CHECK_EQ(silent, 1u);
  }
  team.barrier();
  CHECK(node.sends().empty() && node.receives().empty());
}

// Without the binding flag every operation gives an entry, asked or not.
TEST(selective_not_bound, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    node.submit([&] { return send_tag(node, 1, 0); });
    node.await_send();
  } else {
    std::uint64_t place = 0;
    node.submit([&] { return receive_tag(node, &place, 1, 0); });
    node.await_receive();
  }
  team.barrier();
}

}  // namespace anchor::fabtests
