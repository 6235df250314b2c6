// SPDX-License-Identifier: BSD-2-Clause
// fi_fabric(3): the parent of domains and event queues. Thread-safe.
#pragma once

#include <rdma/fabric.h>

#include <cstdint>

#include "abi/fid.h"

namespace anchor {

class Fabric final : public fid_fabric {
 public:
  Fabric(std::uint32_t version, void* context);
  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  static Fabric& from(fid_fabric* descriptor) noexcept { return static_cast<Fabric&>(*descriptor); }
  static bool is_open(const fid_fabric* descriptor) noexcept;
  static fid_fabric* first_open() noexcept;  // nullptr: none

  UseCount uses;
};

// fi_provider::fabric.
int open_fabric(fi_fabric_attr* attr, fid_fabric** fabric, void* context) noexcept;

}  // namespace anchor
