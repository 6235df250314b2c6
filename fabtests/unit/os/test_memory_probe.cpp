// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>

#include <cstring>

#include "os/memory_probe.h"

using namespace anchor;

namespace {

constexpr std::size_t kPage = 4096;
constexpr auto kRead = MemoryProbe::Touch::kRead;
constexpr auto kWrite = MemoryProbe::Touch::kWrite;

class Pages {
 public:
  Pages(std::size_t count, int protection)
      : bytes_(count * kPage),
        address_(static_cast<std::byte*>(::mmap(nullptr, bytes_, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    cr_assert_neq(static_cast<void*>(address_), MAP_FAILED);
  }
  ~Pages() { ::munmap(address_, bytes_); }
  std::byte* at(std::size_t offset) const { return address_ + offset; }

 private:
  const std::size_t bytes_;
  std::byte* const address_;
};

void wait_for_next_tick() {
  timespec first{}, now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &first);
  do {
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  } while (now.tv_nsec == first.tv_nsec);
}

}  // namespace

Test(memory_probe, tells_what_can_be_touched) {
  const Pages writable(2, PROT_READ | PROT_WRITE), readable(1, PROT_READ), closed(1, PROT_NONE);
  MemoryProbe probe;
  cr_assert_eq(probe.check(writable.at(1), 2 * kPage - 1, kWrite), 0);
  cr_assert_eq(probe.check(writable.at(0), 1, kRead), 0);
  cr_assert_eq(probe.check(readable.at(0), kPage, kRead), 0);
  cr_assert_eq(probe.check(readable.at(8), 8, kWrite), -EFAULT);
  cr_assert_eq(probe.check(closed.at(8), 8, kRead), -EFAULT);
  cr_assert_eq(probe.check(nullptr, 8, kRead), -EFAULT);
  cr_assert_eq(probe.check(reinterpret_cast<void*>(0xffff800000000000), 8, kWrite), -EFAULT);
  cr_assert_eq(probe.check(reinterpret_cast<void*>(~std::uintptr_t{0} - 3), 8, kWrite), -EFAULT, "round the end");
  cr_assert_eq(probe.check(nullptr, 0, kWrite), 0, "nothing is nowhere");
}

Test(memory_probe, looks_at_every_page) {
  const Pages pages(3, PROT_READ | PROT_WRITE);
  cr_assert_eq(::mprotect(pages.at(2 * kPage), kPage, PROT_NONE), 0);
  MemoryProbe probe;
  cr_assert_eq(probe.check(pages.at(kPage), kPage, kWrite), 0);
  cr_assert_eq(probe.check(pages.at(kPage), kPage + 1, kWrite), -EFAULT);
}

Test(memory_probe, changes_nothing) {
  const Pages pages(1, PROT_READ | PROT_WRITE);
  std::memset(pages.at(0), 0x5a, kPage);
  MemoryProbe probe;
  cr_assert_eq(probe.check(pages.at(3), 100, kWrite), 0);
  cr_assert_eq(probe.check(pages.at(3), 100, kRead), 0);
  for (std::size_t i = 0; i < kPage; ++i) cr_assert_eq(*pages.at(i), std::byte{0x5a});
}

// More than are looked at one by one.
Test(memory_probe, many_pages) {
  const Pages pages(1000, PROT_READ | PROT_WRITE);
  MemoryProbe probe;
  cr_assert_eq(probe.check(pages.at(5), 999 * kPage, kWrite), 0);
  cr_assert_eq(::mprotect(pages.at(500 * kPage), kPage, PROT_READ), 0);
  cr_assert_eq(probe.check(pages.at(5), 999 * kPage, kRead), 0);
  cr_assert_eq(probe.check(pages.at(5), 999 * kPage, kWrite), -EFAULT);
  cr_assert_eq(probe.check(pages.at(500 * kPage + 1), 300 * kPage, kWrite), -EFAULT);
  cr_assert_eq(probe.check(pages.at(501 * kPage), 300 * kPage, kWrite), 0);
  cr_assert_eq(::munmap(pages.at(700 * kPage), kPage), 0);
  cr_assert_eq(probe.check(pages.at(501 * kPage), 300 * kPage, kRead), -EFAULT);
  const iovec pieces[] = {{pages.at(0), 10}, {pages.at(700 * kPage), 10}};
  cr_assert_eq(probe.check_all(pieces, 1, kWrite), 0);
  cr_assert_eq(probe.check_all(pieces, 2, kWrite), -EFAULT);
}

Test(memory_probe, an_answer_does_not_hold_for_ever) {
  const Pages pages(1, PROT_READ | PROT_WRITE);
  MemoryProbe probe;
  cr_assert_eq(probe.check(pages.at(0), 8, kWrite), 0);
  cr_assert_eq(::mprotect(pages.at(0), kPage, PROT_READ), 0);
  wait_for_next_tick();
  cr_assert_eq(probe.check(pages.at(0), 8, kWrite), -EFAULT);
  cr_assert_eq(probe.check(pages.at(0), 8, kRead), 0);
}
