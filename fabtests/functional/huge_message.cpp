// SPDX-License-Identifier: BSD-2-Clause
// One message of 4 GiB and a byte: lengths that do not fit into 32 bits.
//
// The sender's memory is one file mapped again and again, so that the whole test needs little more than the receiver's
// buffer. The file's length shares no factor with any power of two but one page, so that a misplaced part shows.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSize = (std::size_t{4} << 30) + 1;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kPeriod = 15013 * kPage;  // a prime number of pages

std::byte* reserve(std::size_t size) {
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(address != MAP_FAILED);
  madvise(address, size, MADV_HUGEPAGE);
  return static_cast<std::byte*>(address);
}

std::byte* periodic_memory(std::uint64_t seed) {
  const int file = memfd_create("fabtests", MFD_CLOEXEC);
  REQUIRE(file >= 0);
  REQUIRE_OK(ftruncate(file, kPeriod));
  const std::size_t whole = (kSize + kPeriod - 1) / kPeriod * kPeriod;
  std::byte* memory = reserve(whole);
  for (std::size_t at = 0; at < whole; at += kPeriod) {
    void* part = mmap(memory + at, kPeriod, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    REQUIRE(part == memory + at);
  }
  close(file);
  fill_pattern(memory, kPeriod, seed);
  return memory;
}

void check_periodic(const std::byte* memory, std::uint64_t seed) {
  for (std::size_t at = 0; at < kSize; at += kPeriod) {
    if (!check_pattern(memory + at, std::min(kPeriod, kSize - at), seed)) {
      note_failure(FABTESTS_PLACE, "in the part from byte " + std::to_string(at));
      return;
    }
  }
}

void require_memory() {
  const long available = sysconf(_SC_AVPHYS_PAGES) * (sysconf(_SC_PAGESIZE) / 1024) / 1024;
  if (available < 6 * 1024) skip("needs 6 GiB of free memory, there are " + std::to_string(available) + " MiB");
}

}  // namespace

TEST(huge_message, .ranks = 2, .seconds = 240, .anchor_only = true) {
  require_memory();
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    std::byte* message = periodic_memory(team.seed());
    node.submit([&] { return fi_tsend(node.ep(), message, kSize, nullptr, node.peer(1), 4, message); });
    node.until(
        "the send's completion", [&] { return !node.sends().empty(); }, 220);
    CHECK_EQ(node.await_send().context, static_cast<void*>(message));
  } else {
    std::byte* buffer = reserve(kSize + kPage);
    node.submit([&] { return fi_trecv(node.ep(), buffer, kSize, nullptr, FI_ADDR_UNSPEC, 4, 0, buffer); });
    node.until(
        "the receive's completion", [&] { return !node.receives().empty(); }, 220);
    CHECK_EQ(node.await_receive().length, kSize);
    check_periodic(buffer, team.seed());
    check_untouched(buffer + kSize, kPage - 1, std::byte{0});
  }
  team.barrier();
}

// Only what fits is moved: the length of what does not fit needs more than 32 bits.
TEST(huge_message_to_a_small_buffer, .ranks = 2, .seconds = 240, .anchor_only = true) {
  require_memory();
  Node node(team);
  node.introduce();
  constexpr std::size_t kRoom = 1 << 20;
  if (team.rank() == 0) {
    std::byte* message = periodic_memory(team.seed());
    node.submit([&] { return fi_tsend(node.ep(), message, kSize, nullptr, node.peer(1), 4, message); });
    node.until(
        "the send's completion", [&] { return !node.sends().empty(); }, 220);
    node.sends().take();
  } else {
    Bytes buffer(kRoom);
    node.submit([&] { return fi_trecv(node.ep(), buffer.data(), kRoom, nullptr, FI_ADDR_UNSPEC, 4, 0, nullptr); });
    const Entry entry = node.await_receive_error();
    CHECK_EQ(entry.error, FI_ETRUNC);
    CHECK_EQ(entry.overflow, kSize - kRoom);
    check_pattern(buffer.data(), kRoom, team.seed());
  }
  team.barrier();
}

}  // namespace anchor::fabtests
