// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "../os/shared_file.h"
#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kPages = 4;
constexpr int kUses = 16;  // before a row is looked into

// b lets a into memory of a file (key 1), into the same with a page of private memory behind it (key 2).
struct Shared : Couple {
  explicit Shared(const EndpointSettings& settings = quick()) : Couple(settings) {
    pages.put(0, kPages, file, 0);
    b.expose(region, 1, pages.at(0), kPages * kFilePage);
    b.expose(wider, 2, pages.at(0), (kPages + 1) * kFilePage);
  }
  ~Shared() {
    b.memory.remove(&region);
    b.memory.remove(&wider);
  }

  // Writes until it has completed, and says how.
  int write(std::uint64_t address, std::uint64_t value, std::uint64_t key = 1) {
    cr_assert_eq(a.access(WorkType::kWrite, to_b, {address, 8, key}, &value), 0);
    return await(a, b).error;
  }
  std::uint64_t read(std::uint64_t address, std::uint64_t key = 1) {
    std::uint64_t value = ~std::uint64_t{0};
    cr_assert_eq(a.access(WorkType::kRead, to_b, {address, 8, key}, &value), 0);
    cr_assert_eq(await(a, b).error, 0);
    return value;
  }
  void warm_up() {
    for (int i = 0; i < kUses; ++i) cr_assert_eq(write(0, 0), 0);
  }
  std::uint64_t word(std::uint64_t address) const {
    std::uint64_t value;
    std::memcpy(&value, pages.at(0) + address, sizeof value);
    return value;
  }
  std::size_t mapped() { return at_a().mapped ? at_a().mapped->count() : 0; }

  const UniqueFd file = nameless_file(kPages);
  Pages pages{kPages + 1};
  MemoryRegion region, wider;
};

}  // namespace

Test(rma_mapped, memory_of_a_file_is_written_to_at_once) {
  Shared shared;
  shared.warm_up();
  cr_assert_eq(shared.mapped(), 1u);
  std::uint64_t value = 77;
  cr_assert_eq(shared.a.access(WorkType::kWrite, shared.to_b, {8, 8, 1}, &value), 0);
  cr_assert_eq(shared.word(8), 77u, "without the target, within the call");
  Event event;
  cr_assert(shared.a.next(&event));
  cr_assert_eq(event.completion.flags, kCompletionRma | kCompletionWrite);
  cr_assert_eq(shared.read(8), 77u);
  cr_assert_eq(shared.at_a().unanswered, 0u);
}

Test(rma_mapped, all_lengths_and_places) {
  Shared shared;
  shared.warm_up();
  for (const std::size_t length : {1, 2, 3, 7, 9, 16, 33, 64, 65, 1000, 4096, 10'000}) {
    const auto out = bytes_of(length, static_cast<unsigned>(length));
    std::vector<unsigned char> in(length);
    for (const std::uint64_t place : {std::uint64_t{0}, std::uint64_t{5}, kPages * kFilePage - length}) {
      cr_assert_eq(
          shared.a.access(WorkType::kWrite, shared.to_b, {place, length, 1}, const_cast<unsigned char*>(out.data())),
          0);
      cr_assert_eq(await(shared.a).error, 0);
      cr_assert_eq(std::memcmp(shared.pages.at(0) + place, out.data(), length), 0);
      cr_assert_eq(shared.a.access(WorkType::kRead, shared.to_b, {place, length, 1}, in.data()), 0);
      cr_assert_eq(await(shared.a).error, 0);
      cr_assert(in == out);
    }
  }
}

Test(rma_mapped, several_targets_and_segments) {
  Shared shared;
  shared.warm_up();
  char out[] = "0123456789";
  const iovec segments[] = {{out, 3}, {out + 3, 7}};
  const RemoteTarget targets[] = {{100, 6, 1}, {200, 0, 1}, {300, 4, 1}};
  const WorkRequest work = shared.a.request(WorkType::kWrite, kWantCompletion, segments, 2, shared.to_b, 0, 0);
  cr_assert_eq(begin_remote(shared.a.exchange, shared.at_a(), {work, 3, targets}), 0);
  cr_assert_eq(await(shared.a).error, 0);
  cr_assert_eq(std::memcmp(shared.pages.at(0) + 100, "012345", 6), 0);
  cr_assert_eq(std::memcmp(shared.pages.at(0) + 300, "6789", 4), 0);
}

Test(rma_mapped, memory_that_is_not_all_a_files_is_copied) {
  Shared shared;
  for (std::uint64_t i = 0; i < 100; ++i) {
    cr_assert_eq(shared.write(8, i, 2), 0);
    cr_assert_eq(shared.word(8), i);
  }
  cr_assert_eq(shared.mapped(), 0u);
}

Test(rma_mapped, both_ways_to_one_place_keep_their_order) {
  Shared shared;
  shared.warm_up();
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::uint64_t values[] = {3 * i, 3 * i + 1, 3 * i + 2}, found[2] = {};
    cr_assert_eq(shared.a.access(WorkType::kWrite, shared.to_b, {0, 8, 2}, &values[0]), 0);
    cr_assert_eq(shared.a.access(WorkType::kWrite, shared.to_b, {0, 8, 1}, &values[1]), 0);
    cr_assert_eq(shared.a.access(WorkType::kRead, shared.to_b, {0, 8, i % 2 + 1}, &found[0]), 0);
    cr_assert_eq(shared.a.access(WorkType::kWrite, shared.to_b, {0, 8, 2}, &values[2]), 0);
    cr_assert_eq(shared.a.access(WorkType::kRead, shared.to_b, {0, 8, 1}, &found[1]), 0);
    for (int events = 0; events < 5; ++events) {
      // Now and then the target is somewhere else, and what is in its FIFO is taken over.
      const Event event = i % 50 == 49 ? await(shared.a) : await(shared.a, shared.b);
      cr_assert_eq(event.error, 0);
    }
    cr_assert_eq(found[0], values[1]);
    cr_assert_eq(found[1], values[2]);
  }
  cr_assert_eq(shared.mapped(), 1u);
}

Test(rma_mapped, nothing_is_stored_while_an_earlier_one_is_in_the_fifo) {
  Shared shared;
  shared.warm_up();
  for (int i = 0; i < 100; ++i) shared.b.progress();
  std::uint64_t first = 1, second = 2;
  cr_assert_eq(shared.a.access(WorkType::kWrite, shared.to_b, {0, 8, 2}, &first), 0);
  if (shared.at_a().unanswered == 0) cr_skip_test("it went directly");
  for (int i = 0; i < 60; ++i) cr_assert_eq(shared.a.access(WorkType::kWrite, shared.to_b, {0, 8, 1}, &second), 0);
  cr_assert_eq(shared.word(0), 0u);
  for (int i = 0; i < 61; ++i) cr_assert_eq(await(shared.a, shared.b).error, 0);
  cr_assert_eq(shared.word(0), 2u);
}

Test(rma_mapped, a_file_that_is_cut_short_is_an_error_and_no_more) {
  Shared shared;
  shared.warm_up();
  cr_assert_eq(::ftruncate(shared.file.get(), 0), 0);
  cr_assert_eq(shared.write(0, 1), EFAULT);
  cr_assert_eq(shared.mapped(), 0u);
  cr_assert_eq(::ftruncate(shared.file.get(), static_cast<off_t>(kPages * kFilePage)), 0);
  for (std::uint64_t i = 1; i < 50; ++i) {
    cr_assert_eq(shared.write(0, i), 0);
    cr_assert_eq(shared.word(0), i);
  }
  cr_assert_eq(shared.mapped(), 1u, "it is mapped again");
}

Test(rma_mapped, what_was_closed_is_not_touched_and_unmapped) {
  Shared shared;
  shared.warm_up();
  shared.b.memory.remove(&shared.region);
  cr_assert_eq(shared.write(0, 5), EKEYREJECTED);
  cr_assert_eq(shared.word(0), 0u);
  cr_assert(until([&] { return shared.mapped() == 0; }, shared.a));
}

Test(rma_mapped, memory_that_was_replaced_is_found_after_a_refresh) {
  Shared shared;
  shared.warm_up();
  const UniqueFd other = nameless_file(kPages);
  shared.pages.put(0, kPages, other, 0);
  shared.b.memory.refresh(&shared.region);
  for (std::uint64_t i = 1; i < 50; ++i) {
    cr_assert_eq(shared.write(0, i), 0);
    cr_assert_eq(shared.word(0), i);
  }
  cr_assert_eq(shared.mapped(), 1u);
}

// A table that changes without saying so: nothing outside of what was mapped is touched. Copying is out of the
// question, as both are the same process here.
Test(rma_mapped, a_table_that_lies) {
  class Refusing final : public DirectCopy {
    std::ptrdiff_t read(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EFAULT; }
    std::ptrdiff_t write(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EFAULT; }
  };
  Shared shared;
  shared.warm_up();
  shared.at_a().direct = std::make_unique<Refusing>();
  std::byte* header = shared.b.exchange.region->header();
  const auto* directory = reinterpret_cast<const ProtectionDirectory*>(header + kProtectionOffset);
  auto& row = *reinterpret_cast<ProtectionRow*>(header + directory->chunks[0].load());
  cr_assert_eq(row.key.load(), 1u);
  const std::uint64_t place = row.address.load(), length = row.length.load();
  const std::uint64_t shifts[] = {0, 8, ~std::uint64_t{7}, length - 8, length, 0x10'0000, std::uint64_t{1} << 40};
  for (const std::uint64_t shift : shifts) {
    for (const std::uint64_t size : {length, length + 8, 2 * length, ~std::uint64_t{0}}) {
      for (const std::uint64_t address : {std::uint64_t{0}, length - 8, length, 2 * length - 8}) {
        row.address.store(place + shift);
        row.length.store(size);
        const bool inside = shift + address <= length - 8;
        const int error = shared.write(address, 77);
        row.address.store(place);
        row.length.store(length);
        if (inside && address + 8 <= size) cr_assert_eq(error, 0);
        if (inside && error == 0) cr_assert_eq(shared.read(shift + address), 77u);
      }
    }
  }
  cr_assert_eq(shared.mapped(), 1u);
}

Test(rma_mapped, who_does_not_want_it_does_without) {
  EndpointSettings settings = quick();
  settings.mapping = false;
  Shared shared(settings);
  for (std::uint64_t i = 0; i < 50; ++i) cr_assert_eq(shared.write(0, i), 0);
  cr_assert_eq(shared.mapped(), 0u);
}

Test(rma_mapped, the_end_of_a_peer_is_that_of_its_mappings) {
  Shared shared;
  shared.warm_up();
  shared.b.crash();
  cr_assert(until([&] { return shared.at_a().mapped == nullptr; }, shared.a));
}
