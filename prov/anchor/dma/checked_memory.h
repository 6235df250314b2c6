// SPDX-License-Identifier: BSD-2-Clause
// A window's memory that ends the process at an access that the protocol rules out: for tests.
//
// Of another host's partition: a load while nothing is being set up, and an atomic instruction. Of any partition: a
// store to a line that another host has stored to since the line was given away last. Every instruction counts, in
// whatever library; which host owns which line is kept in a file that all of them share. What it does not see is said
// in FORMAT.md. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "dma/device.h"
#include "os/access_trap.h"
#include "os/shared_memory.h"

namespace anchor {

class CheckedMemory final : public AccessJudge {
 public:
  // Whose memory it is, and who we are.
  struct Hosts {
    std::uint32_t owner;
    std::uint32_t ours;
  };

  // Once. `memory`: a mapping of `file` from `offset`; `directory`: of the file that says who owns the lines. Negated
  // errno value, with a warning.
  int open(std::shared_ptr<const Mapping> memory, const FileIdentity& file, std::uint64_t offset, const Hosts& hosts,
           const std::string& directory) noexcept;

  const Mapping& mapping() const noexcept { return *memory_; }

  // Whoever stores to these lines next owns them.
  void give_away(const std::byte* from, std::size_t bytes) noexcept;

  void judge(const std::byte* address, std::size_t bytes, Access access) noexcept override;

 private:
  using LineOwner = std::atomic<std::uint8_t>;  // host + 1; 0: nobody

  template <class Act>
  void for_each_line(const std::byte* from, std::size_t bytes, Act&& act) noexcept;
  [[noreturn]] void object(const std::byte* address, const char* what) const noexcept;

  std::shared_ptr<const Mapping> memory_;
  Mapping owners_;
  Hosts hosts_{};
  AccessTrap trap_;  // goes before what it stands for
};

}  // namespace anchor
