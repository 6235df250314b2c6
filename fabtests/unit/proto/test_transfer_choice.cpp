// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "proto/transfer_choice.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

// How many of the next `turns` go directly, if one way takes so long a KiB and the other so long.
unsigned direct_of(TransferChoice& choice, unsigned turns, std::uint64_t bytes, int streamed, int direct) {
  unsigned count = 0;
  for (unsigned i = 0; i < turns; ++i) {
    const bool directly = choice.goes_directly(bytes);
    count += directly ? 1 : 0;
    if (choice.take_turn(bytes))
      choice.took(directly, bytes,
                  Clock::duration((directly ? direct : streamed) * static_cast<Clock::rep>(bytes / 1024)));
  }
  return count;
}

}  // namespace

Test(transfer_choice, lengths_are_judged_apart) {
  TransferChoice choice;
  const auto kept_apart = {kMiB / 32, kMiB / 8, 8 * kMiB};
  for (const std::uint64_t bytes : kept_apart) direct_of(choice, 128, bytes, 50, 90);
  for (const std::uint64_t bytes : {kMiB / 16, kMiB / 4, kMiB}) direct_of(choice, 128, bytes, 90, 50);
  for (const std::uint64_t bytes : kept_apart) cr_assert_leq(direct_of(choice, 128, bytes, 50, 90), 2u);
  for (const std::uint64_t bytes : {kMiB / 16, kMiB / 4, kMiB})
    cr_assert_geq(direct_of(choice, 128, bytes, 90, 50), 126u);
}
