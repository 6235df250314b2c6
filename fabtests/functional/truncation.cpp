// SPDX-License-Identifier: BSD-2-Clause
// A message longer than its receive: an error entry that says all, the part that fits, and nothing behind it.
#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kTag = 0xC0FFEE;
constexpr std::uint64_t kData = 0xABCDEF;
constexpr std::byte kUntouched{0x42};

void send_one(Node& node, std::size_t size, bool tagged, Team& team, bool late) {
  const Bytes message = patterned(size, size);
  int context = 0;
  const Outgoing out{message.data(), size, node.peer(1), kTag, kData, &context};
  node.submit([&] {
    return tagged ? send_tagged_message(node.ep(), out, FI_COMPLETION | FI_REMOTE_CQ_DATA)
                  : send_message(node.ep(), out, FI_COMPLETION | FI_REMOTE_CQ_DATA);
  });
  if (late) team.barrier();                                           // it was unexpected until here
  CHECK_EQ(node.await_send().context, static_cast<void*>(&context));  // truncation is the receiver's affair
}

void receive_one(Node& node, std::size_t size, std::size_t room, bool tagged, Team& team, bool late) {
  Bytes buffer(size, kUntouched);
  int context = 0;
  if (late) team.barrier();
  node.submit([&] {
    return tagged ? fi_trecv(node.ep(), buffer.data(), room, nullptr, FI_ADDR_UNSPEC, kTag, 0, &context)
                  : fi_recv(node.ep(), buffer.data(), room, nullptr, FI_ADDR_UNSPEC, &context);
  });
  if (!late) team.barrier();
  const Entry entry = node.await_receive_error();
  CHECK_EQ(entry.error, FI_ETRUNC);
  CHECK_EQ(entry.context, static_cast<void*>(&context));
  CHECK_EQ(entry.length, room);
  CHECK_EQ(entry.overflow, size - room);
  CHECK_EQ(entry.data, kData);
  CHECK_EQ(entry.flags & (FI_RECV | FI_REMOTE_CQ_DATA), FI_RECV | FI_REMOTE_CQ_DATA);
  CHECK_EQ(entry.flags & (FI_MSG | FI_TAGGED), tagged ? FI_TAGGED : FI_MSG);
  if (tagged) CHECK_EQ(entry.tag, kTag);
  check_pattern(buffer.data(), room, size);
  check_untouched(buffer.data() + room, size - room, kUntouched);
}

void cut_messages(Team& team, bool tagged, bool late) {
  Node node(team);
  node.introduce();
  for (const std::size_t size : {1u, 40u, 200u, 4096u, 10000u, 70000u, 300000u, 3000000u}) {
    for (const std::size_t room : {std::size_t{0}, size / 2, size - 1}) {
      if (team.rank() == 0) {
        if (!late) team.barrier();
        send_one(node, size, tagged, team, late);
      } else {
        receive_one(node, size, room, tagged, team, late);
      }
    }
  }
  team.barrier();
}

}  // namespace

TEST(truncation_tagged, .ranks = 2, .anchor_only = true) { cut_messages(team, true, false); }
TEST(truncation_untagged, .ranks = 2, .anchor_only = true) { cut_messages(team, false, false); }
TEST_AGAIN(truncation_by_copying, truncation_tagged, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=0"});

TEST(truncation_of_unexpected, .ranks = 2, .anchor_only = true) { cut_messages(team, true, true); }
TEST_AGAIN(truncation_of_unexpected_by_copying, truncation_of_unexpected, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=0"});

// What follows a truncated message is not disturbed.
TEST(truncation_leaves_the_stream_intact, .ranks = 2) {
  constexpr std::size_t kMessages = 300;
  Node node(team);
  node.introduce();
  Random random(team.seed());
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < kMessages; ++i) sizes.push_back(random.between(2, 12000));
  std::vector<Bytes> buffers;
  for (std::size_t i = 0; i < kMessages; ++i) buffers.push_back(patterned(sizes[i], i));
  if (team.rank() == 0) {
    for (const Bytes& m : buffers) {
      node.submit([&] { return fi_send(node.ep(), m.data(), m.size(), nullptr, node.peer(1), nullptr); });
    }
    for (std::size_t i = 0; i < kMessages; ++i) node.await_send();
  } else {
    for (std::size_t i = 0; i < kMessages; ++i) {
      const std::size_t room = i % 3 == 0 ? sizes[i] / 2 : sizes[i];
      buffers[i].assign(room, std::byte{0});
      node.submit([&] { return fi_recv(node.ep(), buffers[i].data(), room, nullptr, FI_ADDR_UNSPEC, &buffers[i]); });
    }
    for (std::size_t i = 0; i < kMessages; ++i) {
      node.until("a message", [&] { return !node.receives().empty(); });
      const Entry entry = node.receives().take();
      const auto number = static_cast<std::size_t>(static_cast<Bytes*>(entry.context) - buffers.data());
      CHECK_EQ(entry.error != 0, number % 3 == 0);
      check_pattern(buffers[number].data(), buffers[number].size(), number);
    }
  }
  team.barrier();
}

}  // namespace anchor::fabtests
