// SPDX-License-Identifier: BSD-2-Clause
// Endpoints closed and opened again under the same name, and what becomes of those who talk to them.
#include <array>

#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

NodeOptions named(int service) {
  NodeOptions options;
  options.host = kThisHost;
  options.service = std::to_string(service);
  return options;
}

// Sends with delivery completion until one gets through. A message that met the closed endpoint may fail, promptly.
void send_until_delivered(Node& node, fi_addr_t to, const Bytes& message, std::uint64_t tag) {
  const Outgoing out{.buffer = message.data(), .size = message.size(), .to = to, .tag = tag};
  for (int attempt = 0; attempt < 3; ++attempt) {
    node.submit([&] { return send_tagged_message(node.ep(), out, FI_COMPLETION | FI_DELIVERY_COMPLETE); });
    node.until(
        "the delivery or its failure", [&] { return !node.sends().empty(); }, 5);
    if (node.sends().take().error == 0) return;
  }
  note_failure(FABTESTS_PLACE, "three sends in a row failed after the peer was opened again");
  abandon();
}

void serve_rounds(Team& team, int first, int rounds, std::size_t size) {
  for (int round = 0; round < rounds; ++round) {
    Node node(team, named(first + 1));
    Bytes buffer(size);
    node.submit([&] {
      return fi_trecv(node.ep(), buffer.data(), size, nullptr, FI_ADDR_UNSPEC, static_cast<std::uint64_t>(round), 0,
                      nullptr);
    });
    team.tell(0, "open");
    node.await_receive();
    check_pattern(buffer.data(), size, static_cast<std::uint64_t>(round));
    team.hear(0);  // delivered: the acknowledgement got out, too
  }
}

void call_rounds(Team& team, int first, int rounds, std::size_t size) {
  Node node(team, named(first));
  const fi_addr_t peer = node.insert(address_of(kThisHost, std::to_string(first + 1)));
  for (int round = 0; round < rounds; ++round) {
    team.hear(1);
    const auto tag = static_cast<std::uint64_t>(round);
    send_until_delivered(node, peer, patterned(size, tag), tag);
    team.tell(1, "close");
  }
}

void reopen_rounds(Team& team, int rounds, std::size_t size) {
  const int first = std::stoi(to_text(team.gather(to_bytes(std::to_string(first_service())))[0]));
  if (team.rank() == 0) {
    call_rounds(team, first, rounds, size);
  } else {
    serve_rounds(team, first, rounds, size);
  }
  team.barrier();
}

}  // namespace

TEST(reopen_same_name_small, .ranks = 2, .anchor_only = true) { reopen_rounds(team, 30, 100); }

TEST(reopen_same_name_large, .ranks = 2, .anchor_only = true) { reopen_rounds(team, 10, 1000000); }

// In one process, talking to itself each time.
TEST(reopen_in_one_process, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Bytes name;
  for (int round = 0; round < 50; ++round) {
    Node node(team, open, named(first_service()));
    if (round == 0) name = node.name();
    CHECK(node.name() == name);
    const fi_addr_t self = node.insert(node.name());
    std::uint64_t number = 0;
    const auto want = static_cast<std::uint64_t>(round);
    node.submit([&] { return fi_recv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, nullptr); });
    node.submit([&] { return fi_inject(node.ep(), &want, 8, self); });
    node.await_receive();
    CHECK_EQ(number, want);
  }
}

// Messages injected just before closing are the peer's all the same. Each round's come from an endpoint of its own, so
// there is an order among them, but none between rounds.
TEST(reopen_close_right_after_injecting, .ranks = 2, .anchor_only = true) {
  constexpr std::uint64_t kRounds = 20;
  constexpr std::uint64_t kMessages = 50;
  if (team.rank() == 0) {
    Node node(team);
    team.gather(node.name());
    std::array<std::uint64_t, kRounds> received{};
    for (std::uint64_t i = 0; i < kRounds * kMessages; ++i) {
      std::uint64_t number = ~0ull;
      node.submit([&] { return fi_recv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, nullptr); });
      node.await_receive();
      REQUIRE(number / kMessages < kRounds);
      CHECK_EQ(number % kMessages, received[number / kMessages]++);
    }
    team.barrier();
    return;
  }
  const Bytes name = team.gather({})[0];
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    Node node(team);
    const fi_addr_t peer = node.insert(name);
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const std::uint64_t number = round * kMessages + i;
      node.submit([&] { return fi_inject(node.ep(), &number, 8, peer); });
    }
  }
  team.barrier();
}

// The peer closes in order with our operations outstanding: they end in errors, promptly, as with a dead peer.
TEST(reopen_peer_closes_under_way, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV});
  node.introduce();
  if (team.rank() == 1) {
    char byte;
    node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, node.peer(0), nullptr); });
    node.await_receive();
    node.submit([&] { return fi_inject(node.ep(), "y", 1, node.peer(0)); });
    team.hear(0);
    node.close_endpoint();
    team.barrier();
    return;
  }
  char byte;
  node.submit([&] { return fi_inject(node.ep(), "x", 1, node.peer(1)); });
  node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, node.peer(1), nullptr); });
  node.await_receive();
  const Bytes large = patterned(3000000, 1);
  node.submit([&] { return fi_tsend(node.ep(), large.data(), large.size(), nullptr, node.peer(1), 1, nullptr); });
  node.submit([&] { return fi_trecv(node.ep(), &byte, 1, nullptr, node.peer(1), 1, 0, nullptr); });
  team.tell(1, "close");
  const Deadline clock(60);
  node.await_send_error(5);
  node.await_receive_error(5);
  CHECK(clock.elapsed() < 1 * time_scale());
  team.barrier();
}

}  // namespace anchor::fabtests
