// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "dma/window_config.h"
#include "dma/window_layout.h"
#include "os/processor_cache.h"

using namespace anchor;

namespace {

WindowConfig parsed(const char* text) {
  WindowConfig config;
  std::string reason;
  cr_assert(parse_window_config(text, &config, &reason), "%s", reason.c_str());
  return config;
}

void refused(const char* text, const char* because) {
  WindowConfig config;
  std::string reason;
  cr_assert_not(parse_window_config(text, &config, &reason), "%s", text);
  cr_assert(reason.find(because) != std::string::npos, "\"%s\" does not speak of %s", reason.c_str(), because);
}

}  // namespace

Test(window_config, divides_one_window) {
  const WindowConfig config = parsed(
      "# two hosts\n path = /dev/x  # a device\noffset = 0x1000\nsize=32M\nhosts = 2\n\nhost = 1\ntimeout = 700\n"
      "memory = coherent\n");
  cr_assert_eq(config.partitions.size(), 2u);
  cr_assert_eq(config.host, 1u);
  cr_assert_eq(config.timeout.count(), 700);
  cr_assert_eq(config.partitions[0].offset, 4096u);
  cr_assert_eq(config.partitions[1].offset, 4096u + (16u << 20));
  cr_assert_eq(config.partitions[1].size, 16u << 20);
  cr_assert(config.partitions[1].path == "/dev/x");
}

Test(window_config, takes_a_place_for_each_host) {
  const WindowConfig config = parsed(
      "hosts = 2\nhost = 0\npartition.0 = /dev/own 0 8M\npartition.1 = /sys/bus/pci/devices/0000:00:04.0/resource2 "
      "4096 8M\n");
  cr_assert(config.partitions[0].path == "/dev/own");
  cr_assert(config.partitions[1].path == "/sys/bus/pci/devices/0000:00:04.0/resource2");
  cr_assert_eq(config.partitions[1].offset, 4096u);
}

Test(window_config, may_have_a_doorbell) {
  const char* const window = "path = /dev/x\nsize = 32M\nhosts = 2\nhost = 0\n";
  cr_assert(parsed(window).doorbell.empty());
  cr_assert(parsed((std::string(window) + "doorbell = vfio:0000:00:04.0 # the same device\n").c_str()).doorbell ==
            "vfio:0000:00:04.0");
}

Test(window_config, says_what_is_wrong) {
  refused("path = /dev/x\nsize = 32M\nhost = 0\n", "hosts must be 2 to 16");
  refused("path = /dev/x\nsize = 32M\nhosts = 17\nhost = 0\n", "hosts must be");
  refused("path = /dev/x\nsize = 32M\nhosts = 2\n", "host must be 0 to 1");
  refused("path = /dev/x\nsize = 32M\nhosts = 2\nhost = 2\n", "host must be 0 to 1");
  refused("path = /dev/x\nsize = 1M\nhosts = 2\nhost = 0\n", "too small");
  refused("path = /dev/x\nsize = 32M\noffset = 5\nhosts = 2\nhost = 0\n", "multiple of 4096");
  refused("size = 32M\nhosts = 2\nhost = 0\n", "path");
  refused("path = /no/such/file\nhosts = 2\nhost = 0\n", "/no/such/file");
  refused("path = /dev/null\nhosts = 2\nhost = 0\n", "size");
  refused("hosts = 2\nhost = 0\npartition.0 = /dev/x 0 8M\n", "partition.N");
  refused("hosts = 2\nhost = 0\npartition.0 = /dev/x 0 8M\npartition.1 = /dev/x 8M 9M\n", "same size");
  refused("path = /dev/x\nsize = 32M\nhosts = 2\nhost = 0\ntimeout = 3\n", "timeout");
  refused("path = /dev/x\nsize = 32Q\nhosts = 2\nhost = 0\n", "line 2: size cannot be 32Q");
  refused("path = /dev/x\nhots = 2\n", "line 2: unknown key hots");
  refused("path\n", "line 1: a line is KEY = VALUE");
  refused("memory = uncached\n", "line 1: memory cannot be uncached");
  refused("doorbell = vfio:04.0\n", "line 1: doorbell cannot be vfio:04.0");
  refused("size = 99999999999G\n", "size cannot be");
}

Test(window_config, says_which_file) {
  WindowConfig config;
  std::string reason;
  cr_assert_not(read_window_config("/no/such/configuration", &config, &reason));
  cr_assert(reason.find("/no/such/configuration: No such file") != std::string::npos, "%s", reason.c_str());
}

Test(window_config, knows_kinds_of_memory) {
  const std::string window = "path = /dev/x\nsize = 32M\nhosts = 2\nhost = 0\n";
  cr_assert_eq(parsed(window.c_str()).memory, MemoryType::kCoherent);
  cr_assert_eq(parsed((window + "memory = write-combined\n").c_str()).memory, MemoryType::kWriteCombined);
  cr_assert_eq(parsed((window + "memory = simulated\n").c_str()).memory, MemoryType::kSimulated);
  if (ProcessorCache::available())
    cr_assert_eq(parsed((window + "memory = non-coherent\n").c_str()).memory, MemoryType::kNonCoherent);
}

Test(window_config, knows_what_sysfs_maps_write_combined) {
  const std::string window = "path = /sys/bus/pci/devices/0000:00:04.0/resource2_wc\nsize = 32M\nhosts = 2\nhost = 0\n";
  cr_assert_eq(parsed(window.c_str()).memory, MemoryType::kWriteCombined);
  cr_assert_eq(parsed((window + "memory = write-combined\n").c_str()).memory, MemoryType::kWriteCombined);
  refused((window + "memory = coherent\n").c_str(), "_wc is write-combined");
  refused((window + "memory = non-coherent\n").c_str(), "_wc is write-combined");
}
