// SPDX-License-Identifier: BSD-2-Clause
// FI_MULTI_RECV: one buffer takes many messages until less than the minimum is left; then it comes back, exactly once.
#include <deque>
#include <set>

#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

const NodeOptions kOptions{.caps = FI_MSG | FI_TAGGED | FI_MULTI_RECV};

void set_minimum(Node& node, std::size_t bytes) {
  REQUIRE_OK(fi_setopt(&node.ep()->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &bytes, sizeof(bytes)));
}

void post(Node& node, Bytes& buffer, void* context) {
  const Incoming in{.buffer = buffer.data(), .size = buffer.size(), .context = context};
  node.submit([&] { return receive_message(node.ep(), in, FI_MULTI_RECV | FI_COMPLETION); });
}

void post(Node& node, Bytes& buffer) { post(node, buffer, &buffer); }

// Each message carries its number, since completions need not come in the order of the messages.
void send_all(Node& node, const std::vector<std::size_t>& sizes, fi_addr_t to) {
  std::vector<Bytes> messages;
  for (std::size_t i = 0; i < sizes.size(); ++i) messages.push_back(patterned(sizes[i], i));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Bytes& m = messages[i];
    node.submit([&] { return fi_senddata(node.ep(), m.data(), m.size(), nullptr, i, to, nullptr); });
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    node.until("a send's end", [&] { return !node.sends().empty(); });
    CHECK_EQ(node.sends().take().error, 0);
  }
}

// Takes messages until all came, posting each buffer again as soon as it is released.
class Receiver {
 public:
  Receiver(Node& node, std::size_t buffers, std::size_t bytes) : node_(node), buffers_(buffers, Bytes(bytes)) {
    for (Bytes& buffer : buffers_) post_again(buffer);
  }

  void take(const std::vector<std::size_t>& sizes) {
    std::set<std::uint64_t> missing;
    for (std::size_t i = 0; i < sizes.size(); ++i) missing.insert(i);
    while (!missing.empty()) {
      const Entry entry = node_.await_receive();
      auto& posting = *static_cast<Posting*>(entry.context);
      CHECK(!posting.released);  // nothing comes from a buffer that was given back
      if ((entry.flags & FI_RECV) != 0) {
        CHECK_EQ(missing.erase(entry.data), 1u);
        check_message(entry, *posting.buffer, sizes);
      }
      posting.released = (entry.flags & FI_MULTI_RECV) != 0;
      if (!posting.released) continue;
      ++releases_;
      post_again(*posting.buffer);
    }
  }
  int releases() const noexcept { return releases_; }

 private:
  struct Posting {
    Bytes* buffer;
    bool released = false;
  };

  void post_again(Bytes& buffer) {
    postings_.push_back({&buffer});
    post(node_, buffer, &postings_.back());
  }

  static void check_message(const Entry& entry, const Bytes& buffer, const std::vector<std::size_t>& sizes) {
    REQUIRE(entry.data < sizes.size());
    CHECK_EQ(entry.length, sizes[entry.data]);
    const auto* start = static_cast<const std::byte*>(entry.buffer);
    REQUIRE(start >= buffer.data() && start + entry.length <= buffer.data() + buffer.size());
    check_pattern(start, entry.length, entry.data);
  }

  Node& node_;
  std::vector<Bytes> buffers_;
  std::deque<Posting> postings_;
  int releases_ = 0;
};

std::vector<std::size_t> random_sizes(Team& team, std::size_t count, std::size_t largest) {
  Random random(team.seed());
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < count; ++i) sizes.push_back(random.below(largest + 1));
  return sizes;
}

void stream(Team& team, std::size_t count, std::size_t largest, std::size_t room) {
  Node node(team, kOptions);
  set_minimum(node, largest);
  node.introduce();
  const std::vector<std::size_t> sizes = random_sizes(team, count, largest);
  if (team.rank() == 0) {
    send_all(node, sizes, node.peer(1));
  } else {
    Receiver receiver(node, 4, room);
    receiver.take(sizes);
    CHECK(receiver.releases() > 0);
  }
  team.barrier();
}

}  // namespace

TEST(multi_receive_small_messages, .ranks = 2) { stream(team, 3000, 200, 8192); }

TEST(multi_receive_mixed_messages, .ranks = 2) { stream(team, 500, 20000, 1 << 16); }

TEST(multi_receive_large_messages, .ranks = 2) { stream(team, 40, 1 << 20, 3 << 20); }

TEST_AGAIN(multi_receive_large_messages_by_copying, multi_receive_large_messages, .ranks = 2,
           .environment = {"FI_ANCHOR_CMA=0"});

// All arrive before the first buffer is posted.
TEST(multi_receive_of_unexpected_messages, .ranks = 2) {
  Node node(team, kOptions);
  set_minimum(node, 4096);
  node.introduce();
  const std::vector<std::size_t> sizes = random_sizes(team, 100, 4000);
  if (team.rank() == 0) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const Bytes m = patterned(std::min(sizes[i], node.info()->tx_attr->inject_size), i);
      node.submit([&] { return fi_injectdata(node.ep(), m.data(), m.size(), i, node.peer(1)); });
    }
    team.barrier();
  } else {
    team.barrier();
    std::vector<std::size_t> injected = sizes;
    for (std::size_t& size : injected) size = std::min(size, node.info()->tx_attr->inject_size);
    Receiver receiver(node, 2, 16384);
    receiver.take(injected);
  }
  team.barrier();
}

// The buffer is released as soon as the next message of the minimum's size would not fit, not earlier.
TEST(multi_receive_minimum_is_exact, .ranks = 2, .anchor_only = true) {
  Node node(team, kOptions);
  set_minimum(node, 100);
  node.introduce();
  const std::vector<std::size_t> sizes = {100, 100, 50, 51};  // leaves 200, 100, 50 ... of 300
  if (team.rank() == 0) {
    send_all(node, {sizes[0], sizes[1], sizes[2]}, node.peer(1));
  } else {
    Bytes buffer(300);
    post(node, buffer);
    CHECK_EQ(node.await_receive().flags & FI_MULTI_RECV, 0u);
    CHECK_EQ(node.await_receive().flags & FI_MULTI_RECV, 0u);  // exactly the minimum is left
    const Entry third = node.await_receive();
    CHECK_EQ(third.length, 50u);
    const Entry last = (third.flags & FI_MULTI_RECV) != 0 ? third : node.await_receive();
    CHECK_EQ(last.flags & FI_MULTI_RECV, FI_MULTI_RECV);
    CHECK_EQ(last.context, static_cast<void*>(&buffer));
  }
  team.barrier();
}

// A message larger than what is left is cut, reported as an error, and gives the buffer back.
TEST(multi_receive_truncates, .ranks = 2, .anchor_only = true) {
  Node node(team, kOptions);
  set_minimum(node, 64);
  node.introduce();
  for (const std::size_t size : {std::size_t{900}, std::size_t{100000}}) {
    if (team.rank() == 0) {
      send_all(node, {500, size}, node.peer(1));
      team.barrier();
    } else {
      Bytes buffer(1000);
      post(node, buffer);
      node.await_receive();
      const Entry cut = node.await_receive_error();
      CHECK_EQ(cut.error, FI_ETRUNC);
      CHECK_EQ(cut.length, 500u);
      CHECK_EQ(cut.overflow, size - 500);
      CHECK_EQ(cut.context, static_cast<void*>(&buffer));
      check_pattern(buffer.data() + 500, 500, 1);
      if ((cut.flags & FI_MULTI_RECV) == 0) CHECK_EQ(node.await_receive().flags & FI_MULTI_RECV, FI_MULTI_RECV);
      team.barrier();
    }
  }
}

// As a default of the endpoint: plain fi_recv posts multi-receive buffers.
TEST(multi_receive_by_default, .ranks = 2, .anchor_only = true) {
  NodeOptions options = kOptions;
  options.receive_flags = FI_MULTI_RECV | FI_COMPLETION;
  Node node(team, options);
  set_minimum(node, 64);
  node.introduce();
  if (team.rank() == 0) {
    send_all(node, {10, 20, 30}, node.peer(1));
  } else {
    Bytes buffer(1000);
    node.submit([&] { return fi_recv(node.ep(), buffer.data(), buffer.size(), nullptr, FI_ADDR_UNSPEC, nullptr); });
    for (const std::size_t size : {10u, 20u, 30u}) CHECK_EQ(node.await_receive().length, size);
  }
  team.barrier();
}

// Cancelled, it comes back with the error, after what it has taken.
TEST(multi_receive_cancelled, .ranks = 2, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 0) {
    send_all(node, {10}, node.peer(1));
  } else {
    Bytes buffer(100000);
    post(node, buffer);
    CHECK_EQ(node.await_receive().length, 10u);
    CHECK_OK(fi_cancel(&node.ep()->fid, &buffer));
    const Entry entry = node.await_receive_error();
    CHECK_EQ(entry.error, FI_ECANCELED);
    CHECK_EQ(entry.context, static_cast<void*>(&buffer));
  }
  team.barrier();
}

}  // namespace anchor::fabtests
