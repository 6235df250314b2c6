// SPDX-License-Identifier: BSD-2-Clause
// fi_trigger(3): a node whose counter work waits for, and the work.
#pragma once

#include <rdma/fi_rma.h>
#include <rdma/fi_trigger.h>

#include "atomics.h"

namespace anchor::fabtests {

inline constexpr std::uint64_t kKey = 3;
inline constexpr std::uint64_t kTag = 77;

inline const NodeOptions kTriggering{.caps = FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC | FI_TRIGGER};

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

}  // namespace anchor::fabtests
