// SPDX-License-Identifier: BSD-2-Clause
// Scattered messages: up to iov_limit segments at either side, split at odd places, with empty ones among them.
#include <algorithm>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

// Memory cut into segments with a byte of distance, so that writing past a segment shows.
class Scattered {
 public:
  Scattered(std::size_t size, std::size_t count, Random& random) : memory_(size + count, kGap) {
    std::vector<std::size_t> cuts = {0, size};
    while (cuts.size() < count + 1) cuts.push_back(random.below(size + 1));
    std::sort(cuts.begin(), cuts.end());
    for (std::size_t i = 0; i < count; ++i) {
      segments_.push_back({memory_.data() + cuts[i] + i, cuts[i + 1] - cuts[i]});
    }
  }
  const std::vector<iovec>& segments() const { return segments_; }
  void check_gaps() const {
    for (const iovec& segment : segments_) {
      check_untouched(static_cast<const std::byte*>(segment.iov_base) + segment.iov_len, 1, kGap);
    }
  }

 private:
  static constexpr std::byte kGap{0x3C};
  Bytes memory_;
  std::vector<iovec> segments_;
};

ssize_t send_segments(Node& node, const std::vector<iovec>& v, fi_addr_t to, std::uint64_t tag) {
  if (tag % 2 == 0) return fi_tsendv(node.ep(), v.data(), nullptr, v.size(), to, tag, nullptr);
  fi_msg_tagged message{};
  message.msg_iov = v.data();
  message.iov_count = v.size();
  message.addr = to;
  message.tag = tag;
  return fi_tsendmsg(node.ep(), &message, FI_COMPLETION);
}

ssize_t receive_segments(Node& node, const std::vector<iovec>& v, std::uint64_t tag) {
  if (tag % 3 != 0) return fi_trecvv(node.ep(), v.data(), nullptr, v.size(), FI_ADDR_UNSPEC, tag, 0, nullptr);
  fi_msg_tagged message{};
  message.msg_iov = v.data();
  message.iov_count = v.size();
  message.addr = FI_ADDR_UNSPEC;
  message.tag = tag;
  return fi_trecvmsg(node.ep(), &message, FI_COMPLETION);
}

void transfer(Node& node, Team& team, std::size_t size, std::uint64_t tag) {
  Random random = team.random();
  for (std::uint64_t skipped = 0; skipped < tag; ++skipped) random.next();
  const std::size_t limit = std::min(node.info()->tx_attr->iov_limit, node.info()->rx_attr->iov_limit);
  Scattered memory(size, random.between(1, limit), random);
  if (team.rank() == 0) {
    fill_pattern(memory.segments(), tag);
    node.submit([&] { return send_segments(node, memory.segments(), node.peer(1), tag); });
    node.await_send();
    check_pattern(memory.segments(), size, tag);
  } else {
    node.submit([&] { return receive_segments(node, memory.segments(), tag); });
    CHECK_EQ(node.await_receive().length, size);
    check_pattern(memory.segments(), size, tag);
  }
  memory.check_gaps();
}

void go_through_splits(Team& team) {
  Node node(team);
  node.introduce();
  std::uint64_t tag = 0;
  for (const std::size_t size :
       {0, 1, 5, 40, 64, 100, 192, 193, 1000, 4096, 5001, 9000, 16385, 70001, 300007, 2000003}) {
    for (int i = 0; i < 6; ++i) transfer(node, team, size, ++tag);
  }
  team.barrier();
}

}  // namespace

TEST(vectors_odd_splits, .ranks = 2) { go_through_splits(team); }

TEST_AGAIN(vectors_odd_splits_by_copying, vectors_odd_splits, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});

TEST(vectors_all_segments_at_once, .ranks = 2) {
  Node node(team);
  node.introduce();
  const std::size_t count = node.info()->tx_attr->iov_limit;
  CHECK(count >= 4);
  Random random = team.random();
  for (const std::size_t size : {std::size_t{200}, std::size_t{50000}, std::size_t{1} << 20}) {
    Scattered memory(size, count, random);
    if (team.rank() == 0) {
      fill_pattern(memory.segments(), size);
      node.submit([&] { return send_segments(node, memory.segments(), node.peer(1), 2); });
      node.await_send();
    } else {
      node.submit([&] { return receive_segments(node, memory.segments(), 2); });
      CHECK_EQ(node.await_receive().length, size);
      check_pattern(memory.segments(), size, size);
      memory.check_gaps();
    }
  }
  team.barrier();
}

// The list of segments is the caller's again when the call returns (the data is not).
TEST(vectors_list_may_be_reused, .ranks = 2) {
  Node node(team);
  node.introduce();
  Bytes memory = patterned(100000, 1);
  if (team.rank() == 0) {
    std::vector<iovec> list = {{memory.data(), 30001}, {memory.data() + 30001, 69999}};
    node.submit([&] { return fi_sendv(node.ep(), list.data(), nullptr, list.size(), node.peer(1), nullptr); });
    list.assign(2, iovec{nullptr, 1});
    node.await_send();
  } else {
    memory.assign(memory.size(), std::byte{0});
    std::vector<iovec> list = {{memory.data(), 77777}, {memory.data() + 77777, 22223}};
    node.submit([&] { return fi_recvv(node.ep(), list.data(), nullptr, list.size(), FI_ADDR_UNSPEC, nullptr); });
    list.assign(2, iovec{nullptr, 1});
    CHECK_EQ(node.await_receive().length, memory.size());
    check_pattern(memory.data(), memory.size(), 1);
  }
  team.barrier();
}

// Truncation within and at the edge of segments.
TEST(vectors_truncated, .ranks = 2, .anchor_only = true) {
  Node node(team);
  node.introduce();
  Random random = team.random();
  for (const std::size_t size : {100u, 6000u, 200000u}) {
    const std::size_t room = size - 1 - size / 3;
    if (team.rank() == 0) {
      const Bytes out = patterned(size, size);
      node.submit([&] { return fi_tsend(node.ep(), out.data(), size, nullptr, node.peer(1), 4, nullptr); });
      node.until("the send's end", [&] { return !node.sends().empty(); });
      node.sends().take();
    } else {
      Scattered memory(room, 3, random);
      node.submit([&] { return receive_segments(node, memory.segments(), 4); });
      CHECK_EQ(node.await_receive_error().error, FI_ETRUNC);
      check_pattern(memory.segments(), room, size);
      memory.check_gaps();
    }
  }
  team.barrier();
}

}  // namespace anchor::fabtests
