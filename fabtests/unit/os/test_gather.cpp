// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstring>
#include <string>
#include <vector>

#include "os/gather.h"

using namespace anchor;

namespace {

// "abc", nothing at all, "defgh", "i".
struct Segments {
  iovec list[4] = {{first, 3}, {nullptr, 0}, {second, 5}, {third, 1}};
  char first[3] = {'a', 'b', 'c'}, second[5] = {'d', 'e', 'f', 'g', 'h'}, third[1] = {'i'};
};

constexpr std::size_t kTotal = 9;
const std::string kAll = "abcdefghi";

}  // namespace

Test(gather, any_part_comes_out_whole) {
  Segments segments;
  for (std::size_t skip = 0; skip <= kTotal + 1; ++skip) {
    for (std::size_t length = 0; length <= kTotal + 1; ++length) {
      std::string out(kTotal + 2, '.');
      const std::size_t copied = gather(out.data(), segments.list, 4, skip, length);
      const std::string expected = skip < kTotal ? kAll.substr(skip, length) : "";
      cr_assert_eq(copied, expected.size());
      cr_assert(out == expected + std::string(out.size() - expected.size(), '.'));
    }
  }
}

Test(gather, any_part_is_put_where_it_belongs) {
  for (std::size_t skip = 0; skip <= kTotal + 1; ++skip) {
    for (std::size_t length = 0; length <= kTotal + 1; ++length) {
      Segments segments;
      const std::string in(length, '#');
      const std::size_t fits = skip < kTotal ? std::min(length, kTotal - skip) : 0;
      cr_assert_eq(scatter(segments.list, 4, skip, in.data(), length), fits);
      std::string expected = kAll;
      if (fits != 0) expected.replace(skip, fits, fits, '#');
      cr_assert(std::string(segments.first, 3) + std::string(segments.second, 5) + segments.third[0] == expected);
    }
  }
}

Test(gather, a_slice_covers_the_same_bytes) {
  const Segments segments;
  for (std::size_t skip = 0; skip <= kTotal; ++skip) {
    for (std::size_t length = 0; length <= kTotal + 1; ++length) {
      iovec part[4];
      std::size_t bytes = 99;
      const std::size_t count = slice(segments.list, 4, skip, length, part, &bytes);
      std::string joined;
      for (std::size_t i = 0; i < count; ++i) joined.append(static_cast<char*>(part[i].iov_base), part[i].iov_len);
      cr_assert(joined == kAll.substr(skip, length));
      cr_assert_eq(bytes, joined.size());
    }
  }
}

Test(gather, lists_that_are_cut_differently_hold_the_same) {
  char from[20], to[20];
  for (char i = 0; i < 20; ++i) from[static_cast<int>(i)] = i;
  std::memset(to, '#', sizeof to);
  const iovec source[] = {{from, 0}, {from, 7}, {from + 7, 0}, {from + 7, 13}};
  const iovec target[] = {{to, 3}, {to + 3, 12}, {to + 15, 5}};
  move_between(source, target, 19);
  cr_assert_eq(std::memcmp(from, to, 19), 0);
  cr_assert_eq(to[19], '#', "no more than was asked for");
  move_between(source, target, 0);
}

Test(gather, lists_of_the_same_memory_may_overlap) {
  char bytes[] = "0123456789";
  const iovec source{bytes, 8}, target{bytes + 2, 8};
  move_between(&source, &target, 8);
  cr_assert_str_eq(bytes, "0101234567");
}
