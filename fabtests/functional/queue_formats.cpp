// SPDX-License-Identifier: BSD-2-Clause
// Completion queues: all formats, entry counts, empty queues, and the error calls.
#include <cstring>

#include "common/registry.h"
#include "soliloquy.h"

namespace anchor::fabtests {

TEST(queue_format_context) {
  Soliloquy one(FI_CQ_FORMAT_CONTEXT);
  char place[16];
  fi_cq_entry entries[2];
  std::memset(entries, 0x11, sizeof(entries));
  one.exchange(5, place);
  REQUIRE_EQ(one.read(entries, 1), 1);
  CHECK_EQ(entries[0].op_context, static_cast<void*>(place));
  check_untouched(&entries[1], sizeof(entries[1]), std::byte{0x11});
}

TEST(queue_format_message) {
  Soliloquy one(FI_CQ_FORMAT_MSG);
  char place[16];
  fi_cq_msg_entry entries[2];
  std::memset(entries, 0x11, sizeof(entries));
  one.exchange(5, place);
  REQUIRE_EQ(one.read(entries, 1), 1);
  CHECK_EQ(entries[0].op_context, static_cast<void*>(place));
  CHECK_EQ(entries[0].len, 10u);
  CHECK_EQ(entries[0].flags & (FI_RECV | FI_TAGGED), FI_RECV | FI_TAGGED);
  check_untouched(&entries[1], sizeof(entries[1]), std::byte{0x11});
}

TEST(queue_format_data) {
  Soliloquy one(FI_CQ_FORMAT_DATA);
  char place[16];
  fi_cq_data_entry entries[2];
  std::memset(entries, 0x11, sizeof(entries));
  one.exchange(5, place);
  REQUIRE_EQ(one.read(entries, 1), 1);
  CHECK_EQ(entries[0].op_context, static_cast<void*>(place));
  CHECK_EQ(entries[0].len, 10u);
  CHECK_EQ(entries[0].data, 6u);
  CHECK_EQ(entries[0].flags & FI_REMOTE_CQ_DATA, FI_REMOTE_CQ_DATA);
  check_untouched(&entries[1], sizeof(entries[1]), std::byte{0x11});
}

TEST(queue_format_tagged) {
  Soliloquy one(FI_CQ_FORMAT_TAGGED);
  char place[16];
  fi_cq_tagged_entry entries[2];
  std::memset(entries, 0x11, sizeof(entries));
  one.exchange(5, place);
  REQUIRE_EQ(one.read(entries, 1), 1);
  CHECK_EQ(entries[0].tag, 5u);
  CHECK_EQ(entries[0].data, 6u);
  check_untouched(&entries[1], sizeof(entries[1]), std::byte{0x11});
}

// The provider's own format is one of the four.
TEST(queue_format_unspecified) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get(), FI_CQ_FORMAT_UNSPEC);
}

TEST(queue_reads_of_all_counts) {
  constexpr std::uint64_t kMessages = 100;
  Soliloquy one(FI_CQ_FORMAT_TAGGED);
  char places[kMessages][16];
  for (std::uint64_t i = 0; i < kMessages; ++i) one.exchange(i, places[i]);
  fi_cq_tagged_entry entries[64];
  std::uint64_t next = 0;
  for (std::size_t count = 1; next < kMessages; ++count) {
    const ssize_t got = one.read(entries, count);
    REQUIRE(got > 0 && static_cast<std::size_t>(got) <= count);
    for (ssize_t i = 0; i < got; ++i) CHECK_EQ(entries[i].tag, next++);
  }
  CHECK_EQ(fi_cq_read(one.cq.get(), entries, 1), -FI_EAGAIN);
}

TEST(queue_empty) {
  Soliloquy one(FI_CQ_FORMAT_TAGGED);
  fi_cq_tagged_entry entry;
  fi_cq_err_entry error{};
  fi_addr_t source;
  CHECK_EQ(fi_cq_read(one.cq.get(), &entry, 1), -FI_EAGAIN);
  CHECK_EQ(fi_cq_readfrom(one.cq.get(), &entry, 1, &source), -FI_EAGAIN);
  CHECK_EQ(fi_cq_readerr(one.cq.get(), &error, 0), -FI_EAGAIN);
  const ssize_t rc = fi_cq_read(one.cq.get(), nullptr, 0);
  CHECK(rc == 0 || rc == -FI_EAGAIN);
}

// Progress by reading nothing: fi_cq(3) on a count of 0.
TEST(queue_read_of_nothing_makes_progress, .ranks = 2, .anchor_only = true) {
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    node.submit([&] { return fi_inject(node.ep(), "hello", 5, node.peer(1)); });
    team.barrier();
  } else {
    char text[5] = {};
    node.submit([&] { return fi_recv(node.ep(), text, 5, nullptr, FI_ADDR_UNSPEC, nullptr); });
    const Deadline deadline(10);
    while (text[4] == 0 && !deadline.expired()) fi_cq_read(node.receives().queue(), nullptr, 0);
    CHECK_EQ(std::string(text, 5), "hello");
    team.barrier();
  }
}

TEST(queue_error_before_and_behind_success, .anchor_only = true) {
  Soliloquy one(FI_CQ_FORMAT_TAGGED);
  char places[3][16];
  one.exchange(0, places[0]);
  REQUIRE_OK(fi_trecv(one.ep.get(), places[1], 2, nullptr, FI_ADDR_UNSPEC, 1, 0, places[1]));
  while (fi_tinject(one.ep.get(), "truncated", 9, one.self, 1) == -FI_EAGAIN) one.make_progress();
  one.exchange(2, places[2]);
  fi_cq_tagged_entry entry;
  REQUIRE_EQ(one.read(&entry, 1), 1);
  CHECK_EQ(entry.tag, 0u);
  CHECK_EQ(one.read(&entry, 1), -FI_EAVAIL);
  CHECK_EQ(one.read(&entry, 1), -FI_EAVAIL);  // until it is read
  fi_cq_err_entry error{};
  REQUIRE_EQ(fi_cq_readerr(one.cq.get(), &error, 0), 1);
  CHECK_EQ(error.err, FI_ETRUNC);
  CHECK_EQ(error.tag, 1u);
  CHECK_EQ(error.olen, 7u);
  CHECK_EQ(fi_cq_readerr(one.cq.get(), &error, 0), -FI_EAGAIN);
  REQUIRE_EQ(one.read(&entry, 1), 1);
  CHECK_EQ(entry.tag, 2u);
}

TEST(queue_error_text) {
  Soliloquy one(FI_CQ_FORMAT_TAGGED);
  char text[64];
  const char* said = fi_cq_strerror(one.cq.get(), FI_ECONNRESET, nullptr, text, sizeof(text));
  REQUIRE(said != nullptr);
  CHECK(std::strlen(said) > 0);
  CHECK(fi_cq_strerror(one.cq.get(), 0, nullptr, nullptr, 0) != nullptr);
}

}  // namespace anchor::fabtests
