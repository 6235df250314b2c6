// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "proto/transfer_choice.h"

using namespace anchor;

Test(transfer_choice, lengths_are_judged_apart) {
  constexpr std::uint64_t kKiB = 1024;
  const auto streamed = {32 * kKiB, 128 * kKiB, 8192 * kKiB}, direct = {64 * kKiB, 256 * kKiB, 1024 * kKiB};
  TransferChoice choice;
  const auto find_out = [&](std::uint64_t bytes, bool directly) {
    for (const bool way : {false, true}) choice.took(way, bytes, std::chrono::microseconds(way == directly ? 50 : 90));
    for (unsigned i = 0; i < 132; ++i) choice.take_turn(bytes);  // past the trials
  };
  for (const std::uint64_t bytes : streamed) find_out(bytes, false);
  for (const std::uint64_t bytes : direct) find_out(bytes, true);
  for (const std::uint64_t bytes : streamed) cr_assert_not(choice.goes_directly(bytes));
  for (const std::uint64_t bytes : direct) cr_assert(choice.goes_directly(bytes));
}
