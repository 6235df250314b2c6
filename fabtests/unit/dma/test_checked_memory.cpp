// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "../os/child_process.h"
#include "../os/scratch_directory.h"
#include "dma/checked_memory.h"
#include "dma/retrieval.h"
#include "os/cacheline.h"
#include "os/guarded_mapping.h"

using namespace anchor;
using namespace anchor::unit;

#if defined(__x86_64__)

namespace {

constexpr std::size_t kBytes = 16 * kPageSize;

// Partition `owner` as host `ours` has it.
struct View {
  View(const ScratchDirectory& scratch, std::uint32_t owner, std::uint32_t ours) {
    const int fd = ::open(scratch.file("memory").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(::ftruncate(fd, kBytes), 0);
    struct stat status {};
    cr_assert_eq(::fstat(fd, &status), 0);
    auto lost = std::make_shared<LostFlag>(false);
    std::byte* address = nullptr;
    cr_assert_eq(map_guarded(fd, 0, kBytes, lost.get(), &address), 0);
    ::close(fd);
    auto memory = std::make_shared<const Mapping>(Mapping(address, kBytes, std::move(lost)));
    cr_assert_eq(checked.open(std::move(memory), identity_of(status), 0, {owner, ours}, scratch.path()), 0);
  }
  std::atomic<std::uint64_t>& word(std::size_t offset) const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(checked.mapping().data() + offset);
  }

  CheckedMemory checked;
};

// Whether the process ends by it.
bool ends(const std::function<void()>& act) {
  return Child([&act](const Meeting&) {
           ::close(STDERR_FILENO);
           act();
           return 0;
         }).join() == -SIGABRT;
}

}  // namespace

Test(checked_memory, ones_own_may_be_read_and_written) {
  ScratchDirectory scratch;
  cr_assert_not(ends([&] {
    const View own(scratch, 0, 0);
    own.word(0).store(5, std::memory_order_release);
    own.word(0).fetch_add(1);
    if (own.word(0).load() != 6) std::abort();
  }));
}

Test(checked_memory, anothers_may_be_written) {
  ScratchDirectory scratch;
  cr_assert_not(ends([&] { View(scratch, 1, 0).word(0).store(5, std::memory_order_release); }));
  cr_assert_not(ends([&] {
    if (View(scratch, 1, 1).word(0).load() != 5) std::abort();
  }));
}

Test(checked_memory, anothers_is_read_during_setup_only) {
  ScratchDirectory scratch;
  cr_assert_not(ends([&] {
    const View other(scratch, 1, 0);
    const Retrieval setup;
    static_cast<void>(other.word(0).load());
  }));
  cr_assert(ends([&] { static_cast<void>(View(scratch, 1, 0).word(0).load()); }));
}

Test(checked_memory, nothing_atomic_is_done_to_anothers) {
  ScratchDirectory scratch;
  cr_assert(ends([&] { View(scratch, 1, 0).word(0).fetch_add(1); }));
  cr_assert(ends([&] {
    const Retrieval setup;
    View(scratch, 1, 0).word(0).exchange(1);
  }));
}

Test(checked_memory, a_line_has_one_writer) {
  ScratchDirectory scratch;
  cr_assert_not(ends([&] { View(scratch, 0, 0).word(0).store(1, std::memory_order_release); }));
  cr_assert_not(ends([&] { View(scratch, 0, 1).word(kCacheLine).store(1, std::memory_order_release); }));
  cr_assert(ends([&] { View(scratch, 0, 1).word(8).store(1, std::memory_order_release); }));
  cr_assert(ends([&] { View(scratch, 0, 0).word(kCacheLine + 8).store(1, std::memory_order_release); }));
}

Test(checked_memory, until_it_is_given_away) {
  ScratchDirectory scratch;
  cr_assert_not(ends([&] {
    View own(scratch, 0, 0);
    own.word(0).store(1, std::memory_order_release);
    own.checked.give_away(own.checked.mapping().data(), 1);
  }));
  cr_assert_not(ends([&] { View(scratch, 0, 1).word(8).store(1, std::memory_order_release); }));
  cr_assert(ends([&] { View(scratch, 0, 0).word(8).store(1, std::memory_order_release); }));
}

Test(checked_memory, a_long_copy_counts_line_by_line) {
  ScratchDirectory scratch;
  cr_assert_not(ends([&] { View(scratch, 0, 0).word(kPageSize).store(1, std::memory_order_release); }));
  static std::byte bytes[3 * kPageSize];
  cr_assert_not(ends([&] { std::memcpy(View(scratch, 0, 1).checked.mapping().data(), bytes, kPageSize); }));
  cr_assert(ends([&] { std::memcpy(View(scratch, 0, 1).checked.mapping().data(), bytes, sizeof bytes); }));
}

#endif
