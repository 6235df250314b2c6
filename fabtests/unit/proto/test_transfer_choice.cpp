// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "proto/transfer_choice.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

// How many of the next `turns` are shared, if one way takes so long a KiB and the other so long.
unsigned shared_of(TransferChoice& choice, unsigned turns, std::uint64_t bytes, int streamed, int shared) {
  unsigned count = 0;
  for (unsigned i = 0; i < turns; ++i) {
    const bool shares = choice.shares(bytes);
    count += shares ? 1 : 0;
    choice.took(shares, bytes, Clock::duration((shares ? shared : streamed) * static_cast<Clock::rep>(bytes / 1024)));
  }
  return count;
}

}  // namespace

Test(transfer_choice, takes_the_faster_way_and_tries_the_other_now_and_then) {
  TransferChoice choice;
  shared_of(choice, 128, kMiB, 100, 50);
  cr_assert_eq(shared_of(choice, 128, kMiB, 100, 50), 126u);
  shared_of(choice, 1280, kMiB, 50, 100);
  cr_assert_eq(shared_of(choice, 128, kMiB, 50, 100), 2u);
}

Test(transfer_choice, an_interruption_changes_nothing) {
  TransferChoice choice;
  shared_of(choice, 128, kMiB, 100, 50);
  choice.took(true, kMiB, std::chrono::seconds(1));
  cr_assert_geq(shared_of(choice, 128, kMiB, 100, 50), 120u);
}

Test(transfer_choice, lengths_are_judged_apart) {
  TransferChoice choice;
  for (const std::uint64_t bytes : {kMiB / 8, 8 * kMiB}) shared_of(choice, 128, bytes, 50, 100);
  for (const std::uint64_t bytes : {kMiB / 4, kMiB}) shared_of(choice, 128, bytes, 100, 50);
  for (const std::uint64_t bytes : {kMiB / 8, 8 * kMiB}) cr_assert_leq(shared_of(choice, 128, bytes, 50, 100), 2u);
  for (const std::uint64_t bytes : {kMiB / 4, kMiB}) cr_assert_geq(shared_of(choice, 128, bytes, 100, 50), 126u);
}
