// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <cstring>

#include "dma/window_partition.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// Host 0's partition, set up by a device that is closed again.
struct Partition {
  Partition() {
    cr_assert_not_null(places.device(0).get());
    cr_assert_eq(partition.open(places.config(0).partitions[0]), 0);
  }
  PartitionHeader& header() { return *partition_header(partition.base()); }
  bool disagrees(const std::string& about) {
    std::string reason;
    return partition.look(0, 2, &reason) == PartitionState::kDisagreeing && reason.find(about) != reason.npos;
  }
  WindowPlaces places;
  WindowPartition partition;
};

}  // namespace

Test(window_partition, zeros_are_a_new_one) {
  const WindowPlaces places;
  WindowPartition partition;
  std::string reason;
  cr_assert_eq(partition.open(places.config(0).partitions[0]), 0);
  cr_assert(partition.look(0, 2, &reason) == PartitionState::kNew);
  partition_header(partition.base())->magic = kWindowMagic;  // its host is at it, or died at it
  cr_assert(partition.look(0, 2, &reason) == PartitionState::kNew);
  cr_assert_eq(partition.reserve(), 0);
}

Test(window_partition, is_compared_with_the_configuration) {
  Partition p;
  std::string reason;
  cr_assert(p.partition.look(0, 2, &reason) == PartitionState::kValid);
  cr_assert(p.partition.look(0, 3, &reason) == PartitionState::kDisagreeing);
  cr_assert(reason.find("partition 0: its number of hosts is 2, ours 3") != reason.npos, "%s", reason.c_str());
  cr_assert(p.partition.look(1, 2, &reason) == PartitionState::kDisagreeing);
  cr_assert(reason.find("its host number is 0, ours 1") != reason.npos, "%s", reason.c_str());
}

Test(window_partition, says_which_field_differs) {
  Partition p;
  p.header().version.store(kWindowVersion + 1);
  cr_assert(p.disagrees("its version is " + std::to_string(kWindowVersion + 1) + ", ours"));
  p.header().version.store(kWindowVersion);
  p.header().length = 64;
  cr_assert(p.disagrees("its header length is 64, ours 128"));
  p.header().length = sizeof(PartitionHeader);
  p.header().size = 4096;
  cr_assert(p.disagrees("its size is 4096, ours 8388608"));
}

Test(window_partition, something_else_is_told_apart) {
  Partition p;
  std::string reason;
  p.header().magic = 42;
  cr_assert(p.partition.look(0, 2, &reason) == PartitionState::kInvalid);
  cr_assert(reason.find("something that is no window") != reason.npos);
  std::memset(p.partition.base(), 0xff, 4096);
  cr_assert(p.partition.look(0, 2, &reason) == PartitionState::kInvalid);
}

Test(window_partition, refuses_what_is_not_there) {
  const WindowPlaces places;
  const LogCapture log;
  WindowPartition missing, small, folder;
  cr_assert_eq(missing.open({places.scratch.file("missing"), 0, 4 << 20}), -ENOENT);
  cr_assert(log.warned_of("cannot open it"));
  cr_assert_eq(small.open({places.scratch.file("memory"), 8 << 20, 9 << 20}), -EINVAL);
  cr_assert(log.warned_of("it has 16777216 bytes, but the configuration speaks of 17825792"));
  cr_assert_eq(folder.open({places.scratch.path(), 0, 4 << 20}), -EISDIR);
}

Test(window_partition, parts_keep_the_whole_alive) {
  Mapping part;
  const WindowPlaces places;
  {
    WindowPartition partition;
    cr_assert_eq(partition.open(places.config(0).partitions[0]), 0);
    part = partition.part(kPageSize, kPageSize);
    std::memset(partition.base() + kPageSize, 'x', kPageSize);
  }
  cr_assert(part.data()[kPageSize - 1] == std::byte{'x'});
  cr_assert_not(part.lost());
}

Test(window_partition, a_file_that_is_cut_short_is_lost) {
  Partition p;
  cr_assert_not(p.partition.lost());
  cr_assert_eq(::truncate(p.places.scratch.file("memory").c_str(), 4096), 0);
  p.partition.base()[1 << 20] = std::byte{1};
  cr_assert(p.partition.lost());
}
