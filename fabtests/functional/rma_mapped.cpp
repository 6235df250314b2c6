// SPDX-License-Identifier: BSD-2-Clause
// Targets whose registered memory is a file's, so that the initiator may map it, too: whatever kind of file it is, and
// whatever becomes of it, the bytes arrive, or an error does.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "common/registry.h"
#include "exposed.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPages = 8;
constexpr std::size_t kSize = kPages * kPage;
constexpr int kEnough = 40;  // uses, until memory that can be mapped is
constexpr const char* kMark = "anchor-rma-mapped";

class File {
 public:
  enum Kind { kNameless, kNamed, kUnlinked, kOrdinary, kSealed, kKinds };

  explicit File(int kind) {
    const std::string folder = kind == kOrdinary ? "/tmp/" : "/dev/shm/";
    if (kind == kNameless || kind == kSealed) {
      fd_ = memfd_create(kMark, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    } else {
      path_ = folder + kMark + "-" + std::to_string(getpid()) + "-" + std::to_string(kind);
      fd_ = open(path_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    }
    REQUIRE(fd_ >= 0 && ftruncate(fd_, kSize) == 0);
    if (kind == kUnlinked) unlink(path_.c_str());
  }
  ~File() {
    if (!path_.empty()) unlink(path_.c_str());
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  // As long as the mapping stays writable, others cannot make another one.
  bool seal() const { return fcntl(fd_, F_ADD_SEALS, 0x0010 /* F_SEAL_FUTURE_WRITE */) == 0; }
  void cut(std::size_t size) const { REQUIRE(ftruncate(fd_, static_cast<off_t>(size)) == 0); }

 private:
  int fd_ = -1;
  std::string path_;
};

// Pages of the file between private ones, registered with `key`.
class Area {
 public:
  explicit Area(const File& file, int protection = PROT_READ | PROT_WRITE) {
    void* const at = mmap(nullptr, kSize + 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    start_ = static_cast<std::byte*>(at);
    put(file, protection);
  }
  ~Area() { munmap(start_, kSize + 2 * kPage); }
  Area(const Area&) = delete;
  Area& operator=(const Area&) = delete;

  void put(const File& file, int protection = PROT_READ | PROT_WRITE) {
    REQUIRE(mmap(bytes(), kSize, protection, MAP_SHARED | MAP_FIXED, file.fd(), 0) == bytes());
  }
  // `beyond`: of the private pages, too.
  Owned<fid_mr> expose(const Node& node, std::uint64_t key, std::size_t beyond = 0) {
    Owned<fid_mr> mr;
    REQUIRE_OK(fi_mr_reg(node.domain(), bytes(), kSize + beyond, kRemoteAccess, 0, key, 0, mr.out(), nullptr));
    return mr;
  }
  std::byte* bytes() const { return start_ + kPage; }
  std::uint64_t word(std::size_t offset) const {
    std::uint64_t value;
    std::memcpy(&value, bytes() + offset, sizeof(value));
    return value;
  }

 private:
  std::byte* start_ = nullptr;
};

// Mappings of this process of files of that test.
std::size_t mapped_files() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find(kMark) != line.npos;
  return count;
}

struct Initiator {
  explicit Initiator(Node& n) : node(n) {}

  int end(bool read, std::uint64_t address, void* bytes, std::size_t size, std::uint64_t key) {
    const Access access{bytes, size, node.peer(1), address, key, 0, bytes};
    node.submit([&] {
      return read ? read_message(node.ep(), access, FI_COMPLETION) : write_message(node.ep(), access, FI_COMPLETION);
    });
    node.until("an end", [&] { return !node.sends().empty(); });
    return node.sends().take().error;
  }
  int write(std::uint64_t address, std::uint64_t value, std::uint64_t key = 1) {
    return end(false, address, &value, sizeof(value), key);
  }
  std::uint64_t read(std::uint64_t address, std::uint64_t key = 1) {
    std::uint64_t value = ~0ull;
    CHECK_EQ(end(true, address, &value, sizeof(value), key), 0);
    return value;
  }
  void warm_up(std::uint64_t key = 1) {
    for (int i = 0; i < kEnough; ++i) REQUIRE_EQ(write(0, 0, key), 0);
  }

  Node& node;
};

}  // namespace

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
    Random random = team.random();
    for (std::uint64_t i = 1; i <= kRounds; ++i) {
      // A write each way to one word, then a message with what the second one wrote, then a read.
      const std::uint64_t keys[] = {1 + random.below(2), 1 + random.below(2), 1 + random.below(2)};
      std::uint64_t before = ~i, now = i, found = 0;
      node.submit([&] { return fi_write(node.ep(), &before, 8, nullptr, node.peer(1), 64, keys[0], nullptr); });
      node.submit([&] { return fi_write(node.ep(), &now, 8, nullptr, node.peer(1), 64, keys[1], nullptr); });
      node.submit([&] { return fi_tinject(node.ep(), &now, 8, node.peer(1), 1); });
      node.submit([&] { return fi_read(node.ep(), &found, 8, nullptr, node.peer(1), 64, keys[2], nullptr); });
      for (int end = 0; end < 3; ++end) node.await_send();
      REQUIRE_EQ(found, i);
      char go;
      node.submit([&] { return fi_trecv(node.ep(), &go, 1, nullptr, FI_ADDR_UNSPEC, 2, 0, nullptr); });
      node.await_receive();
    }
    team.barrier();
    return;
  }
  for (std::uint64_t i = 1; i <= kRounds; ++i) {
    std::uint64_t told = 0;
    node.submit([&] { return fi_trecv(node.ep(), &told, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.await_receive();
    REQUIRE_EQ(told, i);
    REQUIRE_EQ(area.word(64), i);
    node.submit([&] { return fi_tinject(node.ep(), "g", 1, node.peer(0), 2); });
  }
  team.barrier();  // a read may still be under way
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
TEST(rma_mapped_target_dies, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=300"}) {
  Node node(team, rma_options());
  const File file(team.rank() == 1 ? File::kUnlinked : File::kNameless);
  Area area(file);
  const Owned<fid_mr> mr = area.expose(node, 1);
  node.introduce();
  if (team.rank() == 1) {
    node.rest(true);
    team.tell(0, own_pid());
    team.await_death();
  }
  const pid_t victim = pid_from(team.hear_text(1));
  Initiator initiator(node);
  const std::size_t before = mapped_files();
  initiator.warm_up();
  CHECK_EQ(mapped_files(), before + 1);
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(60);
  int error = 0;
  while (error == 0 && !clock.expired()) error = initiator.write(0, 1);
  CHECK(means_peer_lost(error));
  CHECK(clock.elapsed() < kNoticeSeconds * time_scale());
  node.until("unmapping", [&] { return mapped_files() == before; });
}

}  // namespace anchor::fabtests
