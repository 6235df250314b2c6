// SPDX-License-Identifier: BSD-2-Clause
// Peers that start late, at once, or never.
#include <set>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSizes[] = {0, 8, 100, 5000, 1000000};

// The same in all ranks.
int services_of(Team& team) { return std::stoi(to_text(team.gather(to_bytes(std::to_string(first_service())))[0])); }

NodeOptions named(int service) {
  NodeOptions options;
  options.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV;
  options.host = kThisHost;
  options.service = std::to_string(service);
  return options;
}

Bytes address_at(int service) { return address_of(kThisHost, std::to_string(service)); }

std::vector<Bytes> all_messages() {
  std::vector<Bytes> messages;
  for (const std::size_t size : kSizes) messages.push_back(patterned(size, size));
  return messages;
}

void submit_all(Node& node, const std::vector<Bytes>& messages, fi_addr_t to) {
  for (const Bytes& m : messages) {
    node.submit([&] { return fi_tsend(node.ep(), m.data(), m.size(), nullptr, to, m.size(), nullptr); });
  }
}

void await_sends(Node& node) {
  for (std::size_t i = 0; i < std::size(kSizes); ++i) node.await_send();
}

void post_all(Node& node, std::vector<Bytes>& buffers, fi_addr_t from) {
  for (const std::size_t size : kSizes) buffers.emplace_back(size);
  for (Bytes& b : buffers) {
    node.submit([&] { return fi_trecv(node.ep(), b.data(), b.size(), nullptr, from, b.size(), 0, nullptr); });
  }
}

void await_receives(Node& node, const std::vector<Bytes>& buffers) {
  for (std::size_t i = 0; i < buffers.size(); ++i) node.await_receive();
  for (const Bytes& b : buffers) check_pattern(b.data(), b.size(), b.size());
}

bool means_unreachable(int error) {
  static const std::set<int> errors = {FI_ECONNREFUSED, FI_ETIMEDOUT, FI_EHOSTUNREACH, FI_ENOTCONN, FI_ECONNABORTED};
  return errors.count(error) == 1;
}

}  // namespace

// What was sent before the peer existed arrives once it does.
TEST(start_sender_first, .ranks = 2, .anchor_only = true) {
  const int first = services_of(team);
  if (team.rank() == 0) {
    Node node(team, named(first + 1));
    const std::vector<Bytes> messages = all_messages();
    submit_all(node, messages, node.insert(address_at(first + 2)));
    CHECK(!node.happens_within(0.5, [&] { return node.sends().size() == messages.size(); }));  // nobody is there
    team.tell(1, "start");
    await_sends(node);
    team.barrier();
  } else {
    team.hear(0);
    Node node(team, named(first + 2));
    std::vector<Bytes> buffers;
    post_all(node, buffers, FI_ADDR_UNSPEC);
    await_receives(node, buffers);
    team.barrier();
  }
}

// Directed receives wait for a sender that does not exist yet.
TEST(start_receiver_first, .ranks = 2, .anchor_only = true) {
  const int first = services_of(team);
  if (team.rank() == 0) {
    Node node(team, named(first + 1));
    std::vector<Bytes> buffers;
    post_all(node, buffers, node.insert(address_at(first + 2)));
    team.tell(1, "start");
    await_receives(node, buffers);
    team.barrier();
  } else {
    team.hear(0);
    Node node(team, named(first + 2));
    const std::vector<Bytes> messages = all_messages();
    submit_all(node, messages, node.insert(address_at(first + 1)));
    await_sends(node);
    team.barrier();
  }
}

// Both come up and send their first messages at the same time, again and again.
TEST(start_both_at_once, .ranks = 2, .anchor_only = true) {
  const int first = services_of(team);
  for (int round = 0; round < 20; ++round) {
    team.barrier();
    Node node(team, named(first + 2 * round + team.rank()));
    const fi_addr_t other = node.insert(address_at(first + 2 * round + 1 - team.rank()));
    const std::vector<Bytes> messages = all_messages();
    std::vector<Bytes> buffers;
    submit_all(node, messages, other);
    post_all(node, buffers, other);
    await_receives(node, buffers);
    await_sends(node);
    team.barrier();
  }
}

TEST(start_all_at_once, .ranks = 8, .seconds = 30) {
  Node node(team);
  node.introduce();
  std::uint64_t in[8];
  const auto own = static_cast<std::uint64_t>(team.rank());
  for (std::uint64_t& place : in) {
    node.submit([&] { return fi_recv(node.ep(), &place, 8, nullptr, FI_ADDR_UNSPEC, &place); });
  }
  for (int to = 0; to < team.size(); ++to) {
    node.submit([&] { return fi_inject(node.ep(), &own, 8, node.peer(to)); });
  }
  std::set<std::uint64_t> seen;
  for (int i = 0; i < team.size(); ++i) seen.insert(*static_cast<std::uint64_t*>(node.await_receive().context));
  CHECK_EQ(seen.size(), 8u);
  team.barrier();
}

// Nobody ever starts: each operation completes in error once the time is over, and not before.
TEST(start_never, .anchor_only = true, .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=400"}) {
  Node node(team, named(first_service()));
  const std::vector<Bytes> messages = all_messages();
  const fi_addr_t nobody = node.insert(address_at(first_service() + 99));
  const Deadline clock(60);
  submit_all(node, messages, nobody);
  node.submit([&] { return fi_tinject(node.ep(), "x", 1, nobody, 0); });  // its failure is told, too
  for (std::size_t i = 0; i < messages.size() + 1; ++i) {
    const Entry entry = node.await_send_error(5);
    CHECK(means_unreachable(entry.error));
    CHECK(clock.elapsed() >= 0.3);
  }
  CHECK(clock.elapsed() < 3 * time_scale());
}

// Meanwhile others are served, and the address is good for another attempt.
TEST(start_never_then_late, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=300"}) {
  const int first = services_of(team);
  if (team.rank() == 0) {
    Node node(team, named(first + 1));
    const fi_addr_t self = node.insert(node.name());
    const fi_addr_t late = node.insert(address_at(first + 2));
    node.submit([&] { return fi_tsend(node.ep(), "early", 5, nullptr, late, 1, nullptr); });
    char text[5];
    for (int i = 0; i < 50; ++i) {
      node.submit([&] { return fi_trecv(node.ep(), text, 5, nullptr, FI_ADDR_UNSPEC, 2, 0, nullptr); });
      node.submit([&] { return fi_tinject(node.ep(), "local", 5, self, 2); });
      node.await_receive();
    }
    CHECK(means_unreachable(node.await_send_error(5).error));
    team.tell(1, "start");
    team.hear(1);
    node.submit([&] { return fi_tsend(node.ep(), "again", 5, nullptr, late, 1, nullptr); });
    node.await_send();
    team.barrier();
  } else {
    team.hear(0);
    Node node(team, named(first + 2));
    team.tell(0, "started");
    char text[5];
    node.submit([&] { return fi_trecv(node.ep(), text, 5, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.await_receive();
    CHECK_EQ(std::string(text, 5), "again");
    team.barrier();
  }
}

// Closing does not wait for peers that never came.
TEST(start_close_with_unsendable_messages, .anchor_only = true) {
  const Deadline clock(60);
  {
    Node node(team);
    const fi_addr_t nobody = node.insert(address_at(first_service() + 99));
    for (int i = 0; i < 100; ++i) node.submit([&] { return fi_tinject(node.ep(), "x", 1, nobody, 0); });
  }
  CHECK(clock.elapsed() < 10 * time_scale());
}

}  // namespace anchor::fabtests
