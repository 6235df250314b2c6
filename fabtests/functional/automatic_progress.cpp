// SPDX-License-Identifier: BSD-2-Clause
// FI_PROGRESS_AUTO: what was begun goes on while the application does something else, and that costs nothing when
// nothing happens.
#include <rdma/fi_domain.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_trigger.h>
#include <sched.h>

#include <atomic>

#include "calls.h"
#include "common/registry.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLarge = 2'000'000;

Info automatic_info(std::uint64_t caps = FI_MSG | FI_TAGGED) {
  Info hints = message_hints(caps);
  hints->domain_attr->data_progress = FI_PROGRESS_AUTO;
  Info info = info_or_skip(hints.get());
  CHECK_EQ(info->domain_attr->data_progress, FI_PROGRESS_AUTO);
  return info;
}

}  // namespace

TEST(automatic_progress_is_not_the_default, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  CHECK_EQ(open.info->domain_attr->data_progress, FI_PROGRESS_MANUAL);
}

// Rank 1 only posts, and then waits for rank 0's word outside of libfabric; rank 0 sees each send through.
TEST(automatic_progress_while_the_application_is_away, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000", "FI_ANCHOR_CMA=0"}) {
  const OpenDomain open(automatic_info().get());
  Sleeper sleeper(open);
  const auto names = team.gather(name_of(sleeper.ep.get()));
  const fi_addr_t peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  const Bytes out = patterned(kLarge, 1);
  Bytes in(kLarge);
  for (int i = 0; i < 10; ++i) {
    if (team.rank() == 1) {
      sleeper.receive(in.data(), in.size());
      team.tell(0, "posted");
      team.hear(0);
      CHECK(in == out);
      continue;
    }
    team.hear(1);
    const Outgoing message{.buffer = out.data(), .size = out.size(), .to = peer, .tag = 7};
    REQUIRE_OK(send_tagged_message(sleeper.ep.get(), message, FI_COMPLETION | FI_DELIVERY_COMPLETE));
    const std::size_t before = sleeper.entries.size();
    sleeper.await(before + 1);
    team.tell(1, "delivered");
  }
  team.barrier();
}

// A message makes work due, the rank that has queued it being away.
TEST(automatic_progress_starts_what_is_due, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  const OpenDomain open(automatic_info(FI_MSG | FI_TAGGED | FI_TRIGGER).get());
  const Owned<fid_cntr> received = open_counter(open.domain.get());
  Sleeper sleeper(open);
  REQUIRE_OK(fi_ep_bind(sleeper.ep.get(), received.as_fid(), FI_RECV));
  const auto names = team.gather(name_of(sleeper.ep.get()));
  const fi_addr_t peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  char out = static_cast<char>('a' + team.rank()), in = 0;
  sleeper.receive(&in, 1);
  if (team.rank() == 0) {
    iovec segment{&out, 1};
    fi_op_tagged answer{};
    answer.ep = sleeper.ep.get();
    answer.msg = {.msg_iov = &segment,
                  .desc = nullptr,
                  .iov_count = 1,
                  .addr = peer,
                  .tag = 7,
                  .ignore = 0,
                  .context = nullptr,
                  .data = 0};
    fi_deferred_work work{};
    work.threshold = 1;
    work.triggering_cntr = received.get();
    work.op_type = FI_OP_TSEND;
    work.op.tagged = &answer;
    REQUIRE_OK(fi_control(&open.domain.get()->fid, FI_QUEUE_WORK, &work));
    team.tell(1, "queued");
    team.hear(1);
    CHECK_EQ(in, 'b');
  } else {
    team.hear(0);
    REQUIRE_OK(fi_tinject(sleeper.ep.get(), &out, 1, peer, 7));
    sleeper.await(1);
    CHECK_EQ(in, 'a');
    team.tell(0, "answered");
  }
  team.barrier();
}

// A small write that its target does not come to carry out is done directly, its initiator being away, too.
TEST(automatic_progress_takes_over, .ranks = 2, .anchor_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  constexpr std::uint64_t kCaps = FI_MSG | FI_TAGGED | FI_RMA;
  const OpenDomain open(team.rank() == 0 ? automatic_info(kCaps).get()
                                         : info_or_skip(message_hints(kCaps).get()).get());
  std::atomic<std::uint64_t> word{0};
  Owned<fid_mr> region;
  REQUIRE_OK(fi_mr_reg(open.domain.get(), &word, sizeof word, FI_REMOTE_WRITE, 0, 1, 0, region.out(), nullptr));
  Sleeper sleeper(open);
  const fi_addr_t peer = meet(team, sleeper);
  if (team.rank() == 0) {
    team.hear(1);
    const std::uint64_t value = 42;
    REQUIRE_OK(fi_write(sleeper.ep.get(), &value, sizeof value, nullptr, peer, 0, 1, nullptr));
    team.hear(1);
  } else {
    const Deadline settled(0.2);  // long enough for rank 0's thread to fall asleep, and to learn that we poll
    while (!settled.expired()) sleeper.read_all();
    team.tell(0, "away");
    const Deadline deadline(10);
    while (word.load() == 0 && !deadline.expired()) sched_yield();
    CHECK_EQ(word.load(), 42u);
    team.tell(0, "there");
  }
  team.barrier();
}

// The thread has work all the time, and locks; a child finds all of them free and can close its copies.
TEST(automatic_progress_and_forked_children, .ranks = 2, .seconds = 60, .anchor_only = true,
     .environment = {"FI_ANCHOR_UNEXPECTED_LIMIT=64000000"}) {
  constexpr int kChildren = 50;
  const OpenDomain open(automatic_info().get());
  Sleeper sleeper(open);
  const fi_addr_t peer = meet(team, sleeper);
  if (team.rank() == 1) {
    const auto stop = std::make_unique<char>();
    sleeper.receive(stop.get(), 1, peer);
    for (sleeper.entries.clear(); sleeper.entries.empty(); sleeper.read_all())
      static_cast<void>(fi_tinject(sleeper.ep.get(), "x", 1, peer, 1));
  } else {
    // Nobody takes the messages from here on: the thread keeps them.
    for (int i = 0; i < kChildren; ++i) {
      CHECK_EQ(exit_code_of_child([&] {
                 alarm(20);
                 sleeper.ep.reset();
                 sleeper.cq.reset();
                 sleeper.av.reset();
                 return 0;
               }),
               0);
    }
    REQUIRE_OK(fi_tinject(sleeper.ep.get(), "s", 1, peer, 1));
  }
  team.barrier();
}

TEST(automatic_progress_sleeps, .ranks = 2, .anchor_only = true, .shm_only = true) {
  const OpenDomain open(automatic_info().get());
  Sleeper sleeper(open);
  meet(team, sleeper);
  team.barrier();
  const double before = processor_seconds();
  poll(nullptr, 0, 500);
  CHECK(processor_seconds() - before < 0.02);
  team.barrier();
}

}  // namespace anchor::fabtests
