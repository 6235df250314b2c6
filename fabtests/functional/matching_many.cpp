// SPDX-License-Identifier: BSD-2-Clause
// Ten thousand receives posted, ten thousand messages unexpected: all find each other, in any order.
#include <algorithm>
#include <numeric>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kMany = 10000;

std::vector<std::uint64_t> shuffled(std::uint64_t seed) {
  std::vector<std::uint64_t> order(kMany);
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, 99);
  for (std::size_t i = kMany; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

// Every hundredth is too long for eager delivery and waits as an announcement.
std::size_t size_of(std::uint64_t tag) { return tag % 100 == 0 ? 100000 : 8 + tag % 50; }

Bytes message_of(std::uint64_t tag) { return patterned(size_of(tag), tag); }

// Long messages must stay where they are until they are complete; the short ones are injected.
void send_in_order(Node& node, const std::vector<std::uint64_t>& order, std::vector<Bytes>& kept) {
  for (const std::uint64_t tag : order) {
    const Bytes m = message_of(tag);
    if (m.size() <= node.info()->tx_attr->inject_size) {
      node.submit([&] { return fi_tinject(node.ep(), m.data(), m.size(), node.peer(1), tag); });
    } else {
      kept.push_back(m);
      const Bytes& long_one = kept.back();
      node.submit(
          [&] { return fi_tsend(node.ep(), long_one.data(), long_one.size(), nullptr, node.peer(1), tag, nullptr); });
    }
  }
}

void await_sends(Node& node, std::size_t count) {
  for (; count > 0; --count) node.await_send();
}

void check_received(Node& node, const std::vector<Bytes>& buffers) {
  for (std::size_t i = 0; i < kMany; ++i) {
    const Entry entry = node.await_receive();
    const Bytes& buffer = buffers[entry.tag];
    CHECK_EQ(entry.context, static_cast<const void*>(&buffer));
    CHECK_EQ(entry.length, buffer.size());
    check_pattern(buffer.data(), buffer.size(), entry.tag);
  }
}

void post(Node& node, std::vector<Bytes>& buffers, std::uint64_t tag) {
  buffers[tag].resize(size_of(tag));
  node.submit([&] {
    return fi_trecv(node.ep(), buffers[tag].data(), buffers[tag].size(), nullptr, FI_ADDR_UNSPEC, tag, 0,
                    &buffers[tag]);
  });
}

}  // namespace

TEST(matching_10000_posted, .ranks = 2, .seconds = 40) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    std::vector<Bytes> kept;
    kept.reserve(kMany);
    team.barrier();
    send_in_order(node, shuffled(team.seed()), kept);
    await_sends(node, kept.size());
  } else {
    std::vector<Bytes> buffers(kMany);
    for (std::uint64_t tag = 0; tag < kMany; ++tag) post(node, buffers, tag);
    team.barrier();
    check_received(node, buffers);
  }
  team.barrier();
}

TEST(matching_10000_unexpected, .ranks = 2, .seconds = 40, .anchor_only = true) {
  Node node(team);
  node.introduce();
  std::vector<std::uint64_t> order(kMany);
  std::iota(order.begin(), order.end(), 0);
  if (team.rank() == 0) {
    std::vector<Bytes> kept;
    kept.reserve(kMany);
    send_in_order(node, order, kept);
    team.barrier();
    await_sends(node, kept.size());
  } else {
    team.barrier();
    std::vector<Bytes> buffers(kMany);
    for (const std::uint64_t tag : shuffled(team.seed())) post(node, buffers, tag);
    check_received(node, buffers);
  }
  team.barrier();
}

// The same tag ten thousand times: order alone decides.
TEST(matching_10000_alike, .ranks = 2, .seconds = 40, .anchor_only = true) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < kMany; ++i) {
      node.submit([&] { return fi_tinject(node.ep(), &i, sizeof(i), node.peer(1), 5); });
    }
    team.barrier();
  } else {
    team.barrier();
    std::vector<std::uint64_t> numbers(kMany, ~0ull);
    for (std::uint64_t& number : numbers) {
      node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, 5, 0, nullptr); });
    }
    for (std::size_t i = 0; i < kMany; ++i) node.await_receive();
    for (std::size_t i = 0; i < kMany; ++i) CHECK_EQ(numbers[i], i);
  }
  team.barrier();
}

}  // namespace anchor::fabtests
