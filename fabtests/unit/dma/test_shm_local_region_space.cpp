// SPDX-License-Identifier: BSD-2-Clause
// Blocks of a region, and what happens when there is no room for more.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "../os/log_capture.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kBlock = 16384;
constexpr std::size_t kStep = 65536;  // the most that is reserved ahead

struct Block {
  std::uint64_t offset = 0;
  std::byte* address = nullptr;
};

std::size_t reserved(const std::string& path) { return static_cast<std::size_t>(status_of(path).st_blocks) * 512; }

// Takes blocks until there is no more room, writing to every page. How many there were.
std::size_t exhaust(LocalRegion& region) {
  Block block;
  std::size_t blocks = 0;
  int error = 0;
  while ((error = region.allocate(kBlock, &block.offset, &block.address)) == 0) {
    std::memset(block.address, 'x', kBlock);
    ++blocks;
  }
  cr_assert_eq(error, -ENOSPC);
  return blocks;
}

}  // namespace

Test(shm_local_region_space, blocks_are_zeroed_apart_and_stay_in_place) {
  ShmPlace place;
  const auto region = place.published("a");
  Block blocks[50];
  for (auto& block : blocks) {
    cr_assert_eq(region->allocate(kBlock, &block.offset, &block.address), 0);
    cr_assert_eq(block.offset % kPageSize, 0);
    cr_assert_eq(block.address, region->header() + block.offset);
    cr_assert(all_zero(block.address, kBlock));
    std::memset(block.address, 1 + static_cast<int>(&block - blocks), kBlock);
  }
  for (const auto& block : blocks) {
    const std::byte own{static_cast<unsigned char>(1 + (&block - blocks))};
    cr_assert(std::all_of(block.address, block.address + kBlock, [own](std::byte value) { return value == own; }));
  }
  cr_assert(all_zero(region->header(), kPageSize));
}

Test(shm_local_region_space, a_released_block_comes_back_as_zeros) {
  ShmPlace place;
  const auto region = place.published("a");
  Block first, second, third;
  cr_assert_eq(region->allocate(kBlock, &first.offset, &first.address), 0);
  cr_assert_eq(region->allocate(kPageSize, &second.offset, &second.address), 0);
  std::memset(first.address, 'x', kBlock);
  region->release(first.offset, kBlock);
  region->release(second.offset, kPageSize);
  cr_assert_eq(region->allocate(kBlock, &third.offset, &third.address), 0);
  cr_assert_eq(third.offset, first.offset);
  cr_assert(all_zero(third.address, kBlock));
}

Test(shm_local_region_space, taking_and_releasing_does_not_grow) {
  ShmPlace place;
  const auto region = place.published("a");
  for (int turn = 0; turn < 100; ++turn) {
    Block blocks[10];
    for (auto& block : blocks) cr_assert_eq(region->allocate(kBlock, &block.offset, &block.address), 0);
    for (const auto& block : blocks) region->release(block.offset, kBlock);
  }
  cr_assert_leq(reserved(place.path("a")), 10 * kBlock + kPageSize + kStep);
}

Test(shm_local_region_space, reserves_little_ahead) {
  ShmPlace place;
  const auto region = place.published("a");
  cr_assert_leq(reserved(place.path("a")), kStep, "an endpoint without peers");
  Block block;
  for (int i = 0; i < 100; ++i) cr_assert_eq(region->allocate(kBlock, &block.offset, &block.address), 0);
  cr_assert_leq(reserved(place.path("a")), 100 * kBlock + kPageSize + kStep);
}

Test(shm_local_region_space, ends_at_its_own_limit) {
  const LogCapture log;
  ShmSettings settings;
  settings.region_limit = 10 * kBlock;
  ShmPlace place(settings);
  const auto region = place.published("a");
  cr_assert_eq(exhaust(*region), 9, "the header needs a page");
  cr_assert_eq(log.warnings(), 1);
  cr_assert_eq(exhaust(*region), 0);
  cr_assert_eq(log.warnings(), 1, "said once");
}

Test(shm_local_region_space, ends_at_the_file_size_limit_without_a_signal) {
  const LogCapture log;
  ShmPlace place;
  const auto region = place.published("a");
  const rlimit limit{100 * 1024, 100 * 1024};
  cr_assert_eq(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  cr_assert_eq(exhaust(*region), 6, "as many as fit, though not a whole step");
  cr_assert(log.warned_of("ulimit -f"));
}

Test(shm_local_region_space, says_when_address_space_is_short) {
  const LogCapture log;
  ShmSettings settings;
  settings.region_limit = std::size_t{1} << 50;
  ShmPlace place(settings);
  cr_assert_null(place.unpublished("a").get());
  cr_assert(log.warned_of("ulimit -v"));
}

Test(shm_local_region_space, a_full_file_system_is_an_error_and_never_a_fault) {
  enter_own_mounts();
  const LogCapture log;
  ShmPlace place;
  mount_memory(place.scratch.path(), "size=1m");
  {
    const auto region = place.published("a");
    cr_assert_not_null(region.get());
    cr_assert_eq(exhaust(*region), 63);
    cr_assert_eq(log.warnings(), 1);
    cr_assert(log.warned_of(place.path("a")) && log.warned_of("4096 bytes") && log.warned_of("remount,size"));
    std::unique_ptr<LocalRegion> second;
    cr_assert_eq(place.device.create(named("b"), kBlock, &second), -ENOSPC);
    cr_assert_eq(log.warnings(), 2);
    cr_assert_eq(place.scratch.entries(), 1);
  }
  cr_assert_not_null(place.unpublished("b", std::size_t{512} * 1024).get(), "everything was given back");
  cr_assert_eq(::umount(place.scratch.path().c_str()), 0);
}

Test(shm_local_region_space, survives_being_cut_by_somebody) {
  ShmPlace place;
  const auto region = place.published("a");
  Block block;
  cr_assert_eq(region->allocate(kBlock, &block.offset, &block.address), 0);
  cr_assert_eq(::truncate(place.path("a").c_str(), 0), 0);
  cr_assert(region->intact());
  region->header()[0] = std::byte{1};
  std::memset(block.address, 1, kBlock);
  cr_assert_not(region->intact());
  cr_assert_eq(region->allocate(kBlock, &block.offset, &block.address), -EIO);
}
