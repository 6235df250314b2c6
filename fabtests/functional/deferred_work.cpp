// SPDX-License-Identifier: BSD-2-Clause
// fi_trigger(3): the deferred work queue.
#include <vector>

#include "common/registry.h"
#include "deferral.h"

namespace anchor::fabtests {

TEST(deferred_work_tells_queues_if_asked, .anchor_only = true) {
  Stage stage(team);
  Transfers parts;
  std::uint64_t operand = 1;
  fi_op_atomic base{stage.node.ep(), parts.atomic(&operand, stage.node.peer(0), FI_SUM), FI_COMPLETION};
  fi_deferred_work work = stage.work(1, FI_OP_ATOMIC);
  work.op.atomic = &base;
  stage.queue(work);
  REQUIRE_OK(fi_cntr_adderr(stage.trigger.get(), 1));  // errors count, too
  CHECK(stage.node.await_send().context == &parts);
  stage.until_done(1);
  CHECK_EQ(stage.words[1], 3u);
}

TEST(deferred_work_on_counters, .anchor_only = true) {
  Stage stage(team);
  const Owned<fid_cntr> target = open_counter(stage.node.domain());
  fi_op_cntr set{target.get(), 100}, add{target.get(), 11};
  fi_deferred_work second = stage.work(2, FI_OP_CNTR_ADD), first = stage.work(1, FI_OP_CNTR_SET);
  second.op.cntr = &add;
  first.op.cntr = &set;
  stage.queue(second);
  stage.queue(first);
  CHECK_EQ(fi_cntr_read(target.get()), 0u);
  REQUIRE_OK(fi_cntr_set(stage.trigger.get(), 5));  // both at once, in the order of their thresholds
  CHECK_EQ(fi_cntr_read(target.get()), 111u);
  fi_deferred_work due = stage.work(3, FI_OP_CNTR_ADD);
  due.op.cntr = &add;
  stage.queue(due);
  CHECK_EQ(fi_cntr_read(target.get()), 122u);
}

// Each operation's end is the next one's beginning, with nothing but waiting for the last counter.
TEST(deferred_work_in_a_chain, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kLinks = 50;
  Stage stage(team);
  Transfers parts[kLinks];
  std::vector<Owned<fid_cntr>> counters;
  for (std::size_t i = 0; i <= kLinks; ++i) counters.push_back(open_counter(stage.node.domain()));
  std::uint64_t one = 1;
  for (std::size_t i = 0; i < kLinks; ++i) {
    fi_op_atomic base{stage.node.ep(), parts[i].atomic(&one, stage.node.peer(1 - team.rank()), FI_SUM), 0};
    fi_deferred_work work = stage.work(1, FI_OP_ATOMIC);
    work.triggering_cntr = counters[i].get();
    work.completion_cntr = counters[i + 1].get();
    work.op.atomic = &base;
    stage.queue(work);
  }
  REQUIRE_OK(fi_cntr_add(counters[0].get(), 1));
  stage.node.until("the last counter", [&] { return fi_cntr_read(counters[kLinks].get()) == 1; });
  team.barrier();
  CHECK_EQ(stage.words[1], 2 + kLinks);
}

TEST(deferred_work_cancelled, .anchor_only = true) {
  Stage stage(team);
  const Owned<fid_cntr> other = open_counter(stage.node.domain()), target = open_counter(stage.node.domain());
  fi_op_cntr add{target.get(), 1};
  fi_deferred_work works[4];
  for (std::size_t i = 0; i < 4; ++i) {
    works[i] = stage.work(1, FI_OP_CNTR_ADD);
    works[i].op.cntr = &add;
    if (i == 3) works[i].triggering_cntr = other.get();
    stage.queue(works[i]);
  }
  CHECK_OK(stage.control(FI_CANCEL_WORK, &works[1]));
  CHECK_EQ(stage.control(FI_CANCEL_WORK, &works[1]), -FI_ENOENT);
  fi_deferred_work of_counter{};
  of_counter.triggering_cntr = other.get();
  CHECK_OK(stage.control(FI_FLUSH_WORK, &of_counter));
  CHECK_OK(fi_cntr_add(other.get(), 1));
  CHECK_EQ(fi_cntr_read(target.get()), 0u);
  CHECK_OK(fi_cntr_add(stage.trigger.get(), 1));
  CHECK_EQ(fi_cntr_read(target.get()), 2u);
  CHECK_EQ(stage.control(FI_CANCEL_WORK, &works[0]), -FI_ENOENT);
  fi_deferred_work late = stage.work(9, FI_OP_CNTR_ADD);
  late.op.cntr = &add;
  stage.queue(late);
  CHECK_EQ(fi_close(&target.get()->fid), -FI_EBUSY);
  CHECK_EQ(fi_close(&stage.trigger.get()->fid), -FI_EBUSY);
  CHECK_OK(stage.control(FI_FLUSH_WORK, nullptr));
}

TEST(deferred_work_that_fails, .anchor_only = true) {
  Stage stage(team);
  Transfers parts;
  std::uint64_t operand = 1;
  fi_op_atomic base{stage.node.ep(), parts.atomic(&operand, stage.node.peer(0), FI_SUM), 0};
  parts.place.key = kKey + 1;
  fi_deferred_work work = stage.work(0, FI_OP_ATOMIC);
  work.op.atomic = &base;
  stage.queue(work);
  stage.node.until("an error", [&] { return fi_cntr_readerr(stage.done.get()) == 1; });
  const Entry error = stage.node.await_send_error();
  CHECK_EQ(error.error, FI_EKEYREJECTED);
  CHECK(error.context == &parts);
  parts.place.key = kKey;
  base.msg.addr = 4711;
  stage.queue(work);
  stage.node.until("another error", [&] { return fi_cntr_readerr(stage.done.get()) == 2; });
  CHECK_EQ(stage.node.await_send_error().error, FI_EINVAL);
}

TEST(deferred_work_refused, .anchor_only = true) {
  Stage stage(team);
  Transfers parts;
  std::uint64_t operand = 1;
  fi_op_atomic base{stage.node.ep(), parts.atomic(&operand, stage.node.peer(0), FI_SUM), FI_INJECT};
  fi_deferred_work work = stage.work(1, FI_OP_ATOMIC);
  work.op.atomic = &base;
  CHECK_EQ(stage.control(FI_QUEUE_WORK, &work), -FI_ENOSYS);
  base.flags = 0;
  base.msg.op = FI_CSWAP;
  CHECK_EQ(stage.control(FI_QUEUE_WORK, &work), -FI_EOPNOTSUPP);
  work.triggering_cntr = nullptr;
  CHECK_EQ(stage.control(FI_QUEUE_WORK, &work), -FI_EINVAL);
  Node plain(team, kAtomicNode);
  CHECK_EQ(fi_control(&plain.domain()->fid, FI_QUEUE_WORK, &work), -FI_ENOSYS);
}

// An endpoint that goes takes its work with it.
TEST(deferred_work_of_a_closed_endpoint, .anchor_only = true) {
  Stage stage(team);
  Transfers parts[2];
  char byte;
  fi_op_msg waiting = parts[0].message(stage.node, &byte, 1, FI_ADDR_UNSPEC);
  fi_op_msg started = parts[1].message(stage.node, &byte, 1, FI_ADDR_UNSPEC);
  fi_deferred_work later = stage.work(1, FI_OP_RECV), now = stage.work(0, FI_OP_RECV);
  later.op.msg = &waiting;
  now.op.msg = &started;
  stage.queue(later);
  stage.queue(now);
  stage.node.close_endpoint();
  CHECK_OK(fi_cntr_add(stage.trigger.get(), 1));
  CHECK_EQ(fi_cntr_read(stage.done.get()), 0u);
}

}  // namespace anchor::fabtests
