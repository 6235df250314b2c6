// SPDX-License-Identifier: BSD-2-Clause
// fi_getopt, fi_setopt, default operation flags (fi_control), and the size-left calls.
#include "calls.h"
#include "common/registry.h"

namespace anchor::fabtests {

TEST(options_min_multi_receive) {
  Node node(team, {.caps = FI_MSG | FI_TAGGED | FI_MULTI_RECV});
  std::size_t value = 0;
  std::size_t length = sizeof(value);
  REQUIRE_OK(fi_getopt(&node.ep()->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &value, &length));
  CHECK_EQ(length, sizeof(value));
  CHECK(value > 0);
  const std::size_t wanted = 16384;  // MPICH's choice
  REQUIRE_OK(fi_setopt(&node.ep()->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &wanted, sizeof(wanted)));
  REQUIRE_OK(fi_getopt(&node.ep()->fid, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &value, &length));
  CHECK_EQ(value, wanted);
}

TEST(options_before_enable, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Owned<fid_ep> ep;
  REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
  const std::size_t wanted = 100;
  CHECK_OK(fi_setopt(ep.as_fid(), FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &wanted, sizeof(wanted)));
}

TEST(options_refuse_nonsense, .anchor_only = true) {
  Node node(team);
  fid* self = &node.ep()->fid;
  std::size_t value = 1;
  std::size_t small = 1;
  CHECK_EQ(fi_getopt(self, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &value, &small), -FI_ETOOSMALL);
  CHECK_EQ(small, sizeof(std::size_t));
  std::size_t length = sizeof(value);
  CHECK_EQ(fi_getopt(self, FI_OPT_ENDPOINT, 9999, &value, &length), -FI_ENOPROTOOPT);
  CHECK_EQ(fi_setopt(self, FI_OPT_ENDPOINT, 9999, &value, sizeof(value)), -FI_ENOPROTOOPT);
  CHECK_EQ(fi_getopt(self, 77, FI_OPT_MIN_MULTI_RECV, &value, &length), -FI_ENOPROTOOPT);
  CHECK(fi_setopt(self, FI_OPT_ENDPOINT, FI_OPT_MIN_MULTI_RECV, &value, 1) < 0);
}

TEST(options_operation_flags, .anchor_only = true) {
  Node node(team);
  fid* self = &node.ep()->fid;
  std::uint64_t flags = FI_TRANSMIT | FI_DELIVERY_COMPLETE;
  REQUIRE_OK(fi_control(self, FI_SETOPSFLAG, &flags));
  flags = FI_TRANSMIT;
  REQUIRE_OK(fi_control(self, FI_GETOPSFLAG, &flags));
  CHECK_EQ(flags & FI_DELIVERY_COMPLETE, FI_DELIVERY_COMPLETE);
  flags = FI_RECV;
  REQUIRE_OK(fi_control(self, FI_GETOPSFLAG, &flags));
  CHECK_EQ(flags & FI_DELIVERY_COMPLETE, 0u);
  flags = FI_TRANSMIT | FI_RECV;  // one direction at a time
  CHECK(fi_control(self, FI_GETOPSFLAG, &flags) < 0);
  flags = FI_DELIVERY_COMPLETE;
  CHECK(fi_control(self, FI_SETOPSFLAG, &flags) < 0);
  CHECK(fi_control(self, 9999, nullptr) < 0);
}

// Deprecated, but called by old applications: a number or a refusal, no crash.
TEST(options_size_left) {
  Node node(team);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  CHECK(fi_tx_size_left(node.ep()) >= 0 || fi_tx_size_left(node.ep()) == -FI_ENOSYS);
  CHECK(fi_rx_size_left(node.ep()) >= 0 || fi_rx_size_left(node.ep()) == -FI_ENOSYS);
#pragma GCC diagnostic pop
}

// Arguments which no data call can accept.
TEST(options_bad_arguments_of_data_calls, .anchor_only = true) {
  Node node(team);
  const fi_addr_t self = node.insert(node.name());
  char byte = 0;
  const Bytes large(node.info()->tx_attr->inject_size + 1);
  const std::vector<iovec> many(node.info()->tx_attr->iov_limit + 1, iovec{&byte, 1});
  CHECK(fi_send(node.ep(), &byte, 1, nullptr, self + 1000, nullptr) < 0);
  CHECK(fi_send(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr) < 0);
  CHECK(fi_inject(node.ep(), large.data(), large.size(), self) < 0);
  CHECK(fi_tinject(node.ep(), large.data(), large.size(), self, 1) < 0);
  CHECK(send_message(node.ep(), {.buffer = large.data(), .size = large.size(), .to = self}, FI_INJECT) < 0);
  CHECK(fi_sendv(node.ep(), many.data(), nullptr, many.size(), self, nullptr) < 0);
  CHECK(fi_recvv(node.ep(), many.data(), nullptr, many.size(), FI_ADDR_UNSPEC, nullptr) < 0);
  CHECK(fi_trecvv(node.ep(), many.data(), nullptr, many.size(), FI_ADDR_UNSPEC, 0, 0, nullptr) < 0);
  CHECK(!node.happens_within(0.05, [&] { return !node.sends().empty() || !node.receives().empty(); }));
}

}  // namespace anchor::fabtests
