// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "dma/window_config_text.h"

using namespace anchor;

namespace {

WindowConfigText parsed(const char* text) {
  WindowConfigText written;
  std::string reason;
  cr_assert(parse_lines(text, &written, &reason), "%s", reason.c_str());
  return written;
}

void refused(const char* text, const char* because) {
  WindowConfigText written;
  std::string reason;
  cr_assert_not(parse_lines(text, &written, &reason), "%s", text);
  cr_assert(reason.find(because) != std::string::npos, "\"%s\" does not speak of %s", reason.c_str(), because);
}

}  // namespace

Test(window_config_text, knows_numbers_of_all_kinds) {
  cr_assert_eq(parsed("size = 4096").common.size, 4096u);
  cr_assert_eq(parsed("size = 0xfF00\n").common.size, 0xff00u);
  cr_assert_eq(parsed("size=3K\n").common.size, 3u << 10);
  cr_assert_eq(parsed("size\t= 3M  # each\r\n").common.size, 3u << 20);
  cr_assert_eq(parsed("size = 16777215G\n").common.size, std::uint64_t{16777215} << 30);
  for (const char* wrong : {"size = \n", "size = K\n", "size = -1\n", "size = 1 M\n", "size = 0x1K\n", "size = 1.5G\n"})
    refused(wrong, "line 1: size cannot be");
}

Test(window_config_text, knows_places) {
  const WindowConfigText written = parsed("partition.0 = /dev/own\n\npartition.0x1 = /dev/other 4K 8M\n");
  cr_assert_eq(written.partitions.size(), 2u);
  cr_assert_eq(written.partitions.at(0).size, 0u);
  cr_assert_eq(written.partitions.at(1).offset, 4096u);
  cr_assert_eq(written.partitions.at(1).size, 8u << 20);
  refused("partition.1 = /dev/x 0 8M 5\n", "it is PATH [OFFSET [SIZE]]");
  refused("partition.one = /dev/x\n", "partition.one cannot be");
}

Test(window_config_text, a_key_has_one_value) {
  refused("hosts = 2\nhost = 0\nhosts = 3\n", "line 3: hosts is there a second time");
  refused("partition.1 = /dev/x\npartition.1 = /dev/y\n", "line 2: partition.1 is there a second time");
}

Test(window_config_text, what_is_not_said_is_left_open) {
  const WindowConfigText written = parsed("# nothing\n");
  cr_assert_eq(written.hosts, 0u);
  cr_assert_eq(written.host, UINT64_MAX);
  cr_assert(written.common.path.empty() && written.partitions.empty() && written.doorbell.empty());
  cr_assert(!written.memory && !written.timeout);
}
