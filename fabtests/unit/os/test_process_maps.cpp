// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <cstring>

#include "child_process.h"
#include "os/process_maps.h"
#include "shared_file.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint64_t kPage = kFilePage;

int find(const Pages& pages, std::size_t page, std::uint64_t offset, std::uint64_t length, SharedSpan* span) {
  return find_shared_span(own_folder().get(), pages.address(page) + offset, length, span);
}

}  // namespace

Test(process_maps, a_part_of_a_shared_file_is_found) {
  const UniqueFd file = nameless_file(10);
  Pages pages(6);
  pages.put(1, 4, file, 3);
  SharedSpan span;
  cr_assert_eq(find(pages, 2, 100, kPage, &span), 0);
  cr_assert(span.file == identity_of(file));
  cr_assert_eq(span.offset, 4 * kPage + 100);
  cr_assert(span.readable && span.writable);
  cr_assert_eq(span.start, pages.address(1));
  cr_assert_eq(span.end, pages.address(5));
  cr_assert_not_null(std::strstr(span.path, "unit test"));
  cr_assert_eq(find(pages, 1, 0, 4 * kPage, &span), 0);
}

Test(process_maps, nothing_less_than_all_of_it_is_enough) {
  const UniqueFd file = nameless_file(10), other = nameless_file(10);
  Pages pages(8);
  pages.put(1, 3, file, 0);
  pages.put(6, 1, file, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  SharedSpan span;
  cr_assert_eq(find(pages, 0, kPage - 1, 2, &span), -ENXIO, "its first byte is private");
  cr_assert_eq(find(pages, 1, 0, 3 * kPage + 1, &span), -ENXIO, "its last byte is");
  cr_assert_eq(find(pages, 6, 0, 1, &span), -ENXIO, "a private copy of a file");
  pages.put(4, 1, other, 3);
  cr_assert_eq(find(pages, 1, 0, 4 * kPage, &span), -ENXIO, "two files");
  pages.put(4, 1, file, 4);
  cr_assert_eq(find(pages, 1, 0, 4 * kPage, &span), -ENXIO, "a page of the file is left out");
  cr_assert_eq(::munmap(pages.at(2), kPage), 0);
  cr_assert_eq(find(pages, 1, 0, 3 * kPage, &span), -ENXIO, "a hole");
}

Test(process_maps, a_mapping_that_was_split_is_whole) {
  const UniqueFd file = nameless_file(10);
  Pages pages(6);
  pages.put(0, 6, file, 2);
  pages.protect(2, 1, PROT_READ);
  SharedSpan span;
  cr_assert_eq(find(pages, 0, 8, 6 * kPage - 8, &span), 0);
  cr_assert_eq(span.offset, 2 * kPage + 8);
  cr_assert(span.readable);
  cr_assert_not(span.writable, "not all of it is");
  pages.protect(4, 1, PROT_NONE);
  cr_assert_eq(find(pages, 0, 0, 6 * kPage, &span), 0);
  cr_assert_not(span.readable);
}

Test(process_maps, ranges_that_cannot_be_are_not_found) {
  const UniqueFd self = own_folder();
  SharedSpan span;
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{kPage}, ~std::uint64_t{0}})
    for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}})
      cr_assert_eq(find_shared_span(self.get(), address, length, &span), -ENXIO);
}

Test(process_maps, the_last_of_very_many_mappings_is_not_looked_for) {
  const UniqueFd file = nameless_file(1);
  constexpr std::size_t kMany = 40'000;
  Pages pages(kMany + 1);
  for (std::size_t page = 0; page < kMany; page += 2) pages.protect(page, 1, PROT_READ);
  pages.put(kMany, 1, file, 0);
  SharedSpan span;
  cr_assert_eq(find(pages, kMany, 0, kPage, &span), -E2BIG);
}

Test(process_maps, of_a_dead_process_nothing_is_found) {
  const UniqueFd file = nameless_file(1);
  Pages pages(1);
  pages.put(0, 1, file, 0);
  Child child([](const Meeting& meeting) {
    meeting.await();
    return 0;
  });
  const std::string path = "/proc/" + std::to_string(child.pid());
  const UniqueFd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  SharedSpan span;
  cr_assert_eq(find_shared_span(folder.get(), pages.address(0), kPage, &span), 0);
  child.kill();
  cr_assert_lt(find_shared_span(folder.get(), pages.address(0), kPage, &span), 0);
}
