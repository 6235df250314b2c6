// SPDX-License-Identifier: BSD-2-Clause
//
// Fabric: the chosen provider's fabric and domain, opened the same way for every provider. Owns all three
// libfabric objects; endpoints made on it must go first. One thread (FI_THREAD_DOMAIN).
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "options.h"

namespace anchor::bench {

// Throws with the call's name and libfabric's words when `status` is negative; otherwise returns it.
long require(long status, const char* call);

// What a test needs of the provider, and no more, so that each may choose its fastest way.
struct Demand {
  std::uint64_t capabilities = FI_MSG | FI_TAGGED;
  std::size_t receive_depth = 0;  // receives that will be posted at the same time; 0: the provider's default
};

// What fi_getinfo answers for the chosen provider. To be freed by fi_freeinfo.
fi_info* find_provider(const Options& options, const Demand& demand);

class Fabric {
 public:
  explicit Fabric(const Options& options, const Demand& demand = {});
  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  fi_info* info() const { return info_; }
  fid_fabric* fabric() const { return fabric_; }
  fid_domain* domain() const { return domain_; }

 private:
  fi_info* info_ = nullptr;
  fid_fabric* fabric_ = nullptr;
  fid_domain* domain_ = nullptr;
};

}  // namespace anchor::bench
