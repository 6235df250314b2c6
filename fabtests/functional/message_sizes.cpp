// SPDX-License-Identifier: BSD-2-Clause
// Messages of all interesting sizes, at all alignments, expected and unexpected, verified byte by byte; once more with
// cross-memory attach forbidden, so that everything goes through shared memory.
#include "calls.h"
#include "common/registry.h"
#include "sizes.h"

namespace anchor::fabtests {

namespace {

constexpr std::byte kUntouched{0x77};
constexpr std::size_t kSpare = 32;

struct Transfer {
  std::size_t size;
  std::size_t send_offset;
  std::size_t receive_offset;
  std::uint64_t tag;
};

// Both ranks derive the same list.
std::vector<Transfer> transfers(const Team& team) {
  Random random(team.seed());
  std::vector<Transfer> list;
  for (const std::size_t size : interesting_sizes()) {
    list.push_back({size, random.below(64), random.below(64), list.size()});
  }
  return list;
}

void send_one(Node& node, const Transfer& t, fi_addr_t to, bool tagged, Team& team) {
  Bytes buffer(t.send_offset + t.size);
  std::byte* message = buffer.data() + t.send_offset;
  fill_pattern(message, t.size, t.tag);
  node.submit([&] {
    return tagged ? fi_tsend(node.ep(), message, t.size, nullptr, to, t.tag, message)
                  : fi_send(node.ep(), message, t.size, nullptr, to, message);
  });
  if (t.tag % 2 == 1) team.barrier();  // it was unexpected until here
  CHECK_EQ(node.await_send().context, static_cast<void*>(message));
  check_pattern(message, t.size, t.tag);
}

void receive_one(Node& node, const Transfer& t, bool tagged, Team& team) {
  Bytes buffer(t.receive_offset + t.size + kSpare, kUntouched);
  std::byte* place = buffer.data() + t.receive_offset;
  if (t.tag % 2 == 1) team.barrier();
  node.submit([&] {
    return tagged ? fi_trecv(node.ep(), place, t.size, nullptr, FI_ADDR_UNSPEC, t.tag, 0, place)
                  : fi_recv(node.ep(), place, t.size, nullptr, FI_ADDR_UNSPEC, place);
  });
  const Entry entry = node.await_receive();
  CHECK_EQ(entry.length, t.size);
  CHECK_EQ(entry.context, static_cast<void*>(place));
  check_pattern(place, t.size, t.tag);
  check_untouched(buffer.data(), t.receive_offset, kUntouched);
  check_untouched(place + t.size, kSpare, kUntouched);
}

void go_through_sizes(Team& team, bool tagged) {
  Node node(team);
  node.introduce();
  for (const Transfer& t : transfers(team)) {
    const int before = failure_count();
    if (team.rank() == 0) {
      send_one(node, t, node.peer(1), tagged, team);
    } else {
      receive_one(node, t, tagged, team);
    }
    if (failure_count() > before) note_failure(FABTESTS_PLACE, "that was a message of " + std::to_string(t.size));
  }
  team.barrier();
}

// Many of random sizes in flight at once in both directions; each rank knows what the other will send.
void cross_traffic(Team& team) {
  constexpr std::size_t kMessages = 200;
  constexpr std::size_t kLargest = 300000;
  Node node(team);
  node.introduce();
  Random own(team.seed(), static_cast<std::uint64_t>(team.rank()));
  Random theirs(team.seed(), static_cast<std::uint64_t>(1 - team.rank()));
  std::vector<Bytes> in(kMessages), out;
  for (std::size_t i = 0; i < kMessages; ++i) {
    in[i].resize(theirs.below(theirs.one_in(3) ? kLargest : 500));
    out.push_back(patterned(own.below(own.one_in(3) ? kLargest : 500), i));
    node.submit([&] { return fi_trecv(node.ep(), in[i].data(), in[i].size(), nullptr, FI_ADDR_UNSPEC, i, 0, &in[i]); });
  }
  const fi_addr_t other = node.peer(1 - team.rank());
  for (std::size_t i = 0; i < kMessages; ++i) {
    node.submit([&] { return fi_tsend(node.ep(), out[i].data(), out[i].size(), nullptr, other, i, &out[i]); });
  }
  for (std::size_t i = 0; i < kMessages; ++i) {
    node.await_send();
    const Entry entry = node.await_receive();
    CHECK_EQ(entry.context, static_cast<void*>(&in[entry.tag]));
    CHECK_EQ(entry.length, in[entry.tag].size());
    check_pattern(in[entry.tag].data(), entry.length, entry.tag);
  }
  team.barrier();
}

}  // namespace

TEST(sizes_untagged, .ranks = 2) { go_through_sizes(team, false); }
TEST(sizes_tagged, .ranks = 2) { go_through_sizes(team, true); }
TEST(sizes_cross_traffic, .ranks = 2) { cross_traffic(team); }

TEST_AGAIN(sizes_untagged_by_copying, sizes_untagged, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});
TEST_AGAIN(sizes_tagged_by_copying, sizes_tagged, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});
TEST_AGAIN(sizes_cross_traffic_by_copying, sizes_cross_traffic, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});

// One rank may be refused what the other is allowed.
TEST(sizes_tagged_one_side_copies, .ranks = 2, .anchor_only = true) {
  if (team.rank() == 0) setenv("FI_ANCHOR_CMA", "0", 1);
  go_through_sizes(team, true);
}

// To oneself: nothing may be missing because both ends are one endpoint.
TEST(sizes_to_self) {
  Node node(team);
  const fi_addr_t self = node.insert(node.name());
  for (const Transfer& t : transfers(team)) {
    const Bytes out = patterned(t.size, t.tag);
    Bytes in(t.size + kSpare, kUntouched);
    const auto receive = [&] {
      return fi_trecv(node.ep(), in.data(), t.size, nullptr, FI_ADDR_UNSPEC, t.tag, 0, in.data());
    };
    const auto send = [&] { return fi_tsend(node.ep(), out.data(), t.size, nullptr, self, t.tag, nullptr); };
    if (t.tag % 2 == 0) node.submit(receive);
    node.submit(send);
    if (t.tag % 2 == 1) node.submit(receive);
    node.await_send();
    CHECK_EQ(node.await_receive().length, t.size);
    check_pattern(in.data(), t.size, t.tag);
    check_untouched(in.data() + t.size, kSpare, kUntouched);
  }
}

}  // namespace anchor::fabtests
