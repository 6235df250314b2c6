// SPDX-License-Identifier: BSD-2-Clause
// Memory in the window (rdma/fi_ext_anchor.h), registered for the others.
#pragma once

#include <rdma/fi_ext_anchor.h>

#include <atomic>
#include <cstring>

#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

inline fi_anchor_window_ops* window_ops(const Node& node) {
  void* ops = nullptr;
  REQUIRE_OK(fi_open_ops(&node.domain()->fid, FI_ANCHOR_WINDOW_OPS, 0, &ops, nullptr));
  return static_cast<fi_anchor_window_ops*>(ops);
}

class WindowArea {
 public:
  WindowArea(const Node& node, std::size_t size) : domain_(node.domain()), ops_(window_ops(node)) {
    void* memory = nullptr;
    REQUIRE_OK(ops_->allocate(domain_, size, 0, &memory));
    bytes_ = static_cast<std::byte*>(memory);
  }
  ~WindowArea() { CHECK_EQ(ops_->free(domain_, bytes_), 0); }
  WindowArea(const WindowArea&) = delete;
  WindowArea& operator=(const WindowArea&) = delete;

  Owned<fid_mr> expose(std::size_t offset, std::size_t size, std::uint64_t key, std::uint64_t access = kRemoteAccess) {
    Owned<fid_mr> mr;
    REQUIRE_OK(fi_mr_reg(domain_, bytes_ + offset, size, access, 0, key, 0, mr.out(), nullptr));
    return mr;
  }
  std::byte* bytes() const { return bytes_; }
  std::uint64_t word(std::size_t offset) const {
    return reinterpret_cast<const std::atomic<std::uint64_t>*>(bytes_ + offset)->load(std::memory_order_acquire);
  }

 private:
  fid_domain* const domain_;
  fi_anchor_window_ops* const ops_;
  std::byte* bytes_ = nullptr;
};

}  // namespace anchor::fabtests
