// SPDX-License-Identifier: BSD-2-Clause
// fi_trigger(3): the deferred work queue with every kind of operation, and triggered operations.
#include <rdma/fi_rma.h>
#include <rdma/fi_trigger.h>

#include <cstring>

#include "atomics.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kKey = 3;
constexpr std::uint64_t kTag = 77;

const NodeOptions kTriggering{.caps = FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC | FI_TRIGGER};

// A node with registered words, a counter that work waits for, and one that its end is told to.
struct Stage {
  explicit Stage(Team& team, const NodeOptions& options = kTriggering) : node(team, options) {
    trigger = open_counter(node.domain());
    done = open_counter(node.domain());
    region = expose(node.domain(), words, sizeof words, kKey);
    node.introduce();
  }

  fi_deferred_work work(std::uint64_t threshold, fi_op_type type) {
    fi_deferred_work made{};
    made.threshold = threshold;
    made.triggering_cntr = trigger.get();
    if (type != FI_OP_CNTR_ADD && type != FI_OP_CNTR_SET) made.completion_cntr = done.get();
    made.op_type = type;
    return made;
  }
  int control(int command, void* argument) { return fi_control(&node.domain()->fid, command, argument); }
  void queue(fi_deferred_work& work) { REQUIRE_OK(control(FI_QUEUE_WORK, &work)); }
  void until_done(std::uint64_t count) {
    node.until("the completion counter", [&] { return fi_cntr_read(done.get()) >= count; });
    CHECK_EQ(fi_cntr_read(done.get()), count);
  }
  bool quiet() {
    return !node.happens_within(0.02, [&] { return fi_cntr_read(done.get()) != 0; });
  }

  Node node;
  std::uint64_t words[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  Owned<fid_cntr> trigger, done;
  Owned<fid_mr> region;
};

// What the work points to is gone when it is started: the provider may not look at it any more but at the data.
struct Transfers {
  iovec segment;
  fi_rma_iov target;
  fi_ioc element, compared, former;
  fi_rma_ioc place;

  fi_op_msg message(Node& node, void* bytes, std::size_t size, fi_addr_t to) {
    segment = {bytes, size};
    return {.ep = node.ep(),
            .msg = {.msg_iov = &segment, .desc = nullptr, .iov_count = 1, .addr = to, .context = this, .data = 0},
            .flags = 0};
  }
  fi_op_tagged tagged(Node& node, void* bytes, std::size_t size, fi_addr_t to) {
    segment = {bytes, size};
    return {.ep = node.ep(),
            .msg = {.msg_iov = &segment,
                    .desc = nullptr,
                    .iov_count = 1,
                    .addr = to,
                    .tag = kTag,
                    .ignore = 0,
                    .context = this,
                    .data = 0},
            .flags = 0};
  }
  fi_op_rma rma(Node& node, void* bytes, std::size_t size, fi_addr_t to) {
    segment = {bytes, size};
    target = {0, size, kKey};
    return {.ep = node.ep(),
            .msg = {.msg_iov = &segment,
                    .desc = nullptr,
                    .iov_count = 1,
                    .addr = to,
                    .rma_iov = &target,
                    .rma_iov_count = 1,
                    .context = this,
                    .data = 0},
            .flags = 0};
  }
  fi_msg_atomic atomic(std::uint64_t* operand, fi_addr_t to, fi_op op) {
    element = {operand, 1};
    place = {8, 1, kKey};
    fi_msg_atomic msg{};
    msg.msg_iov = &element;
    msg.iov_count = 1;
    msg.addr = to;
    msg.rma_iov = &place;
    msg.rma_iov_count = 1;
    msg.datatype = FI_UINT64;
    msg.op = op;
    msg.context = this;
    return msg;
  }
};

// Queues one operation of each kind, to be started one after the other by thresholds 1 to 9.
void queue_all(Stage& stage, fi_addr_t to, char (&received)[2][8], std::uint64_t (&values)[6]) {
  Node& node = stage.node;
  Transfers parts[9];
  static char hello[] = "deferred";
  fi_op_msg receive = parts[0].message(node, received[0], 8, FI_ADDR_UNSPEC);
  fi_op_msg send = parts[1].message(node, hello, 8, to);
  fi_op_tagged tagged_receive = parts[2].tagged(node, received[1], 8, FI_ADDR_UNSPEC);
  fi_op_tagged tagged_send = parts[3].tagged(node, hello, 8, to);
  fi_op_rma read = parts[4].rma(node, &values[0], 8, to);
  fi_op_rma write = parts[5].rma(node, &values[1], 8, to);
  fi_op_atomic base{node.ep(), parts[6].atomic(&values[2], to, FI_SUM), 0};
  fi_op_fetch_atomic fetch{node.ep(), parts[7].atomic(&values[2], to, FI_SUM), {&parts[7].former, nullptr, 1}, 0};
  parts[7].former = {&values[3], 1};
  fi_op_compare_atomic compare{node.ep(),
                               parts[8].atomic(&values[2], to, FI_CSWAP_NE),
                               {&parts[8].former, nullptr, 1},
                               {&parts[8].compared, nullptr, 1},
                               0};
  parts[8].former = {&values[4], 1};
  parts[8].compared = {&values[5], 1};
  fi_deferred_work works[9];
  const fi_op_type types[] = {FI_OP_RECV,  FI_OP_SEND,   FI_OP_TRECV,        FI_OP_TSEND,         FI_OP_READ,
                              FI_OP_WRITE, FI_OP_ATOMIC, FI_OP_FETCH_ATOMIC, FI_OP_COMPARE_ATOMIC};
  void* const operations[] = {&receive, &send, &tagged_receive, &tagged_send, &read, &write, &base, &fetch, &compare};
  for (std::size_t i = 0; i < 9; ++i) {
    works[i] = stage.work(i + 1, types[i]);
    works[i].op.msg = static_cast<fi_op_msg*>(operations[i]);
    stage.queue(works[i]);
  }
}

}  // namespace

TEST(deferred_work_of_every_kind, .ranks = 2, .anchor_only = true) {
  Stage stage(team);
  const fi_addr_t other = stage.node.peer(1 - team.rank());
  char received[2][8] = {};
  std::uint64_t values[6] = {0, 90, 10, 0, 0, 0};  // read, written, operand, fetched, swapped out, compared with
  queue_all(stage, other, received, values);
  CHECK(stage.quiet());
  team.barrier();
  // Receives, sends: both sides at once.
  REQUIRE_OK(fi_cntr_add(stage.trigger.get(), 4));
  stage.until_done(4);
  CHECK(std::memcmp(received[0], "deferred", 8) == 0);
  CHECK(std::memcmp(received[1], "deferred", 8) == 0);
  team.barrier();
  CHECK_EQ(values[0], 0u);
  // The rest one side after the other, one by one.
  for (int rank = 0; rank < 2; ++rank) {
    if (team.rank() == rank) {
      for (std::uint64_t i = 5; i <= 9; ++i) {
        REQUIRE_OK(fi_cntr_add(stage.trigger.get(), 1));
        stage.until_done(i);
      }
      CHECK_EQ(values[0], 1u);
      CHECK_EQ(values[3], 12u);
      CHECK_EQ(values[4], 22u);
    }
    team.barrier();
    if (team.rank() != rank) {
      CHECK_EQ(stage.words[0], 90u);
      CHECK_EQ(stage.words[1], 10u);
    }
  }
  CHECK(stage.node.sends().empty());
  CHECK(stage.node.receives().empty());
  team.barrier();
}

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

// FI_TRIGGER on a call, and by an alias of the endpoint; entries in the queue as ever.
TEST(triggered_operations, .ranks = 2, .anchor_only = true) {
  Stage stage(team);
  Node& node = stage.node;
  const fi_addr_t other = node.peer(1 - team.rank());
  const auto context = [&](std::size_t threshold) {
    fi_triggered_context made{};
    made.event_type = FI_TRIGGER_THRESHOLD;
    made.trigger.threshold = {stage.trigger.get(), threshold};
    return made;
  };
  fi_triggered_context contexts[] = {context(1), context(2), context(3), context(4), context(5), context(6)};
  Owned<fid_ep> alias;
  REQUIRE_OK(fi_ep_alias(node.ep(), alias.out(), FI_TRANSMIT | FI_TRIGGER));
  char buffers[2][8] = {};
  std::uint64_t one = 1, former = 0, read = 0, compare = 3;
  node.submit([&] { return fi_trecv(node.ep(), buffers[0], 8, nullptr, FI_ADDR_UNSPEC, kTag, 0, nullptr); });
  node.submit([&] { return fi_recv(node.ep(), buffers[1], 8, nullptr, FI_ADDR_UNSPEC, nullptr); });
  // In another order than that of their thresholds.
  REQUIRE_OK(fi_fetch_atomic(alias.get(), &one, 1, nullptr, &former, nullptr, other, 16, kKey, FI_UINT64, FI_SUM,
                             &contexts[4]));
  REQUIRE_OK(fi_tsend(alias.get(), "tagged!", 8, nullptr, other, kTag, &contexts[0]));
  REQUIRE_OK(fi_write(alias.get(), &one, 8, nullptr, other, 0, kKey, &contexts[2]));
  REQUIRE_OK(fi_read(alias.get(), &read, 8, nullptr, other, 8, kKey, &contexts[3]));
  iovec segment{const_cast<char*>("message"), 8};
  const fi_msg msg{
      .msg_iov = &segment, .desc = nullptr, .iov_count = 1, .addr = other, .context = &contexts[1], .data = 0};
  REQUIRE_OK(fi_sendmsg(node.ep(), &msg, FI_TRIGGER | FI_COMPLETION));
  REQUIRE_OK(fi_compare_atomic(alias.get(), &one, 1, nullptr, &compare, nullptr, &former, nullptr, other, 24, kKey,
                               FI_UINT64, FI_CSWAP, &contexts[5]));
  CHECK(!node.happens_within(0.02, [&] { return !node.sends().empty(); }));
  team.barrier();
  REQUIRE_OK(fi_cntr_add(stage.trigger.get(), 3));
  for (std::size_t i = 0; i < 3; ++i) CHECK(node.await_send().context == &contexts[i]);
  REQUIRE_OK(fi_cntr_add(stage.trigger.get(), 3));
  for (std::size_t i = 3; i < 6; ++i) CHECK(node.await_send().context == &contexts[i]);
  node.await_receive();
  node.await_receive();
  team.barrier();
  CHECK(std::memcmp(buffers[0], "tagged!", 8) == 0);
  CHECK(std::memcmp(buffers[1], "message", 8) == 0);
  CHECK_EQ(stage.words[0], 1u);
  CHECK_EQ(stage.words[2], 4u);
  CHECK_EQ(read, 2u);
  CHECK_EQ(former, 4u);  // the last one to fetch found no 3
  alias.reset();
  team.barrier();
}

TEST(triggered_operations_refused, .anchor_only = true) {
  Stage stage(team);
  fi_triggered_context context{};
  context.event_type = FI_TRIGGER_XPU;
  iovec segment{&context, 1};
  fi_msg msg{
      .msg_iov = &segment, .desc = nullptr, .iov_count = 1, .addr = stage.node.peer(0), .context = &context, .data = 0};
  CHECK_EQ(fi_sendmsg(stage.node.ep(), &msg, FI_TRIGGER), -FI_ENOSYS);
  context.event_type = FI_TRIGGER_THRESHOLD;
  CHECK_EQ(fi_sendmsg(stage.node.ep(), &msg, FI_TRIGGER), -FI_EINVAL);
  context.trigger.threshold = {stage.trigger.get(), 1};
  CHECK_EQ(fi_sendmsg(stage.node.ep(), &msg, FI_TRIGGER | FI_INJECT), -FI_ENOSYS);
  msg.context = nullptr;
  CHECK_EQ(fi_recvmsg(stage.node.ep(), &msg, FI_TRIGGER), -FI_EINVAL);
  Node plain(team, kAtomicNode);
  CHECK_EQ(fi_sendmsg(plain.ep(), &msg, FI_TRIGGER), -FI_EBADFLAGS);
}

}  // namespace anchor::fabtests
