// SPDX-License-Identifier: BSD-2-Clause
// Owned hints, and getinfo as the library would call it.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include <cstdint>

#include "abi/info.h"

namespace anchor {

inline InfoPointer empty_hints() { return InfoPointer(fi_allocinfo()); }

struct Answer {
  int status;
  InfoPointer info;
};

inline Answer ask(const fi_info* hints, const char* node = nullptr, const char* service = nullptr,
                  std::uint64_t flags = 0, std::uint32_t version = FI_VERSION(1, 17)) {
  fi_info* info = nullptr;
  const int status = get_info(version, node, service, flags, hints, &info);
  return {status, InfoPointer(info)};
}

}  // namespace anchor
