// SPDX-License-Identifier: BSD-2-Clause
// FI_PEEK, FI_CLAIM, FI_DISCARD (MPI's probe and matched probe).
#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kData = 0x1122334455667788ull;
// Within the slot, in the payload area, announced only.
constexpr std::size_t kSizes[] = {0, 20, 3000, 500000};

struct Probe {
  std::uint64_t tag = 0;
  std::uint64_t ignore = 0;
  fi_addr_t from = FI_ADDR_UNSPEC;
};

void post_peek(Node& node, const Probe& probe, std::uint64_t flags, fi_context* context) {
  const Incoming nothing{nullptr, 0, probe.from, probe.tag, probe.ignore, context};
  node.submit([&] { return receive_tagged_message(node.ep(), nothing, FI_PEEK | FI_COMPLETION | flags); });
}

// Peeks until the message has come. The entry is checked to be of this very peek.
Entry peek_until_found(Node& node, const Probe& probe, std::uint64_t flags, fi_context* context) {
  Entry entry;
  node.until("the message to be seen", [&] {
    post_peek(node, probe, flags, context);
    node.until("the peek's result", [&] { return !node.receives().empty(); });
    entry = node.receives().take();
    CHECK_EQ(entry.context, static_cast<void*>(context));
    if (entry.error != 0) CHECK_EQ(entry.error, FI_ENOMSG);
    return entry.error == 0;
  });
  return entry;
}

void check_seen(const Entry& entry, std::size_t size, std::uint64_t tag) {
  CHECK_EQ(entry.length, size);
  CHECK_EQ(entry.tag, tag);
  CHECK_EQ(entry.data, kData);
  CHECK_EQ(entry.flags & (FI_TAGGED | FI_RECV | FI_REMOTE_CQ_DATA), FI_TAGGED | FI_RECV | FI_REMOTE_CQ_DATA);
}

void receive_claimed(Node& node, Bytes& buffer, fi_context* context) {
  const Incoming in{buffer.data(), buffer.size(), FI_ADDR_UNSPEC, 0, 0, context};
  node.submit([&] { return receive_tagged_message(node.ep(), in, FI_CLAIM | FI_COMPLETION); });
  const Entry entry = node.await_receive();
  CHECK_EQ(entry.context, static_cast<void*>(context));
  CHECK_EQ(entry.length, buffer.size());
}

void send_sizes(Node& node, Team& team) {
  std::vector<Bytes> messages;
  for (const std::size_t size : kSizes) messages.push_back(patterned(size, size));
  for (const Bytes& m : messages) {
    node.submit([&] {
      return fi_tsenddata(node.ep(), m.data(), m.size(), nullptr, kData, node.peer(1), m.size() + 1, nullptr);
    });
  }
  for (std::size_t i = 0; i < messages.size(); ++i) node.await_send();
  team.barrier();
}

}  // namespace

TEST(peek_finds_nothing) {
  Node node(team);
  fi_context context;
  for (const std::uint64_t flags : {0ull, FI_CLAIM, FI_DISCARD}) {
    post_peek(node, {.tag = 3}, flags, &context);
    const Entry entry = node.await_receive_error();
    CHECK_EQ(entry.error, FI_ENOMSG);
    CHECK_EQ(entry.context, static_cast<void*>(&context));
  }
}

TEST(peek_leaves_the_message, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) return send_sizes(node, team);
  for (const std::size_t size : kSizes) {
    fi_context context;
    for (int i = 0; i < 3; ++i) check_seen(peek_until_found(node, {.tag = size + 1}, 0, &context), size, size + 1);
    Bytes buffer(size);
    node.submit(
        [&] { return fi_trecv(node.ep(), buffer.data(), size, nullptr, FI_ADDR_UNSPEC, size + 1, 0, nullptr); });
    CHECK_EQ(node.await_receive().length, size);
    check_pattern(buffer.data(), size, size);
  }
  team.barrier();
}

TEST(peek_with_wildcards_sees_the_first, .ranks = 2) {
  Node node(team, {.caps = FI_TAGGED | FI_SOURCE | FI_DIRECTED_RECV});
  node.introduce();
  if (team.rank() == 0) return send_sizes(node, team);
  fi_context context;
  const Entry entry = peek_until_found(node, {.ignore = ~0ull}, 0, &context);
  check_seen(entry, kSizes[0], 1);
  CHECK_EQ(entry.source, node.peer(0));
  peek_until_found(node, {.ignore = ~0ull, .from = node.peer(0)}, 0, &context);
  for (const std::size_t size : kSizes) {
    CHECK_EQ(peek_until_found(node, {.ignore = ~0ull}, FI_DISCARD, &context).length, size);
  }
  team.barrier();
}

// Once claimed a message is out of everybody else's reach.
TEST(peek_and_claim, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) return send_sizes(node, team);
  for (const std::size_t size : kSizes) {
    fi_context claim, other;
    check_seen(peek_until_found(node, {.tag = size + 1}, FI_CLAIM, &claim), size, size + 1);
    post_peek(node, {.tag = size + 1}, 0, &other);
    CHECK_EQ(node.await_receive_error().error, FI_ENOMSG);
    Bytes buffer(size);
    receive_claimed(node, buffer, &claim);
    check_pattern(buffer.data(), size, size);
  }
  team.barrier();
}

// Several claimed at once, received in the opposite order.
TEST(peek_claims_several, .ranks = 2) {
  constexpr int kMessages = 50;
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      node.submit([&] { return fi_tinject(node.ep(), &i, sizeof(i), node.peer(1), 1); });
    }
    team.barrier();
    return;
  }
  std::vector<fi_context> claims(kMessages);
  for (fi_context& claim : claims) peek_until_found(node, {.tag = 1}, FI_CLAIM, &claim);
  for (std::size_t i = kMessages; i-- > 0;) {
    std::uint64_t number = ~0ull;
    const Incoming in{&number, sizeof(number), FI_ADDR_UNSPEC, 1, 0, &claims[i]};
    node.submit([&] { return receive_tagged_message(node.ep(), in, FI_CLAIM | FI_COMPLETION); });
    node.await_receive();
    CHECK_EQ(number, i);
  }
  team.barrier();
}

// Discarded, by peek or after a claim, the message is gone and its sender's operation is complete.
TEST(peek_discards, .ranks = 2) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    send_sizes(node, team);
    send_sizes(node, team);
    return;
  }
  fi_context context;
  for (const std::size_t size : kSizes) {
    check_seen(peek_until_found(node, {.tag = size + 1}, FI_DISCARD, &context), size, size + 1);
    post_peek(node, {.tag = size + 1}, 0, &context);
    CHECK_EQ(node.await_receive_error().error, FI_ENOMSG);
  }
  team.barrier();
  for (const std::size_t size : kSizes) {
    peek_until_found(node, {.tag = size + 1}, FI_CLAIM, &context);
    const Incoming nothing{nullptr, 0, FI_ADDR_UNSPEC, size + 1, 0, &context};
    node.submit([&] { return receive_tagged_message(node.ep(), nothing, FI_CLAIM | FI_DISCARD | FI_COMPLETION); });
    CHECK_EQ(node.await_receive().context, static_cast<void*>(&context));
  }
  team.barrier();
}

// A claimed message may be too long for the buffer that at last takes it.
TEST(peek_claimed_is_truncated, .ranks = 2, .anchor_only = true) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) return send_sizes(node, team);
  for (const std::size_t size : kSizes) {
    fi_context claim;
    peek_until_found(node, {.tag = size + 1}, FI_CLAIM, &claim);
    Bytes buffer(size / 2);
    const Incoming in{buffer.data(), buffer.size(), FI_ADDR_UNSPEC, size + 1, 0, &claim};
    node.submit([&] { return receive_tagged_message(node.ep(), in, FI_CLAIM | FI_COMPLETION); });
    node.until("the claimed message", [&] { return !node.receives().empty(); });
    const Entry entry = node.receives().take();
    CHECK_EQ(entry.error, size == 0 ? 0 : FI_ETRUNC);
    CHECK_EQ(entry.overflow, size - size / 2);
    check_pattern(buffer.data(), buffer.size(), size);
  }
  team.barrier();
}

TEST(peek_claim_without_peek_is_refused, .anchor_only = true) {
  Node node(team);
  fi_context context{};
  char byte = 0;
  const ssize_t rc =
      receive_tagged_message(node.ep(), {.buffer = &byte, .size = 1, .context = &context}, FI_CLAIM | FI_COMPLETION);
  if (rc == 0) CHECK(node.await_receive_error().error > 0);
}

}  // namespace anchor::fabtests
