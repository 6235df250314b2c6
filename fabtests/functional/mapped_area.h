// SPDX-License-Identifier: BSD-2-Clause
// Memory that is a file's, and an initiator that uses it often enough to map it, too.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {
inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kPages = 8;
inline constexpr std::size_t kSize = kPages * kPage;
inline constexpr int kEnough = 40;  // uses, until memory that can be mapped is
inline constexpr const char* kMark = "anchor-rma-mapped";

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
inline std::size_t mapped_files() {
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

}  // namespace anchor::fabtests
