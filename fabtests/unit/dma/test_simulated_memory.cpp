// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include "os/cacheline.h"
#include "simulated_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(simulated_memory, a_store_is_seen_after_both_have_done_their_part) {
  SimulatedPair pair;
  pair.word(0, 128).store(7);
  cr_assert_eq(pair.in_memory(128), 0u, "not written back");
  SimulatedMemory::write_back(pair.at(0, 128));
  cr_assert_eq(pair.in_memory(128), 7u);
  cr_assert_eq(pair.word(1, 128).load(), 0u, "an old copy");
  SimulatedMemory::renew(pair.at(1, 128));
  cr_assert_eq(pair.word(1, 128).load(), 7u);
}

Test(simulated_memory, a_line_that_is_dropped_is_written_back_first) {
  SimulatedPair pair;
  pair.word(0, 0).store(7);
  SimulatedMemory::renew(pair.at(0));
  cr_assert_eq(pair.in_memory(0), 7u);
  cr_assert_eq(pair.word(0, 0).load(), 7u);
}

Test(simulated_memory, one_that_was_not_changed_is_not) {
  SimulatedPair pair;
  pair.word(0, 0).store(7);
  SimulatedMemory::write_back(pair.at(0));
  SimulatedMemory::write_back(pair.at(1));
  cr_assert_eq(pair.in_memory(0), 7u);
}

Test(simulated_memory, two_writers_of_a_line_lose) {
  SimulatedPair pair;
  pair.word(0, 0).store(7);
  pair.word(1, 8).store(8);
  SimulatedMemory::write_back(pair.at(0));
  SimulatedMemory::write_back(pair.at(1));
  cr_assert_eq(pair.in_memory(8), 8u);
  cr_assert_eq(pair.in_memory(0), 0u, "the second had an old copy of it");
}

Test(simulated_memory, lines_are_apart) {
  SimulatedPair pair;
  pair.word(0, 0).store(7);
  pair.word(0, kCacheLine).store(8);
  SimulatedMemory::write_back(pair.at(0, kCacheLine + 63));
  cr_assert_eq(pair.in_memory(0), 0u);
  cr_assert_eq(pair.in_memory(kCacheLine), 8u);
}

// Processors of one host have one cache: what one stores the other has, and dropping the line loses nothing.
Test(simulated_memory, nothing_is_lost_that_a_host_stores_while_it_drops) {
  SimulatedPair pair;
  constexpr std::uint64_t kStores = 20000;
  std::thread dropper([&] {
    while (pair.word(0, 0).load() < kStores) SimulatedMemory::renew(pair.at(0));
  });
  for (std::uint64_t i = 1; i <= kStores; ++i) {
    pair.word(0, 0).store(i);
    pair.word(0, 8).store(i);
    cr_assert_eq(pair.word(0, 0).load(), i);
  }
  dropper.join();
  SimulatedMemory::renew(pair.at(0));
  cr_assert_eq(pair.in_memory(8), kStores);
}

// Bytes of a line come with its first word.
Test(simulated_memory, a_line_moves_as_a_whole) {
  SimulatedPair pair;
  constexpr std::uint64_t kStores = 20000;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kStores; ++i) {
      for (std::size_t offset = 8; offset < kCacheLine; offset += 8) pair.word(0, offset).store(i);
      pair.word(0, 0).store(i);
      if (i % 3 != 0) SimulatedMemory::write_back(pair.at(0));
    }
    SimulatedMemory::write_back(pair.at(0));
  });
  for (std::uint64_t seen = 0; seen != kStores;) {
    SimulatedMemory::renew(pair.at(1));
    seen = pair.word(1, 0).load();
    cr_assert_geq(pair.word(1, 56).load(), seen);
  }
  writer.join();
}

Test(simulated_memory, a_killed_process_leaves_no_lock_behind) {
  SimulatedPair pair;
  for (int round = 0; round < 20; ++round) {
    Child child([&pair](const Meeting& meeting) {
      SimulatedMemory own;
      const int fd = ::open(pair.scratch.file("memory").c_str(), O_RDWR | O_CLOEXEC);
      auto lost = std::make_shared<LostFlag>(false);
      std::byte* address = nullptr;
      if (map_guarded(fd, 0, pair.bytes, lost.get(), &address) != 0) return 1;
      auto mapping = std::make_shared<const Mapping>(Mapping(address, pair.bytes, lost));
      if (own.open(mapping, pair.file, 0, 0, pair.scratch.path()) != 0) return 2;
      meeting.tell();
      for (std::uint64_t i = 0;; ++i) {
        reinterpret_cast<std::atomic<std::uint64_t>*>(own.cache().data())->store(i);
        SimulatedMemory::write_back(own.cache().data());
      }
      return 0;
    });
    cr_assert(child.await());
    child.kill();
    SimulatedMemory::renew(pair.at(1));
  }
}

Test(simulated_memory, other_addresses_are_nobodys) {
  std::uint64_t own = 5;
  SimulatedMemory::write_back(&own);
  SimulatedMemory::renew(&own);
  cr_assert_eq(own, 5u);
}
