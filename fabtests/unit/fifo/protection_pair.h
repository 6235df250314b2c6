// SPDX-License-Identifier: BSD-2-Clause
// A protection table and a view of it over plain memory, in which a test may also scribble.
#pragma once

#include <criterion/criterion.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "fifo/protection_table.h"
#include "fifo/protection_view.h"
#include "fifo_pair.h"

namespace anchor::unit {

// What both sides see: a header of one page with the directory, and blocks behind it.
struct PlainMemory {
  static constexpr std::size_t kSize = 4u << 20;
  std::unique_ptr<std::byte[], FreeMemory> bytes = zeroed(kSize);
  std::size_t limit = kSize;
  std::size_t used = kPageSize;
  unsigned mappings = 0;

  std::byte* directory() const { return bytes.get() + 256; }
};

class PlainLocal final : public LocalRegion {
 public:
  explicit PlainLocal(PlainMemory& memory) : memory_(memory) {}
  std::byte* header() noexcept override { return memory_.bytes.get(); }
  int publish() noexcept override { return 0; }
  int allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept override {
    if (bytes > memory_.limit - memory_.used) return -ENOSPC;
    *offset = memory_.used;
    *address = memory_.bytes.get() + memory_.used;
    memory_.used += bytes;
    return 0;
  }
  void release(std::uint64_t, std::size_t) noexcept override {}

 private:
  PlainMemory& memory_;
};

class PlainRemote final : public RemoteRegion {
 public:
  explicit PlainRemote(PlainMemory& memory) : memory_(memory) {}
  // No guarded mapping begins here, so unmapping does nothing.
  int map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept override {
    if (offset > memory_.limit || bytes > memory_.limit - offset) return -EPROTO;
    ++memory_.mappings;
    *mapping = Mapping(memory_.bytes.get() + offset, bytes, lost_);
    return 0;
  }
  bool alive() noexcept override { return true; }
  int claim_contact(unsigned) noexcept override { return 0; }
  void release_contact() noexcept override {}

 private:
  PlainMemory& memory_;
  std::shared_ptr<LostFlag> lost_ = std::make_shared<LostFlag>(false);
};

struct ProtectionPair {
  PlainMemory memory;
  PlainLocal local{memory};
  PlainRemote remote{memory};
  ProtectionTable table{memory.directory(), local};
  ProtectionView view{memory.directory(), kProtectionChunks, kPageSize, remote};

  ProtectionDirectory& directory() { return *reinterpret_cast<ProtectionDirectory*>(memory.directory()); }
  ProtectionRow& row(std::uint32_t number) {
    const std::uint32_t chunk = chunk_of(number);
    std::byte* rows = memory.bytes.get() + directory().chunks[chunk].load();
    return reinterpret_cast<ProtectionRow*>(rows)[number - chunk_start(chunk)];
  }

  std::uint32_t add(std::uint64_t key, std::uint64_t base = 0, std::uint64_t length = 100,
                    std::uint64_t address = 0x10000, std::uint32_t rights = kMayRead | kMayWrite) {
    const ProtectionTerms terms{key, base, length, address, rights, 0};
    std::uint32_t first = kMaxRows;
    cr_assert_eq(table.add(&terms, 1, &first), 0);
    return first;
  }
  int check(std::uint64_t key, std::uint64_t address = 0, std::uint64_t length = 1, std::uint32_t rights = kMayRead) {
    pieces = {};
    return view.check({key, address, length, rights}, &pieces);
  }
  // What the only piece is: its address.
  std::uint64_t place(std::uint32_t piece = 0) const {
    return reinterpret_cast<std::uint64_t>(pieces.list[piece].iov_base);
  }

  ProtectedPieces pieces;
};

}  // namespace anchor::unit
