// SPDX-License-Identifier: BSD-2-Clause
// One memory as two hosts see it through simulated caches.
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "dma/simulated_memory.h"
#include "shm_place.h"

namespace anchor::unit {

struct SimulatedPair {
  explicit SimulatedPair(std::size_t size = 1 << 20) : bytes(size) {
    const int fd = ::open(scratch.file("memory").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(::ftruncate(fd, static_cast<off_t>(bytes)), 0);
    struct stat status {};
    cr_assert_eq(::fstat(fd, &status), 0);
    file = identity_of(status);
    memory = map(fd);
    for (std::uint32_t host = 0; host < 2; ++host)
      cr_assert_eq(hosts[host].open(map(fd), file, 0, host, scratch.path()), 0);
    ::close(fd);
  }

  std::byte* at(int host, std::size_t offset = 0) const { return hosts[host].cache().data() + offset; }
  std::atomic<std::uint64_t>& word(int host, std::size_t offset) const {
    return *reinterpret_cast<std::atomic<std::uint64_t>*>(at(host, offset));
  }
  std::uint64_t in_memory(std::size_t offset) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(memory->data() + offset)->load();
  }

  ScratchDirectory scratch;
  std::size_t bytes;
  FileIdentity file;
  std::shared_ptr<const Mapping> memory;
  SimulatedMemory hosts[2];

 private:
  std::shared_ptr<const Mapping> map(int fd) const {
    auto lost = std::make_shared<LostFlag>(false);
    std::byte* address = nullptr;
    cr_assert_eq(map_guarded(fd, 0, bytes, lost.get(), &address), 0);
    return std::make_shared<const Mapping>(Mapping(address, bytes, std::move(lost)));
  }
};

}  // namespace anchor::unit
