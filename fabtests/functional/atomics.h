// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations for tests: registered memory, and every call under one signature.
#pragma once

#include <rdma/fi_atomic.h>

#include <cstdint>
#include <vector>

#include "common/node.h"

namespace anchor::fabtests {

inline constexpr std::uint64_t kAtomicCaps = FI_MSG | FI_TAGGED | FI_ATOMIC;
inline constexpr std::uint64_t kAnyRights = FI_REMOTE_READ | FI_REMOTE_WRITE;

inline const NodeOptions kAtomicNode{.caps = kAtomicCaps};

// Registered under a key of the application's, reached by offsets from 0.
Owned<fid_mr> expose(fid_domain* domain, void* memory, std::size_t bytes, std::uint64_t key,
                     std::uint64_t rights = kAnyRights);

// One operation on elements that lie together.
struct Atomic {
  const void* operand = nullptr;
  const void* compare = nullptr;
  void* result = nullptr;
  std::size_t count = 1;
  fi_addr_t to = 0;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
  fi_datatype datatype = FI_UINT64;
  fi_op op = FI_SUM;
  void* context = nullptr;
};

enum class Family { kBase, kFetch, kCompare };

struct AtomicCall {
  const char* name;
  Family family;
  bool inject;  // no completion entry
  ssize_t (*call)(fid_ep*, const Atomic&);
};

const std::vector<AtomicCall>& atomic_calls();

// The message forms with their flags.
ssize_t atomic_message(fid_ep* ep, Family family, const Atomic& a, std::uint64_t flags);

// Whether the provider has the operation, and how many elements at once (0: none).
std::size_t most_elements(fid_domain* domain, Family family, fi_datatype datatype, fi_op op,
                          std::size_t* size = nullptr);

// Submits and awaits the completion, which must be a success.
void carry_out(Node& node, Family family, const Atomic& a, std::uint64_t flags = 0);

}  // namespace anchor::fabtests
