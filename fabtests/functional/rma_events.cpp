// SPDX-License-Identifier: BSD-2-Clause
// What either side counts of reads and writes: counters of endpoints and of memory regions.
#include <rdma/fi_atomic.h>

#include <cstring>

#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kCount = 30;
constexpr std::size_t kSize = 20'000;

// Reading a counter makes progress.
bool reaches(fid_cntr* counter, std::uint64_t value) {
  const Deadline deadline(10);
  while (fi_cntr_read(counter) < value) {
    if (deadline.expired()) return false;
  }
  return fi_cntr_read(counter) == value;
}

// As many writes as reads, and all of them injected or without an entry in the queue. The counters go up to `total`.
void access_peer(Node& node, const RemoteStart& there, fid_cntr* reads, fid_cntr* writes, std::uint64_t total) {
  Bytes bytes(kSize);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const Access access{bytes.data(), i % 3 == 0 ? 8 : kSize, node.peer(1), there.address, there.key};
    node.submit([&] {
      return i % 3 == 0 ? fi_inject_write(node.ep(), bytes.data(), 8, access.peer, access.address, access.key)
                        : write_message(node.ep(), access, 0);
    });
    node.submit([&] { return read_message(node.ep(), access, 0); });
  }
  CHECK(reaches(reads, total));
  CHECK(reaches(writes, total));
}

void count_at_both_ends(Team& team, int mr_mode) {
  NodeOptions options = rma_options(mr_mode);
  options.transmit_bind = FI_SELECTIVE_COMPLETION;
  Node node(team, options);
  const Owned<fid_cntr> reads = open_counter(node.domain()), writes = open_counter(node.domain());
  const Owned<fid_cntr> remote_reads = open_counter(node.domain()), remote_writes = open_counter(node.domain());
  const Owned<fid_cntr> region_reads = open_counter(node.domain()), region_writes = open_counter(node.domain());
  REQUIRE_OK(fi_ep_bind(node.ep(), reads.as_fid(), FI_READ));
  REQUIRE_OK(fi_ep_bind(node.ep(), writes.as_fid(), FI_WRITE));
  REQUIRE_OK(fi_ep_bind(node.ep(), remote_reads.as_fid(), FI_REMOTE_READ));
  REQUIRE_OK(fi_ep_bind(node.ep(), remote_writes.as_fid(), FI_REMOTE_WRITE));
  Exposed counted(node, kSize, 1, kRemoteAccess, FI_RMA_EVENT), plain(node, kSize, 2);
  REQUIRE_OK(fi_mr_bind(counted.mr.get(), region_writes.as_fid(), FI_REMOTE_WRITE));
  REQUIRE_OK(fi_mr_bind(counted.mr.get(), region_reads.as_fid(), FI_REMOTE_READ));
  if ((mr_mode & FI_MR_RMA_EVENT) != 0) REQUIRE_OK(fi_mr_enable(counted.mr.get()));
  node.introduce();
  const auto starts = counted.introduce(team), others = plain.introduce(team);
  if (team.rank() == 0) {
    access_peer(node, starts[1], reads.get(), writes.get(), kCount);
    access_peer(node, others[1], reads.get(), writes.get(), 2 * kCount);
    CHECK(node.sends().empty());
    Access wrong{nullptr, 0, node.peer(1), 0, 99};
    node.submit([&] { return write_message(node.ep(), wrong, 0); });
    node.await_send_error();
    CHECK_EQ(fi_cntr_readerr(writes.get()), 1u);
    CHECK_EQ(fi_cntr_read(writes.get()), 2 * kCount);
  } else {
    CHECK(reaches(region_writes.get(), kCount));
    CHECK(reaches(region_reads.get(), kCount));
    CHECK(reaches(remote_writes.get(), 2 * kCount));
    CHECK(reaches(remote_reads.get(), 2 * kCount));
  }
  team.barrier();
  CHECK_EQ(fi_cntr_read(region_writes.get()), team.rank() == 0 ? 0 : kCount);
  node.close_endpoint();
}

}  // namespace

TEST(rma_counters, .ranks = 2, .anchor_only = true) { count_at_both_ends(team, 0); }
TEST(rma_counters_of_regions_enabled_later, .ranks = 2, .anchor_only = true) {
  count_at_both_ends(team, FI_MR_RMA_EVENT);
}
TEST_AGAIN(rma_counters_through_fifo, rma_counters, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// An endpoint without FI_RMA_EVENT and one counter for all that comes: upstream's benchmarks of 1.17 tell messages by
// it, and remote data, so accesses without data must not move it on.
TEST(rma_counters_without_rma_event, .ranks = 2, .anchor_only = true) {
  NodeOptions options = rma_options();
  options.caps = (options.caps | FI_ATOMIC) & ~FI_RMA_EVENT;
  Node node(team, options);
  const Owned<fid_cntr> received = open_counter(node.domain());
  REQUIRE_OK(fi_ep_bind(node.ep(), received.as_fid(), FI_RECV | FI_REMOTE_WRITE | FI_REMOTE_READ));
  Exposed exposed(node, kSize, 1);
  node.introduce();
  char byte = 0;
  if (team.rank() == 1) node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, node.peer(0), nullptr); });
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes(kSize);
    const std::uint64_t one = 1;
    for (const std::size_t size : {std::size_t{8}, kSize}) {
      const Access access{bytes.data(), size, node.peer(1), 0, 1};
      write_to(node, access);
      read_from(node, access);
      node.submit([&] { return fi_inject_atomic(node.ep(), &one, 1, node.peer(1), 0, 1, FI_UINT64, FI_SUM); });
      node.submit([&] { return fi_writedata(node.ep(), bytes.data(), size, nullptr, 5, access.peer, 0, 1, nullptr); });
      node.await_send();
    }
    node.submit([&] { return fi_inject(node.ep(), "x", 1, node.peer(1)); });
  } else {
    for (int i = 0; i < 3; ++i) node.await_receive();
    CHECK_EQ(fi_cntr_read(received.get()), 3u);
  }
  team.barrier();
  node.close_endpoint();
}
TEST_AGAIN(rma_counters_without_rma_event_through_fifo, rma_counters_without_rma_event, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// As Sandia OpenSHMEM: waiting for a region's counter alone makes the progress that it needs.
TEST(rma_waiting_for_a_regions_counter, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  fi_cntr_attr attributes{};
  attributes.events = FI_CNTR_EVENTS_COMP;
  attributes.wait_obj = FI_WAIT_UNSPEC;
  Owned<fid_cntr> counter;
  REQUIRE_OK(fi_cntr_open(node.domain(), &attributes, counter.out(), nullptr));
  Exposed exposed(node, kSize, 1);
  REQUIRE_OK(fi_mr_bind(exposed.mr.get(), counter.as_fid(), FI_REMOTE_WRITE));
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes(kSize);
    fill_pattern(bytes.data(), kSize, 3);
    write_to(node, {bytes.data(), kSize, node.peer(1), 0, 1});
  } else {
    node.rest(true);
    CHECK_EQ(fi_cntr_wait(counter.get(), 1, 10'000), 0);
    check_pattern(exposed.memory.data(), kSize, 3);
  }
  team.barrier();
}

// One operation on two regions: each counts it, the endpoint counts it once.
TEST(rma_counters_of_two_regions, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  const Owned<fid_cntr> first_count = open_counter(node.domain()), second_count = open_counter(node.domain());
  const Owned<fid_cntr> remote_writes = open_counter(node.domain());
  REQUIRE_OK(fi_ep_bind(node.ep(), remote_writes.as_fid(), FI_REMOTE_WRITE));
  Exposed first(node, kSize, 1), second(node, kSize, 2);
  REQUIRE_OK(fi_mr_bind(first.mr.get(), first_count.as_fid(), FI_REMOTE_WRITE));
  REQUIRE_OK(fi_mr_bind(second.mr.get(), second_count.as_fid(), FI_REMOTE_WRITE));
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes(200);
    const iovec ours{bytes.data(), 200};
    const fi_rma_iov theirs[] = {{0, 100, 1}, {0, 100, 2}};
    fi_msg_rma message{};
    message.msg_iov = &ours;
    message.iov_count = 1;
    message.addr = node.peer(1);
    message.rma_iov = theirs;
    message.rma_iov_count = 2;
    message.data = 44;
    node.submit([&] { return fi_writemsg(node.ep(), &message, FI_COMPLETION | FI_REMOTE_CQ_DATA); });
    node.await_send();
  } else {
    const Entry entry = node.await_receive();
    CHECK_EQ(entry.data, 44u);
    CHECK_EQ(entry.length, 200u);
    CHECK_EQ(fi_cntr_read(first_count.get()), 1u);
    CHECK_EQ(fi_cntr_read(second_count.get()), 1u);
    CHECK_EQ(fi_cntr_read(remote_writes.get()), 1u);
  }
  team.barrier();
  node.close_endpoint();
}
TEST_AGAIN(rma_counters_of_two_regions_through_fifo, rma_counters_of_two_regions, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// More remote data than the target's queue has room for: nothing is lost, and the writer goes on.
TEST(rma_data_past_a_full_queue, .ranks = 2, .anchor_only = true) {
  constexpr std::uint64_t kWrites = 2000;
  NodeOptions options = rma_options();
  options.cq_size = 16;
  Node node(team, options);
  Exposed exposed(node, 8 * kWrites, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < kWrites; ++i)
      node.submit([&] { return fi_inject_writedata(node.ep(), &i, 8, i, node.peer(1), 8 * i, 1); });
  } else {
    for (std::uint64_t i = 0; i < kWrites; ++i) {
      CHECK_EQ(node.await_receive().data, i);
      std::uint64_t found;
      std::memcpy(&found, exposed.memory.data() + 8 * i, 8);
      CHECK_EQ(found, i);
    }
  }
  team.barrier();
}
TEST_AGAIN(rma_data_past_a_full_queue_through_fifo, rma_data_past_a_full_queue, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

}  // namespace anchor::fabtests
