// SPDX-License-Identifier: BSD-2-Clause
// Memory that the initiator has mapped, and then its file, its region or one of the processes changes: the bytes arrive
// at what is there now, or an error does.
#include <signal.h>
#include <sys/wait.h>

#include "mapped_area.h"
#include "victims.h"

namespace anchor::fabtests {

// A file that its owner cuts short under the initiator: an error, no signal, and it goes on when the file does.
TEST(rma_mapped_truncated, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  const File file(File::kNameless);
  Area area(file);
  const Owned<fid_mr> mr = area.expose(node, 1);
  node.introduce();
  team.barrier();
  Initiator initiator(node);
  if (team.rank() == 0) initiator.warm_up();
  team.barrier();
  if (team.rank() == 1) file.cut(kPage);
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes(kSize);
    CHECK_EQ(initiator.write(kPage, 1), FI_EFAULT);
    CHECK_EQ(initiator.end(true, 0, bytes.data(), kSize, 1), FI_EFAULT);
    CHECK_EQ(initiator.write(0, 2), 0);
    CHECK_EQ(initiator.read(0), 2u);
  }
  team.barrier();
  if (team.rank() == 1) file.cut(kSize);
  team.barrier();
  for (std::uint64_t i = 0; team.rank() == 0 && i < kEnough; ++i) {
    REQUIRE_EQ(initiator.write(kPage, i), 0);
    REQUIRE_EQ(initiator.read(kPage), i);
  }
  team.barrier();
}

// A key that has a new owner leads to the new memory, and never to the old one.
TEST(rma_mapped_key_reused, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  node.introduce();
  const File first(File::kNameless), second(File::kNamed);
  Area one(first), other(second);
  Initiator initiator(node);
  for (std::uint64_t round = 1; round <= 20; ++round) {
    Area& now = round % 2 ? one : other;
    Area& before = round % 2 ? other : one;
    Owned<fid_mr> mr = now.expose(node, 1);
    team.barrier();
    if (team.rank() == 0) {
      initiator.warm_up();
      REQUIRE_EQ(initiator.write(8, round), 0);
    }
    team.barrier();
    if (team.rank() == 1) {
      REQUIRE_EQ(now.word(8), round);
      REQUIRE_EQ(before.word(8), round - 1);
    }
    mr.reset();
    team.barrier();
    if (team.rank() == 0) CHECK_EQ(initiator.write(8, ~0ull), FI_EKEYREJECTED);
    team.barrier();
    if (team.rank() == 1) REQUIRE_EQ(now.word(8), round);
  }
}

// Other memory at the addresses of a region, as fi_mr_refresh(3) tells.
TEST(rma_mapped_refreshed, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  const File first(File::kNameless), second(File::kNamed);
  Area area(first);
  const Owned<fid_mr> mr = area.expose(node, 1);
  node.introduce();
  team.barrier();
  Initiator initiator(node);
  if (team.rank() == 0) initiator.warm_up();
  team.barrier();
  area.put(second);
  const iovec all{area.bytes(), kSize};
  CHECK_OK(fi_mr_refresh(mr.get(), &all, 1, 0));
  team.barrier();
  for (std::uint64_t i = 1; team.rank() == 0 && i <= kEnough; ++i) {
    REQUIRE_EQ(initiator.write(0, i), 0);
    REQUIRE_EQ(initiator.read(0), i);
  }
  team.barrier();
  if (team.rank() == 1) CHECK_EQ(area.word(0), static_cast<std::uint64_t>(kEnough));
}

// A child of the initiator has none of the mappings, and its end is nobody's business.
TEST(rma_mapped_fork, .ranks = 2, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  const File file(File::kNamed);
  Area area(file);
  const Owned<fid_mr> mr = area.expose(node, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Initiator initiator(node);
    const std::size_t before = mapped_files();
    initiator.warm_up();
    CHECK_EQ(mapped_files(), before + 1);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(mapped_files() == before ? 0 : 1);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(initiator.write(8, 5), 0);
    CHECK_EQ(initiator.read(8), 5u);
  }
  team.barrier();
  if (team.rank() == 1) CHECK_EQ(area.word(8), 5u);
}

// The target is killed: its memory may be there for a while, but an error comes, and the memory goes.
TEST(rma_mapped_target_dies, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  const File file(team.rank() == 1 ? File::kUnlinked : File::kNameless);
  Area area(file);
  const Owned<fid_mr> mr = area.expose(node, 1);
  node.introduce();
  if (team.rank() == 1) node.rest(true);
  const pid_t victim = meet_silent_victim(team);
  Initiator initiator(node);
  const std::size_t before = mapped_files();
  initiator.warm_up();
  CHECK_EQ(mapped_files(), before + 1);
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(60);
  int error = 0;
  while (error == 0 && !clock.expired()) error = initiator.write(0, 1);
  CHECK_EQ(error, FI_ECONNRESET);
  CHECK(clock.elapsed() < kNoticeSeconds * time_scale());
  node.until("unmapping", [&] { return mapped_files() == before; });
}

}  // namespace anchor::fabtests
