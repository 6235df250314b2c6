// SPDX-License-Identifier: BSD-2-Clause
// fi_trigger(3): every kind of operation in the deferred work queue.
#include <cstring>

#include "common/registry.h"
#include "deferral.h"

namespace anchor::fabtests {

namespace {

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

}  // namespace anchor::fabtests
