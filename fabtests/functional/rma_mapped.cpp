// SPDX-License-Identifier: BSD-2-Clause
// Targets whose registered memory is a file's, so that the initiator may map it, too: whatever kind of file it is, the
// bytes arrive, in order.
#include "hand_over.h"
#include "mapped_area.h"

namespace anchor::fabtests {

// Every kind of file and place, while the target attends and while it does not.
TEST(rma_mapped_kinds, .ranks = 2, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  node.introduce();
  for (int kind = 0; kind < File::kKinds; ++kind) {
    const File file(team.rank() == 1 ? kind : File::kNameless);
    Area area(file);
    if (kind == File::kSealed && team.rank() == 1) REQUIRE(file.seal());
    Owned<fid_mr> mr = area.expose(node, 1);
    team.barrier();
    if (team.rank() == 0) {
      Initiator initiator(node);
      const std::size_t before = mapped_files();
      Bytes out = patterned(kSize, static_cast<std::uint64_t>(kind)), in(kSize);
      for (std::size_t i = 0; i < kSize; i += kPage / 4)
        REQUIRE_EQ(initiator.end(false, i, out.data() + i, kPage / 4, 1), 0);
      for (std::size_t i = 0; i < kSize; i += kPage / 4)
        REQUIRE_EQ(initiator.end(true, i, in.data() + i, kPage / 4, 1), 0);
      CHECK(in == out);
      if (kind != File::kOrdinary) CHECK_EQ(mapped_files(), before + 1);
      fill_pattern(out.data(), kSize, 99);
      REQUIRE_EQ(initiator.end(false, 0, out.data(), kSize, 1), 0);
      REQUIRE_EQ(initiator.end(true, 0, in.data(), kSize, 1), 0);
      CHECK(in == out);
      team.tell(1, "written");
      team.hear(1);
      CHECK_EQ(initiator.write(0, 1), FI_EKEYREJECTED);
      node.until("unmapping", [&] { return mapped_files() == before; });
    } else {
      node.rest(kind % 2 == 0);
      team.hear(0);
      node.rest(false);
      check_pattern(area.bytes(), kSize, 99);
      mr.reset();
      team.tell(0, "closed");
    }
    team.barrier();
  }
}

// Regions of which not everything is a file's: private ones, those that reach beyond, all of memory.
TEST(rma_mapped_not, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  const File file(File::kNamed);
  Area area(file);
  Exposed plain(node, kSize, 1);
  const Owned<fid_mr> wider = area.expose(node, 2, 1);
  Owned<fid_mr> all;
  REQUIRE_OK(fi_mr_reg(node.domain(), nullptr, ~std::size_t{0}, kRemoteAccess, 0, 3, 0, all.out(), nullptr));
  node.introduce();
  const std::uint64_t base = reinterpret_cast<std::uint64_t>(area.bytes());
  team.tell(1 - team.rank(), std::to_string(base));
  const std::uint64_t theirs = std::stoull(team.hear_text(1 - team.rank()));
  if (team.rank() == 0) {
    Initiator initiator(node);
    const std::size_t before = mapped_files();
    for (std::uint64_t i = 0; i < 200; ++i) {
      REQUIRE_EQ(initiator.write(0, i, 1), 0);
      REQUIRE_EQ(initiator.write(8, i, 2), 0);
      REQUIRE_EQ(initiator.write(theirs + 16, i, 3), 0);
      REQUIRE_EQ(initiator.read(0, 1), i);
      REQUIRE_EQ(initiator.read(8, 2), i);
      REQUIRE_EQ(initiator.read(theirs + 16, 3), i);
    }
    CHECK_EQ(mapped_files(), before);
  }
  team.barrier();
}

// A target that may only read its file: so may the initiator.
TEST(rma_mapped_read_only, .ranks = 2, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  const File file(File::kNamed);
  REQUIRE(pwrite(file.fd(), "contents", 8, 16) == 8);
  Area area(file, PROT_READ);
  const Owned<fid_mr> mr = area.expose(node, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Initiator initiator(node);
    std::uint64_t wanted;
    std::memcpy(&wanted, "contents", 8);
    const std::size_t before = mapped_files();
    for (int i = 0; i < kEnough; ++i) REQUIRE_EQ(initiator.read(16), wanted);
    CHECK_EQ(mapped_files(), before + 1);
    CHECK_EQ(initiator.write(16, 0), FI_EFAULT);
    CHECK_EQ(initiator.read(16), wanted);
  }
  team.barrier();
}

// What is sent after a write comes after it, and what is read after it finds it, whichever way each of them goes.
TEST(rma_mapped_order, .ranks = 2, .anchor_only = true) {
  constexpr std::uint64_t kRounds = 3000;
  Node node(team, rma_options());
  const File file(File::kNameless);
  Area area(file);
  const Owned<fid_mr> mapped = area.expose(node, 1), copied = area.expose(node, 2, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    hand_over(team, node, kRounds, [](std::uint64_t) { return 0; });
  } else {
    take_over(node, kRounds, [&](std::uint64_t i) { REQUIRE_EQ(area.word(kHandOverWord), i); });
  }
  team.barrier();  // a read may still be under way
}

}  // namespace anchor::fabtests
