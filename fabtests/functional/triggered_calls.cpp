// SPDX-License-Identifier: BSD-2-Clause
// fi_trigger(3): FI_TRIGGER on a call, and by an alias of the endpoint; entries in the queue as ever.
#include <cstring>

#include "common/registry.h"
#include "deferral.h"

namespace anchor::fabtests {

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
