// SPDX-License-Identifier: BSD-2-Clause
// Access that is not allowed: an error at the initiator that says why, nothing touched, and everything else goes on.
#include <sys/mman.h>

#include <cstring>

#include "common/registry.h"
#include "exposed.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSize = 100'000;
constexpr std::uint64_t kBoth = 1, kReadable = 2, kWritable = 3, kUnbacked = 4;

struct Wrong {
  const char* what;
  Access access;
  bool read;
  int error;
};

void expect_refusal(Node& node, const Wrong& wrong) {
  node.submit([&] {
    return wrong.read ? read_message(node.ep(), wrong.access, FI_COMPLETION)
                      : write_message(node.ep(), wrong.access, FI_COMPLETION);
  });
  node.until("an error", [&] { return !node.sends().empty(); });
  const Entry entry = node.sends().take();
  if (!CHECK_EQ(entry.error, wrong.error)) note_failure(FABTESTS_PLACE, wrong.what);
  CHECK_EQ(entry.flags, wrong.read ? FI_RMA | FI_READ : FI_RMA | FI_WRITE);
  CHECK_EQ(entry.context, wrong.access.context);
}

}  // namespace

TEST(rma_not_allowed, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed both(node, kSize, kBoth), readable(node, kSize, kReadable, FI_REMOTE_READ);
  Exposed writable(node, kSize, kWritable, FI_REMOTE_WRITE);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes(2 * kSize, std::byte{0x11});
    const fi_addr_t peer = node.peer(1);
    const auto at = [&](std::uint64_t key, std::uint64_t address, std::size_t size) {
      return Access{bytes.data(), size, peer, address, key, 0, &bytes};
    };
    const Wrong all[] = {
        {"write with an unknown key", at(99, 0, 8), false, FI_EKEYREJECTED},
        {"read with an unknown key", at(99, 0, 8), true, FI_EKEYREJECTED},
        {"write of nothing with an unknown key", at(99, 0, 0), false, FI_EKEYREJECTED},
        {"write beyond the end", at(kBoth, kSize - 7, 8), false, FI_EINVAL},
        {"read beyond the end", at(kBoth, kSize, 1), true, FI_EINVAL},
        {"long write beyond the end", at(kBoth, 1, kSize), false, FI_EINVAL},
        {"write that wraps round", at(kBoth, ~0ull - 3, 8), false, FI_EINVAL},
        {"write to what is only readable", at(kReadable, 0, 8), false, FI_EACCES},
        {"read from what is only writable", at(kWritable, 0, 8), true, FI_EACCES},
    };
    for (const Wrong& wrong : all) expect_refusal(node, wrong);
    // An injected one says nothing unless it fails.
    node.submit([&] { return fi_inject_write(node.ep(), "x", 1, peer, 0, 99); });
    CHECK_EQ(node.await_send_error().error, FI_EKEYREJECTED);
    for (const std::byte byte : bytes) {
      if (byte == std::byte{0x11}) continue;
      note_failure(FABTESTS_PLACE, "a read that was refused brought something");
      break;
    }
    write_to(node, at(kBoth, 0, kSize));
  }
  team.barrier();
  if (team.rank() == 1) {
    for (const std::byte byte : both.memory) REQUIRE(byte == std::byte{0x11});
    check_untouched(readable.memory.data(), kSize, kUntouched);
    check_untouched(writable.memory.data(), kSize, kUntouched);
  }
}
TEST_AGAIN(rma_not_allowed_through_fifo, rma_not_allowed, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// An endpoint that is not to be a target lets nobody in.
TEST(rma_no_target, .anchor_only = true, .shm_only = true) {
  const OpenDomain open(node_info(rma_options()).get());
  Bytes memory(100, kUntouched);
  Owned<fid_mr> mr;
  REQUIRE_OK(fi_mr_reg(open.domain.get(), memory.data(), 100, kRemoteAccess, 0, 1, 0, mr.out(), nullptr));
  Node initiator(team, open, {.caps = FI_MSG | FI_RMA | FI_WRITE | FI_READ});
  Node messenger(team, open, {.caps = FI_MSG});
  Node target(team, open, {.caps = FI_RMA | FI_REMOTE_WRITE});
  char byte = 1;
  for (Node* closed : {&initiator, &messenger}) {
    const fi_addr_t peer = initiator.insert(closed->name());
    expect_refusal(initiator, {"a write", {&byte, 1, peer, 0, 1, 0, &byte}, false, FI_EKEYREJECTED});
  }
  write_to(initiator, {&byte, 1, initiator.insert(target.name()), 0, 1});
  CHECK(memory[0] == std::byte{1});
  CHECK_EQ(fi_write(target.ep(), &byte, 1, nullptr, 0, 0, 1, nullptr), -FI_ENOSYS);
  CHECK_EQ(fi_write(messenger.ep(), &byte, 1, nullptr, 0, 0, 1, nullptr), -FI_ENOSYS);
}

TEST(rma_error_has_a_text, .anchor_only = true) {
  struct Case {
    std::uint64_t key, address;
    int error;
    const char* word;
  };
  Node node(team, rma_options());
  const Exposed writable(node, 100, kWritable, FI_REMOTE_WRITE), readable(node, 100, kReadable, FI_REMOTE_READ);
  node.introduce();
  char byte = 0;
  for (const Case& one : {Case{99, 0, FI_EKEYREJECTED, "key"}, Case{kWritable, 100, FI_EINVAL, "beyond"},
                          Case{kReadable, 0, FI_EACCES, "allow"}}) {
    node.submit([&] { return fi_write(node.ep(), &byte, 1, nullptr, node.peer(0), one.address, one.key, &byte); });
    fi_cq_err_entry error{};
    while (fi_cq_readerr(node.sends().queue(), &error, 0) == -FI_EAGAIN) fi_cq_read(node.sends().queue(), nullptr, 0);
    CHECK_EQ(error.err, one.error);
    char text[200];
    fi_cq_strerror(node.sends().queue(), error.prov_errno, error.err_data, text, sizeof(text));
    CHECK(std::strstr(text, one.word) != nullptr);
  }
}

// A region of addresses behind which there is nothing, or not everywhere.
TEST(rma_unmapped_memory, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kPage = 4096;
  Node node(team, rma_options());
  // Where nothing else comes to lie in the gap.
  auto* pages =
      static_cast<std::byte*>(mmap(reinterpret_cast<void*>(0x2000'0000'0000), 3 * kPage, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  REQUIRE(munmap(pages + kPage, kPage) == 0);
  Owned<fid_mr> mr;
  REQUIRE_OK(fi_mr_reg(node.domain(), pages, 3 * kPage, kRemoteAccess, 0, kUnbacked, 0, mr.out(), nullptr));
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes(3 * kPage);
    const auto at = [&](std::uint64_t address, std::size_t size) {
      return Access{bytes.data(), size, node.peer(1), address, kUnbacked, 0, &bytes};
    };
    expect_refusal(node, {"write to nothing", at(kPage, 8), false, FI_EFAULT});
    expect_refusal(node, {"read of nothing", at(kPage + 8, 8), true, FI_EFAULT});
    expect_refusal(node, {"read of all", at(0, 3 * kPage), true, FI_EFAULT});
    fill_pattern(bytes.data(), kPage, 1);
    write_to(node, at(0, kPage));
    write_to(node, at(2 * kPage, kPage));
  }
  team.barrier();
  if (team.rank() == 1) {
    check_pattern(pages, kPage, 1);
    check_pattern(pages + 2 * kPage, kPage, 1);
  }
  team.barrier();
}
TEST_AGAIN(rma_unmapped_memory_through_fifo, rma_unmapped_memory, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// After fi_close of the region has returned nobody gets in; the key may have a new owner.
TEST(rma_revoked, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  std::uint64_t word = 0;
  node.introduce();
  for (std::uint64_t round = 0; round < 20; ++round) {
    Exposed exposed(node, kSize, 5);
    team.barrier();
    const Access access{&word, 8, node.peer(1), 8 * round, 5, 0, &word};
    if (team.rank() == 0) write_to(node, access);
    team.barrier();
    exposed.mr.reset();
    team.barrier();
    if (team.rank() == 0) {
      word = ~0ull;
      expect_refusal(node, {"write to what was closed", access, false, FI_EKEYREJECTED});
      expect_refusal(node, {"read of what was closed", access, true, FI_EKEYREJECTED});
      word = 0;
    }
    team.barrier();
    std::uint64_t found;
    std::memcpy(&found, exposed.memory.data() + 8 * round, 8);
    if (team.rank() == 1) CHECK_EQ(found, 0u);
  }
}
TEST_AGAIN(rma_revoked_through_fifo, rma_revoked, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// An endpoint that was closed lets nobody in, though its process and its memory are still there.
TEST(rma_endpoint_closed, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=300"}) {
  Node node(team, rma_options());
  Exposed exposed(node, kSize, 5);
  node.introduce();
  team.barrier();
  Bytes bytes(kSize);
  const Access access{bytes.data(), kSize, node.peer(1), 0, 5, 0, &bytes};
  if (team.rank() == 0) write_to(node, access);
  team.barrier();
  if (team.rank() == 1) {
    node.rest(true);
    node.close_endpoint();
    exposed.memory.assign(kSize, kUntouched);
    team.tell(0, "closed");
    team.hear(0);
    check_untouched(exposed.memory.data(), kSize, kUntouched);
  } else {
    team.hear(1);
    node.submit([&] { return write_message(node.ep(), access, FI_COMPLETION); });
    CHECK(means_peer_lost(node.await_send_error().error));
    node.submit([&] { return read_message(node.ep(), access, FI_COMPLETION); });
    CHECK(means_peer_lost(node.await_send_error().error));
    team.tell(1, "done");
  }
}
TEST_AGAIN(rma_endpoint_closed_through_fifo, rma_endpoint_closed, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no", "FI_ANCHOR_CONNECT_TIMEOUT=300"});

}  // namespace anchor::fabtests
