// SPDX-License-Identifier: BSD-2-Clause
#include "window.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace anchor::bench {
namespace {

constexpr std::uint64_t kAccess = FI_READ | FI_WRITE | FI_REMOTE_READ | FI_REMOTE_WRITE;
// Where the application chooses the keys.
constexpr std::uint64_t kRequestedKey = 0x57;

}  // namespace

WindowMemory::WindowMemory(MemoryKind kind, std::size_t size) : size_(size) {
  void* data = nullptr;
  if (kind == MemoryKind::kPlain) {
    if (posix_memalign(&data, 4096, size) != 0) throw std::bad_alloc();
  } else {
    fd_ = memfd_create("anchor_bench_window", MFD_CLOEXEC);
    if (fd_ < 0 || ftruncate(fd_, static_cast<off_t>(size)) != 0) throw std::runtime_error("no shareable memory");
    data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
  }
  std::memset(data, 0, size);
  data_ = static_cast<std::byte*>(data);
}

WindowMemory::~WindowMemory() {
  if (fd_ < 0) {
    std::free(data_);
    return;
  }
  munmap(data_, size_);
  close(fd_);
}

Window::Window(Scene& scene, Connection& connection, MemoryKind kind, std::size_t size)
    : endpoint_(connection.endpoint()), peer_(connection.peer()), memory_(kind, kPage + size) {
  const Fabric& fabric = connection.fabric();
  const Bytes bytes = memory_.bytes();
  require(fi_mr_reg(fabric.domain(), bytes.data(), bytes.size(), kAccess, 0, kRequestedKey, 0, &registration_, nullptr),
          "fi_mr_reg");
  const bool by_address = (fabric.info()->domain_attr->mr_mode & FI_MR_VIRT_ADDR) != 0;
  scene.link.put_number(by_address ? reinterpret_cast<std::uintptr_t>(bytes.data()) : 0);
  scene.link.put_number(fi_mr_key(registration_));
  remote_ = scene.link.get_number();
  key_ = scene.link.get_number();
}

Window::~Window() {
  if (registration_) fi_close(&registration_->fid);
}

}  // namespace anchor::bench
