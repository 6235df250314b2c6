// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "child_process.h"
#include "guarded_file.h"
#include "os/signals_blocked.h"

using namespace anchor;
using namespace anchor::unit;

Test(guarded_mapping, shares_the_file) {
  const ScratchDirectory scratch;
  const Guarded guarded(scratch);
  guarded.at(100) = 'x';
  char byte = 0;
  cr_assert_eq(::pread(guarded.file.get(), &byte, 1, 100), 1);
  cr_assert_eq(byte, 'x');
  cr_assert_not(guarded.lost.load());
}

Test(guarded_mapping, a_cut_file_turns_into_zeros) {
  const ScratchDirectory scratch;
  const Guarded guarded(scratch), other(scratch);
  guarded.at(0) = 'x';
  other.at(0) = 'y';
  guarded.cut();
  errno = 4711;
  cr_assert_eq(guarded.at(8192), 0);
  cr_assert_eq(errno, 4711);
  cr_assert_eq(guarded.at(0), 0, "the whole mapping is replaced");
  guarded.at(4096) = 'z';
  cr_assert_eq(guarded.at(4096), 'z');
  cr_assert(guarded.lost.load());
  cr_assert_eq(other.at(0), 'y');
  cr_assert_not(other.lost.load());
}

Test(guarded_mapping, a_file_cut_by_another_process_while_it_is_touched) {
  const ScratchDirectory scratch;
  const Guarded guarded(scratch);
  Child cutter([&](const Meeting& meeting) {
    meeting.await();
    return ::ftruncate(guarded.file.get(), 0);
  });
  cutter.tell();
  while (!guarded.lost.load()) guarded.at(4096) = 'x';
  cr_assert_eq(cutter.join(), 0);
}

Test(guarded_mapping, many_threads_fault_at_once) {
  const ScratchDirectory scratch;
  const Guarded guarded(scratch);
  std::vector<std::thread> threads;
  guarded.cut();
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&guarded, i] {
      for (int turn = 0; turn < 1000; ++turn) guarded.at(i * 4096) = 'x';
    });
  }
  for (auto& thread : threads) thread.join();
  cr_assert(guarded.lost.load());
}

// Mappings come and go in one thread while another one's fault: the table is read by a handler meanwhile.
Test(guarded_mapping, faults_while_others_map_and_unmap) {
  const ScratchDirectory scratch;
  std::atomic<bool> stop{false};
  std::thread mapper([&] {
    while (!stop) const Guarded passing(scratch);
  });
  for (int turn = 0; turn < 300; ++turn) {
    const Guarded guarded(scratch);
    guarded.cut();
    cr_assert_eq(guarded.at(0), 0);
    cr_assert(guarded.lost.load());
  }
  stop = true;
  mapper.join();
}

Test(guarded_mapping, a_child_has_neither_mapping_nor_claim_to_its_address) {
  const ScratchDirectory scratch;
  auto* const guarded = new Guarded(scratch);
  Child child([&](const Meeting&) {
    void* const taken = ::mmap(guarded->address, kBytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (taken != guarded->address) return 1;
    const Guarded own(scratch);
    static_cast<volatile char*>(taken)[0] = 'c';
    delete guarded;
    return static_cast<volatile char*>(taken)[0] == 'c' ? 0 : 2;
  });
  cr_assert_eq(child.join(), 0);
  guarded->at(0) = 'p';
  delete guarded;
}

// Threads that take no other signal.
Test(guarded_mapping, threads_of_ours_are_guarded) {
  const ScratchDirectory scratch;
  const Guarded guarded(scratch);
  guarded.cut();
  std::thread thread;
  {
    const SignalsBlocked blocked;
    thread = std::thread([&] { cr_assert_eq(guarded.at(0), 0); });
  }
  thread.join();
  cr_assert(guarded.lost.load());
}

Test(guarded_mapping, children_forked_while_another_thread_maps_can_map_too) {
  const ScratchDirectory scratch;
  std::atomic<bool> stop{false};
  std::thread mapper([&] {
    while (!stop) const Guarded passing(scratch);
  });
  for (int turn = 0; turn < 100; ++turn) {
    Child child([&](const Meeting&) {
      const Guarded guarded(scratch);
      guarded.cut();
      return guarded.at(0) == 0 && guarded.lost.load() ? 0 : 1;
    });
    cr_assert_eq(child.join(), 0);
  }
  stop = true;
  mapper.join();
}

Test(guarded_mapping, what_is_only_read_may_be_only_readable) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("readable");
  UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  cr_assert_eq(::pwrite(file.get(), "x", 1, 100), 1);
  file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  LostFlag lost{false};
  std::byte* address = nullptr;
  cr_assert_eq(map_guarded(file.get(), 0, 4096, &lost, &address), -EACCES);
  cr_assert_eq(map_guarded(file.get(), 0, 4096, &lost, &address, Touching::kReadOnly), 0);
  cr_assert(is_guard_in_force());
  cr_assert(address[100] == std::byte{'x'});
  cr_assert_eq(::truncate(path.c_str(), 0), 0);
  cr_assert(*const_cast<volatile std::byte*>(address + 100) == std::byte{0});
  cr_assert(lost.load());
  unmap_guarded(address, 4096, &lost);
  cr_assert_not(is_guard_in_force());
}
