// SPDX-License-Identifier: BSD-2-Clause
// Registration as applications of all kinds offer it: every mr_mode, old versions of the interface, all of memory,
// thousands of regions.
#include <cstring>

#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

namespace {

constexpr int kBasic = 1 << 0, kScalable = 1 << 1;
constexpr std::size_t kSize = 10'000;

struct Modes {
  int offered = 0;    // in the hints
  int insisted = 0;   // set in what fi_getinfo answered
  int confirmed = 0;  // by fi_getinfo
  std::uint32_t version = kApiVersion;
};

// An endpoint that talks to itself, opened by hand for a version of the interface.
struct Own {
  explicit Own(const Modes& modes) {
    Info hints = message_hints(FI_MSG | FI_RMA);
    hints->domain_attr->mr_mode = modes.offered;
    Info info;
    REQUIRE_OK(get_info(modes.version, nullptr, nullptr, 0, hints.get(), &info));
    CHECK_EQ(info->domain_attr->mr_mode, modes.confirmed);
    info->domain_attr->mr_mode |= modes.insisted;
    open = OpenDomain(info.get());
    cq = open_cq(open.domain.get());
    av = open_av(open.domain.get());
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    REQUIRE_OK(fi_enable(ep.get()));
    self = insert_address(av.get(), name_of(ep.get()));
  }
  int write(std::uint64_t address, std::uint64_t key, void* bytes, std::size_t size) {
    const Deadline deadline(10);
    while (fi_write(ep.get(), bytes, size, nullptr, self, address, key, nullptr) == -FI_EAGAIN && !deadline.expired())
      fi_cq_read(cq.get(), nullptr, 0);
    Completions completions(cq.get(), false);
    while (!completions.poll() && !deadline.expired()) continue;
    return completions.empty() ? -1 : completions.take().error;
  }

  OpenDomain open;
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
  fi_addr_t self = 0;
};

void use(const Modes& modes, bool virtual_addresses, bool own_key) {
  Own own(modes);
  Bytes memory(kSize, kUntouched), bytes = patterned(100, 5);
  Owned<fid_mr> mr, twin;
  constexpr std::uint64_t kKey = 0x8000'0000'0000'0007;
  REQUIRE_OK(fi_mr_reg(own.open.domain.get(), memory.data(), kSize, kRemoteAccess, 0, kKey, 0, mr.out(), nullptr));
  const int again =
      fi_mr_reg(own.open.domain.get(), memory.data(), kSize, kRemoteAccess, 0, kKey, 0, twin.out(), nullptr);
  CHECK_EQ(again, own_key ? -FI_ENOKEY : 0);
  if (own_key) CHECK_EQ(fi_mr_key(mr.get()), kKey);
  const std::uint64_t start = virtual_addresses ? reinterpret_cast<std::uint64_t>(memory.data()) : 0;
  const bool usable_at_once = (modes.insisted & FI_MR_ENDPOINT) == 0;
  CHECK_EQ(own.write(start, fi_mr_key(mr.get()), bytes.data(), 1), usable_at_once ? 0 : FI_EKEYREJECTED);
  if (((modes.offered | modes.insisted) & FI_MR_ENDPOINT) != 0) {
    REQUIRE_OK(fi_mr_bind(mr.get(), own.ep.as_fid(), 0));
    REQUIRE_OK(fi_mr_enable(mr.get()));
  }
  CHECK_EQ(own.write(start + 50, fi_mr_key(mr.get()), bytes.data(), 100), 0);
  check_pattern(memory.data() + 50, 100, 5);
  CHECK_EQ(own.write(start + kSize - 99, fi_mr_key(mr.get()), bytes.data(), 100), FI_EINVAL);
  CHECK_EQ(own.write(start - 1, fi_mr_key(mr.get()), bytes.data(), 100), FI_EINVAL);
  check_untouched(memory.data() + 150, kSize - 150, kUntouched);
}

}  // namespace

// fi_mr(3): an application agrees to do more than it must, and is told that it need not. Some do it nevertheless.
TEST(mr_modes_offered, .anchor_only = true) {
  constexpr int kAddressesAndKeys = FI_MR_VIRT_ADDR | FI_MR_PROV_KEY | FI_MR_ALLOCATED;
  for (const int offered :
       {0, int{FI_MR_VIRT_ADDR}, int{FI_MR_PROV_KEY}, kAddressesAndKeys | FI_MR_LOCAL,
        FI_MR_RAW | FI_MR_MMU_NOTIFY | FI_MR_HMEM | FI_MR_LOCAL, int{FI_MR_ENDPOINT}, int{FI_MR_RMA_EVENT}})
    use({.offered = offered}, false, true);
}

TEST(mr_modes_insisted_upon, .anchor_only = true) {
  use({.insisted = FI_MR_VIRT_ADDR}, true, true);
  use({.insisted = FI_MR_PROV_KEY}, false, false);
  use({.insisted = FI_MR_VIRT_ADDR | FI_MR_PROV_KEY | FI_MR_ALLOCATED | FI_MR_LOCAL}, true, false);
  use({.insisted = FI_MR_ENDPOINT}, false, true);
  use({.insisted = FI_MR_RMA_EVENT}, false, true);
}

TEST(mr_modes_of_old, .anchor_only = true) {
  for (const std::uint32_t version : {std::uint32_t{FI_VERSION(1, 4)}, kApiVersion}) {
    use({.offered = kBasic, .confirmed = kBasic, .version = version}, true, false);
    use({.offered = kScalable, .confirmed = kScalable, .version = version}, false, true);
  }
  use({.confirmed = kScalable, .version = FI_VERSION(1, 4)}, false, true);
}

// Whole address spaces, as Open MPI, MPICH and OpenSHMEM register them.
TEST(mr_of_all_memory, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  Owned<fid_mr> all, nothing;
  REQUIRE_OK(fi_mr_reg(node.domain(), nullptr, SIZE_MAX, kRemoteAccess, 0, 0, 0, all.out(), nullptr));
  REQUIRE_OK(fi_mr_reg(node.domain(), nullptr, 0, kRemoteAccess, 0, 1, 0, nothing.out(), nullptr));
  Bytes memory(kSize, kUntouched);
  node.introduce();
  const auto address = reinterpret_cast<std::uint64_t>(memory.data());
  const auto* raw = reinterpret_cast<const std::byte*>(&address);
  const Bytes theirs = team.gather(Bytes(raw, raw + 8))[1];
  if (team.rank() == 0) {
    std::uint64_t there;
    std::memcpy(&there, theirs.data(), 8);
    Bytes bytes = patterned(kSize, 5);
    write_to(node, {bytes.data(), kSize, node.peer(1), there, 0});
    for (const std::uint64_t nowhere : {0ull, 4096ull, ~0ull - kSize, 1ull << 62}) {
      node.submit([&] {
        return write_message(node.ep(), {bytes.data(), kSize, node.peer(1), nowhere, 0}, FI_COMPLETION);
      });
      CHECK_EQ(node.await_send_error().error, FI_EFAULT);
    }
    write_to(node, {nullptr, 0, node.peer(1), 0, 1});
  }
  team.barrier();
  if (team.rank() == 1) check_pattern(memory.data(), kSize, 5);
}
TEST_AGAIN(mr_of_all_memory_through_fifo, mr_of_all_memory, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// More regions than a page of the table holds, some closed again, all of them used by a peer that met the first early.
TEST(mr_thousands, .ranks = 2, .seconds = 60, .anchor_only = true) {
  constexpr std::uint64_t kRegions = 5000;
  Node node(team, rma_options());
  std::vector<std::uint64_t> words(kRegions, 0);
  std::vector<Owned<fid_mr>> regions(kRegions);
  const auto open = [&](std::uint64_t i) {
    REQUIRE_OK(fi_mr_reg(node.domain(), &words[i], 8, kRemoteAccess, 0, i * 7919, 0, regions[i].out(), nullptr));
  };
  open(0);
  node.introduce();
  team.barrier();
  const auto put = [&](std::uint64_t i, std::uint64_t value) {
    node.submit([&] { return fi_inject_write(node.ep(), &value, 8, node.peer(1), 0, i * 7919); });
  };
  std::uint64_t one = 1;
  if (team.rank() == 0) write_to(node, {&one, 8, node.peer(1), 0, 0});
  team.barrier();
  for (std::uint64_t i = 1; i < kRegions; ++i) open(i);
  for (std::uint64_t i = 0; i < kRegions; i += 3) regions[i].reset();
  for (std::uint64_t i = kRegions; i-- > 0;)
    if (i % 3 == 0) open(i);
  team.barrier();
  if (team.rank() == 0)
    for (std::uint64_t i = 0; i < kRegions; ++i) put(i, i + 1);
  if (team.rank() == 0) read_from(node, {words.data(), 8, node.peer(1), 0, 7919});
  team.barrier();
  if (team.rank() == 1)
    for (std::uint64_t i = 0; i < kRegions; ++i) CHECK_EQ(words[i], i + 1);
  CHECK(node.sends().empty());
}
TEST_AGAIN(mr_thousands_through_fifo, mr_thousands, .ranks = 2, .seconds = 60, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// One region for one endpoint of two.
TEST(mr_of_one_endpoint, .anchor_only = true, .shm_only = true) {
  NodeOptions options = rma_options(FI_MR_ENDPOINT);
  const OpenDomain open(node_info(options).get());
  Node chosen(team, open, options), other(team, open, options);
  Bytes memory(100, kUntouched);
  Owned<fid_mr> mr;
  REQUIRE_OK(fi_mr_reg(open.domain.get(), memory.data(), 100, kRemoteAccess, 0, 1, 0, mr.out(), nullptr));
  REQUIRE_OK(fi_mr_bind(mr.get(), &chosen.ep()->fid, 0));
  REQUIRE_OK(fi_mr_enable(mr.get()));
  const fi_addr_t to_chosen = other.insert(chosen.name()), to_other = chosen.insert(other.name());
  char bytes[] = "hello";
  write_to(other, {bytes, 5, to_chosen, 0, 1});
  CHECK(std::memcmp(memory.data(), "hello", 5) == 0);
  chosen.submit([&] { return write_message(chosen.ep(), {bytes, 5, to_other, 0, 1}, FI_COMPLETION); });
  CHECK_EQ(chosen.await_send_error().error, FI_EKEYREJECTED);
}

// An endpoint that is enabled after the region was registered lets peers into it, too.
TEST(mr_before_the_endpoint, .anchor_only = true, .shm_only = true) {
  const NodeOptions options = rma_options();
  const OpenDomain open(node_info(options).get());
  Bytes memory(100, kUntouched);
  Owned<fid_mr> mr;
  REQUIRE_OK(fi_mr_reg(open.domain.get(), memory.data(), 100, kRemoteAccess, 0, 1, 0, mr.out(), nullptr));
  Node late(team, open, options), other(team, open, options);
  char bytes[] = "hello";
  write_to(other, {bytes, 5, other.insert(late.name()), 0, 1});
  CHECK(std::memcmp(memory.data(), "hello", 5) == 0);
}

}  // namespace anchor::fabtests
