// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "abi/op_flags.h"

using namespace anchor;

Test(op_flags, completion) {
  cr_assert_eq(send_flags(0, false), kWantCompletion);
  cr_assert_eq(send_flags(FI_COMPLETION, false), kWantCompletion);
  cr_assert_eq(send_flags(0, true), 0u);
  cr_assert_eq(send_flags(FI_COMPLETION, true), kWantCompletion);
  cr_assert_eq(receive_flags(0, true), 0u);
  cr_assert_eq(receive_flags(0, false), kWantCompletion);
}

Test(op_flags, levels) {
  cr_assert_eq(send_flags(FI_INJECT_COMPLETE | FI_TRANSMIT_COMPLETE, true), 0u);
  cr_assert_eq(send_flags(FI_DELIVERY_COMPLETE, true), kDeliveryComplete);
  cr_assert_eq(send_flags(FI_MATCH_COMPLETE, true), kDeliveryComplete);
}

Test(op_flags, the_rest) {
  cr_assert_eq(send_flags(FI_INJECT | FI_REMOTE_CQ_DATA | FI_MORE, true), kInject | kRemoteData);
  cr_assert_eq(receive_flags(FI_MULTI_RECV | FI_MORE, true), kMultiReceive);
  cr_assert_eq(tagged_receive_flags(FI_MULTI_RECV, true), 0u);
  cr_assert_eq(tagged_receive_flags(FI_PEEK | FI_CLAIM | FI_DISCARD, true), kPeek | kClaim | kDiscard);
}

Test(op_flags, reads_and_fences) {
  cr_assert_eq(send_flags(FI_FENCE, true), kFence);
  cr_assert_eq(read_flags(FI_FENCE | FI_INJECT | FI_REMOTE_CQ_DATA | FI_COMPLETION, true), kFence | kWantCompletion);
}

Test(op_flags, defaults) {
  OpDefaults defaults;
  defaults.selective_send = true;
  defaults.set_send(FI_INJECT);
  defaults.set_receive(FI_MULTI_RECV);
  cr_assert_eq(defaults.send, kInject);
  cr_assert_eq(defaults.send_limit, kInjectSize);
  cr_assert_eq(defaults.receive, kMultiReceive | kWantCompletion);
  cr_assert_eq(defaults.tagged_receive, kWantCompletion);
  defaults.set_send(0);
  cr_assert_eq(defaults.send_limit, kMaxMessageSize);
}
