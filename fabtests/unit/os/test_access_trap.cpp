// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "child_process.h"
#include "os/access_trap.h"
#include "os/cacheline.h"

using namespace anchor;
using namespace anchor::unit;

#if defined(__x86_64__)

namespace {

class Pages final : public AccessJudge {
 public:
  explicit Pages(AccessTrap::Trapped trapped)
      : memory(static_cast<std::byte*>(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    cr_assert_eq(trap.emplace().open(memory, kBytes, trapped, this), 0);
  }
  ~Pages() override {
    trap.reset();
    ::munmap(memory, kBytes);
  }

  void judge(const std::byte* address, std::size_t bytes, Access access) noexcept override {
    ++counts[static_cast<int>(access)];
    last = static_cast<std::size_t>(address - memory);
    stored += access == Access::kLoad ? 0 : bytes;
  }
  template <class Type>
  volatile Type& at(std::size_t offset) {
    return *reinterpret_cast<volatile Type*>(memory + offset);
  }

  static constexpr std::size_t kBytes = 8 * kPageSize;
  std::byte* memory;
  std::optional<AccessTrap> trap;
  std::atomic<int> counts[3] = {};
  std::atomic<std::size_t> last{0}, stored{0};
};

int count(const Pages& pages, Access access) { return pages.counts[static_cast<int>(access)]; }

}  // namespace

Test(access_trap, tells_of_each_store_and_carries_it_out) {
  Pages pages(AccessTrap::Trapped::kStores);
  for (int i = 1; i <= 100; ++i) {
    pages.at<int>(64) = i;
    cr_assert_eq(count(pages, Access::kStore), i);
    cr_assert_eq(pages.last, 64u);
    cr_assert_eq(pages.at<int>(64), i);
  }
  cr_assert_eq(count(pages, Access::kLoad), 0, "loads are nobody's business here");
}

Test(access_trap, tells_of_each_load_where_it_is_asked_to) {
  Pages pages(AccessTrap::Trapped::kAll);
  pages.at<int>(kPageSize) = 5;
  for (int i = 1; i <= 100; ++i) {
    cr_assert_eq(pages.at<int>(kPageSize), 5);
    cr_assert_eq(count(pages, Access::kLoad), i);
  }
  cr_assert_eq(count(pages, Access::kStore), 1);
}

Test(access_trap, knows_atomic_instructions) {
  Pages pages(AccessTrap::Trapped::kAll);
  auto& word = *reinterpret_cast<std::atomic<std::uint64_t>*>(pages.memory + 128);
  word.fetch_add(3);
  cr_assert_eq(count(pages, Access::kAtomic), 1);
  cr_assert_eq(word.exchange(4), 3u);
  cr_assert_eq(count(pages, Access::kAtomic), 2);
  std::uint64_t expected = 4;
  cr_assert(word.compare_exchange_strong(expected, 5));
  cr_assert_eq(count(pages, Access::kAtomic), 3);
  word.store(6, std::memory_order_release);
  cr_assert_eq(count(pages, Access::kAtomic), 3);
}

Test(access_trap, sees_what_libraries_do) {
  Pages pages(AccessTrap::Trapped::kStores);
  std::vector<unsigned char> bytes(5 * kPageSize);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i * 7);
  for (const std::size_t size : {std::size_t{3}, std::size_t{100}, kPageSize, bytes.size()}) {
    const int before = count(pages, Access::kStore);
    std::memcpy(pages.memory + kPageSize - 50, bytes.data(), size);
    cr_assert_gt(count(pages, Access::kStore), before);
    cr_assert_eq(std::memcmp(pages.memory + kPageSize - 50, bytes.data(), size), 0);
    std::memset(pages.memory + kPageSize - 50, 9, size);
    for (std::size_t i = 0; i < size; ++i) cr_assert_eq(pages.memory[kPageSize - 50 + i], std::byte{9});
  }
}

// As memcpy and memset do with long ones, on processors that are fast at it.
Test(access_trap, tells_of_a_copy_by_one_instruction_as_a_whole) {
  Pages pages(AccessTrap::Trapped::kAll);
  std::vector<unsigned char> bytes(2 * kPageSize, 5);
  void* to = pages.memory + 100;
  const void* from = bytes.data();
  std::size_t left = bytes.size();
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(left) : : "memory");
  cr_assert_eq(left, 0u);
  cr_assert_eq(static_cast<std::byte*>(to) - pages.memory, 100 + static_cast<std::ptrdiff_t>(bytes.size()));
  cr_assert_eq(count(pages, Access::kStore), 1);
  cr_assert_eq(pages.stored, bytes.size());
  to = pages.memory + 100;
  left = 50;
  asm volatile("rep stosb" : "+D"(to), "+c"(left) : "a"(7) : "memory");
  cr_assert_eq(count(pages, Access::kStore), 2);
  cr_assert_eq(pages.at<unsigned char>(100), 7);
  cr_assert_eq(pages.at<unsigned char>(149), 7);
  cr_assert_eq(pages.at<unsigned char>(150), 5);
}

Test(access_trap, an_access_may_lie_in_two_pages) {
  Pages pages(AccessTrap::Trapped::kAll);
  pages.at<std::uint64_t>(kPageSize - 4) = 0x1122334455667788;
  cr_assert_eq(pages.at<std::uint64_t>(kPageSize - 4), 0x1122334455667788u);
  const int before = count(pages, Access::kLoad);
  cr_assert_eq(pages.at<int>(0), 0);
  cr_assert_eq(pages.at<int>(kPageSize + 64), 0);
  cr_assert_eq(count(pages, Access::kLoad), before + 2, "both are protected again");
}

Test(access_trap, serves_several_threads) {
  Pages pages(AccessTrap::Trapped::kAll);
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < 4; ++number)
    threads.emplace_back([&pages, number] {
      for (int i = 1; i <= 500; ++i) {
        pages.at<int>(number * kPageSize) = i;
        cr_assert_eq(pages.at<int>(number * kPageSize), i);
      }
    });
  for (std::thread& thread : threads) thread.join();
  cr_assert_eq(count(pages, Access::kStore), 2000);
}

// A sanitizer has its own way of ending a process.
Test(access_trap, other_faults_are_as_they_were) {
  Child child([](const Meeting&) {
    Pages pages(AccessTrap::Trapped::kStores);
    ::close(STDERR_FILENO);
    volatile std::uintptr_t nowhere = 16;  // which the compiler shall not know
    *reinterpret_cast<volatile int*>(nowhere) = 1;
    return 0;
  });
  cr_assert_neq(child.join(), 0);
}

#endif
