// SPDX-License-Identifier: BSD-2-Clause
// fi_mr(3): a memory region as the application holds it. What peers may reach of it is the domain's MemoryRegistry's;
// a region for local access only takes no key from anybody, since nothing has to be registered here.
//
// Thread-safe. Counters and endpoints that a region was bound to may be closed before it.
#pragma once

#include <rdma/fi_domain.h>

#include "abi/domain.h"
#include "abi/fid.h"
#include "core/memory_region.h"

namespace anchor {

struct Registration;

class Mr final : public fid_mr {
 public:
  Mr(Domain& domain, const Registration& wanted);
  ~Mr();
  Mr(const Mr&) = delete;
  Mr& operator=(const Mr&) = delete;

  // Reserves the key; lets peers in unless that waits for fi_mr_enable(3).
  int open(const Registration& wanted);
  int bind(::fid* object, std::uint64_t flags);
  int enable() noexcept;
  int refresh(const fi_mr_modify& change) noexcept;
  int raw_attributes(struct fi_mr_raw_attr* attributes) const noexcept;

  UseCount uses;  // nobody ever

 private:
  bool is_remote() const noexcept { return region_.rights != 0; }

  Use<Domain> domain_;
  MemoryRegion region_;
  const bool waits_for_enable_;
  bool reserved_ = false;
};

extern fi_ops_mr memory_ops;

// fi_mr_map_raw(3): a raw key is a key.
int map_raw_key(const struct fi_mr_map_raw& request) noexcept;

}  // namespace anchor
