// SPDX-License-Identifier: BSD-2-Clause
//
// What the check costs that comes before every read and write: whether the peer's memory protection table, mapped from
// another region, allows the access. Over the very objects that the plugin is made of, as no libfabric call does this
// alone. With one key all the time, and with many in turn; the rows have been found before.
//
//   protection_check MILLISECONDS
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "clock.h"
#include "dma/registry.h"
#include "fifo/protection_table.h"
#include "fifo/protection_view.h"
#include "report.h"
#include "stopwatch.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kMany = 1000;
constexpr std::size_t kLap = 64;  // checks between two time stamps
constexpr std::size_t kFewestLaps = 1000;
constexpr std::size_t kMostLaps = 200000;
constexpr std::size_t kDirectory = 256;
constexpr std::uint64_t kLength = 4096;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

class Folder {
 public:
  Folder() { require(mkdtemp(path_) != nullptr, "no folder in /dev/shm"); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path() const { return path_; }

 private:
  char path_[32] = "/dev/shm/protection-XXXXXX";
};

// A table in a region, and a view of it through a mapping of its own, as peers have one.
class Table {
 public:
  explicit Table(std::size_t regions) {
    const DeviceEntry* entry = find_device("shm");
    require(entry != nullptr, "no shm device");
    device_ = entry->open({.directory = folder_.path(), .direct_copy = true});
    const EndpointName name = EndpointName::from("anchor://measured");
    require(device_ && device_->create(name, kPageSize, &local_) == 0, "no region");
    table_ = std::make_unique<ProtectionTable>(local_->header() + kDirectory, *local_);
    for (std::uint64_t key = 0; key < regions; ++key) add(key);
    require(local_->publish() == 0 && device_->attach(name, &remote_) == 0, "the region is not found");
    require(remote_->map(0, kPageSize, &header_) == 0, "the region cannot be mapped");
    view_ = std::make_unique<ProtectionView>(header_.data() + kDirectory, kProtectionChunks, kPageSize, *remote_);
  }

  // Where the memory lies, so that nothing of the check is left out.
  std::uint64_t check(std::uint64_t key, std::uint64_t offset) {
    ProtectedPieces pieces;
    if (view_->check({key, offset, 8, kMayWrite}, &pieces) != 0) [[unlikely]]
      throw std::runtime_error("an access was refused");
    return reinterpret_cast<std::uint64_t>(pieces.list[0].iov_base);
  }

 private:
  void add(std::uint64_t key) {
    const ProtectionTerms terms{key, 0, kLength, (key + 1) * kLength, kMayRead | kMayWrite, 0};
    std::uint32_t first = 0;
    require(table_->add(&terms, 1, &first) == 0, "the table is full");
  }

  Folder folder_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<LocalRegion> local_;
  std::unique_ptr<ProtectionTable> table_;
  std::unique_ptr<RemoteRegion> remote_;
  Mapping header_;
  std::unique_ptr<ProtectionView> view_;
};

void measure(std::size_t regions, double milliseconds) {
  Table table(regions);
  for (std::uint64_t key = 0; key < regions; ++key) table.check(key, 0);
  Stopwatch stopwatch(kMostLaps);
  const std::uint64_t end = ticks() + static_cast<std::uint64_t>(milliseconds * 1e6 / nanoseconds_per_tick());
  std::uint64_t key = 0, sum = 0;
  stopwatch.start();
  do {
    for (std::size_t i = 0; i < kLap; ++i) {
      sum += table.check(key, i * 8);
      key = key + 1 < regions ? key + 1 : 0;
    }
    stopwatch.mark();
  } while ((stopwatch.last_mark() < end || stopwatch.laps() < kFewestLaps) && stopwatch.has_room());
  asm volatile("" ::"r"(sum));
  Report("protection_check").percentiles("operation_ns", regions, stopwatch.nanoseconds(kLap));
}

}  // namespace
}  // namespace anchor::bench

int main(int argc, char** argv) {
  try {
    const double milliseconds = argc > 1 ? std::strtod(argv[1], nullptr) : 20;
    for (const std::size_t regions : {std::size_t{1}, anchor::bench::kMany})
      anchor::bench::measure(regions, milliseconds);
    return 0;
  } catch (const std::exception& error) {
    anchor::bench::Report("protection_check").error(error.what());
    return 1;
  }
}
