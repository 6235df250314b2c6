// SPDX-License-Identifier: BSD-2-Clause
// Registration as another process meets it: what each mr_mode makes of addresses and keys, and regions of several
// segments.
#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSize = 50'000;
constexpr int kModes[] = {0,
                          FI_MR_VIRT_ADDR,
                          FI_MR_PROV_KEY,
                          FI_MR_VIRT_ADDR | FI_MR_PROV_KEY | FI_MR_ALLOCATED | FI_MR_LOCAL,
                          FI_MR_ENDPOINT,
                          FI_MR_VIRT_ADDR | FI_MR_ENDPOINT | FI_MR_RMA_EVENT};

// What an application does that has agreed to FI_MR_ENDPOINT.
void attach(const Node& node, fid_mr* mr) {
  if ((node.info()->domain_attr->mr_mode & FI_MR_ENDPOINT) == 0) return;
  REQUIRE_OK(fi_mr_bind(mr, &node.ep()->fid, 0));
  REQUIRE_OK(fi_mr_enable(mr));
}

int end_of_write(Node& node, const Access& access) {
  node.submit([&] { return write_message(node.ep(), access, FI_COMPLETION); });
  node.until("an end", [&] { return !node.sends().empty(); });
  return node.sends().take().error;
}

}  // namespace

TEST(mr_modes_between_processes, .ranks = 2, .seconds = 60, .anchor_only = true) {
  for (const int mode : kModes) {
    Node node(team, rma_options(mode));
    Exposed exposed(node, kSize, 7);
    attach(node, exposed.mr.get());
    node.introduce();
    const RemoteStart there = exposed.introduce(team)[1];
    if (team.rank() == 0) {
      Bytes bytes = patterned(kSize, 3), back(kSize);
      const auto at = [&](std::uint64_t offset, std::size_t size) {
        return Access{bytes.data(), size, node.peer(1), there.address + offset, there.key, 0, nullptr};
      };
      CHECK_EQ(end_of_write(node, at(0, kSize)), 0);
      CHECK_EQ(end_of_write(node, at(kSize - 7, 8)), FI_EINVAL);
      CHECK_EQ(end_of_write(node, at(~0ull, 8)), FI_EINVAL);
      read_from(node, {back.data(), kSize - 9, node.peer(1), there.address + 9, there.key});
      check_pattern(back.data(), kSize - 9, 3, 9);
    }
    team.barrier();
    if (team.rank() == 1) check_pattern(exposed.memory.data(), kSize, 3);
    exposed.mr.reset();  // it may be the endpoint's
    node.close_endpoint();
    team.barrier();
  }
}
TEST_AGAIN(mr_modes_between_processes_through_fifo, mr_modes_between_processes, .ranks = 2, .seconds = 60,
           .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// Offsets run through all segments; addresses mean one of them.
TEST(mr_of_segments, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kLengths[] = {100, 20'000, 50, 7000};
  constexpr std::size_t kAll = 27'150;
  for (const int mode : {0, int{FI_MR_VIRT_ADDR}}) {
    Node node(team, rma_options(mode));
    Bytes memory(4 * kSize, kUntouched);
    iovec segments[4];
    for (std::size_t i = 0; i < 4; ++i) segments[i] = {memory.data() + (3 - i) * kSize, kLengths[i]};
    Owned<fid_mr> mr;
    REQUIRE_OK(fi_mr_regv(node.domain(), segments, 4, kRemoteAccess, 0, 7, 0, mr.out(), nullptr));
    node.introduce();
    const std::string own = std::to_string(reinterpret_cast<std::uint64_t>(memory.data()));
    team.tell(1 - team.rank(), own);
    const std::uint64_t base = std::stoull(team.hear_text(1 - team.rank()));
    if (team.rank() == 0) {
      Bytes bytes = patterned(kAll, 5);
      const auto write = [&](std::uint64_t address, std::size_t from, std::size_t size) {
        return end_of_write(node, {bytes.data() + from, size, node.peer(1), address, 7});
      };
      if (mode == 0) {
        CHECK_EQ(write(0, 0, kAll), 0);
        CHECK_EQ(write(kAll - 7, 0, 8), FI_EINVAL);
        CHECK_EQ(write(90, 90, 20), 0);
      } else {
        for (std::size_t i = 0, from = 0; i < 4; from += kLengths[i++]) {
          CHECK_EQ(write(base + (3 - i) * kSize, from, kLengths[i]), 0);
          CHECK_EQ(write(base + (3 - i) * kSize, from, kLengths[i] + 1), FI_EINVAL);
        }
      }
    }
    team.barrier();
    if (team.rank() == 1)
      for (std::size_t i = 0, from = 0; i < 4; from += kLengths[i++]) {
        const std::byte* const segment = memory.data() + (3 - i) * kSize;
        check_pattern(segment, kLengths[i], 5, from);
        check_untouched(segment + kLengths[i], kSize - kLengths[i], kUntouched);
      }
    team.barrier();
  }
}
TEST_AGAIN(mr_of_segments_through_fifo, mr_of_segments, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

}  // namespace anchor::fabtests
