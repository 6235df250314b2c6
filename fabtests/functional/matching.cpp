// SPDX-License-Identifier: BSD-2-Clause
// Which message goes to which receive. With one sender the outcome does not depend on timing: the earliest message and
// the earliest receive that fit each other always find together, and so on with what is left. A plain model says which.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLargest = 40000;

struct Message {
  std::uint64_t tag;
  std::size_t size;
};

struct Wanted {
  std::uint64_t tag;
  std::uint64_t ignore;
};

constexpr std::size_t kNone = ~std::size_t{0};

struct Scene {
  std::vector<Message> messages;
  std::vector<Wanted> receives;
  std::vector<std::size_t> message_of;  // by receive; kNone: stays posted

  Scene(std::uint64_t seed, std::size_t count) {
    Random random(seed);
    const std::uint64_t masks[] = {0, 0, 0, 1, 7, 0xF00, ~0ull};
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t tag = random.below(8) | random.below(3) << 8 | 1ull << 63;
      messages.push_back({tag, random.one_in(20) ? random.below(kLargest) : random.below(300)});
      receives.push_back({random.below(8) | random.below(3) << 8 | 1ull << 63, masks[random.below(7)]});
    }
    match();
  }

  void match() {
    std::vector<bool> taken(messages.size());
    for (const Wanted& wanted : receives) {
      std::size_t i = 0;
      while (i < messages.size() && (taken[i] || ((messages[i].tag ^ wanted.tag) & ~wanted.ignore) != 0)) ++i;
      message_of.push_back(i < messages.size() ? i : kNone);
      if (i < messages.size()) taken[i] = true;
    }
  }
};

void send_scene(Node& node, const Scene& scene, fi_addr_t to, Random random) {
  std::vector<Bytes> buffers;
  for (std::size_t i = 0; i < scene.messages.size(); ++i) buffers.push_back(patterned(scene.messages[i].size, i));
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const Bytes& m = buffers[i];
    node.submit([&] { return fi_tsend(node.ep(), m.data(), m.size(), nullptr, to, scene.messages[i].tag, nullptr); });
    if (random.one_in(50)) node.progress();
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) node.await_send();
}

std::size_t post_receives(Node& node, const Scene& scene, std::vector<Bytes>& buffers, Random random) {
  std::size_t expected = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const Wanted& w = scene.receives[i];
    node.submit([&] {
      return fi_trecv(node.ep(), buffers[i].data(), kLargest, nullptr, FI_ADDR_UNSPEC, w.tag, w.ignore, &buffers[i]);
    });
    expected += scene.message_of[i] != kNone ? 1 : 0;
    for (std::uint64_t pause = random.one_in(50) ? random.below(300) : 0; pause > 0; --pause) node.progress();
  }
  return expected;
}

void receive_scene(Node& node, const Scene& scene, std::vector<Bytes>& buffers, Random random) {
  for (std::size_t left = post_receives(node, scene, buffers, random); left > 0; --left) {
    const Entry entry = node.await_receive();
    const auto number = static_cast<std::size_t>(static_cast<Bytes*>(entry.context) - buffers.data());
    const std::size_t message = scene.message_of[number];
    REQUIRE(message != kNone);
    CHECK_EQ(entry.tag, scene.messages[message].tag);
    CHECK_EQ(entry.length, scene.messages[message].size);
    check_pattern(buffers[number].data(), scene.messages[message].size, message);
  }
}

// Receives that matched nothing are still posted.
void cancel_the_rest(Node& node, const Scene& scene, std::vector<Bytes>& buffers) {
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (scene.message_of[i] != kNone) continue;
    CHECK_OK(fi_cancel(&node.ep()->fid, &buffers[i]));
    const Entry entry = node.await_receive_error();
    CHECK_EQ(entry.error, FI_ECANCELED);
    CHECK_EQ(entry.context, static_cast<void*>(&buffers[i]));
  }
}

// Messages that matched nothing are still there, in order.
void drain(Node& node, const Scene& scene) {
  std::vector<bool> taken(scene.messages.size());
  for (const std::size_t message : scene.message_of) {
    if (message != kNone) taken[message] = true;
  }
  Bytes buffer(kLargest);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (taken[i]) continue;
    node.submit(
        [&] { return fi_trecv(node.ep(), buffer.data(), kLargest, nullptr, FI_ADDR_UNSPEC, 0, ~0ull, &buffer); });
    CHECK_EQ(node.await_receive().tag, scene.messages[i].tag);
    check_pattern(buffer.data(), scene.messages[i].size, i);
  }
}

void run_scene(Team& team, std::size_t count) {
  Node node(team, {.caps = FI_TAGGED});
  node.introduce();
  const Scene scene(team.seed(), count);
  if (team.rank() == 0) {
    send_scene(node, scene, node.peer(1), team.random());
  } else {
    std::vector<Bytes> buffers(count, Bytes(kLargest));
    receive_scene(node, scene, buffers, team.random());
    cancel_the_rest(node, scene, buffers);
    drain(node, scene);
  }
  team.barrier();
}

}  // namespace

TEST(matching_as_the_model_says, .ranks = 2) { run_scene(team, 700); }

TEST_AGAIN(matching_by_copying, matching_as_the_model_says, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});

}  // namespace anchor::fabtests
