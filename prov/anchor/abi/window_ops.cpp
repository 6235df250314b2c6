// SPDX-License-Identifier: BSD-2-Clause
#include "abi/window_ops.h"

#include <rdma/fi_errno.h>
#include <rdma/fi_ext_anchor.h>

#include <cstring>

#include "abi/domain.h"
#include "dma/device_memory.h"

namespace anchor {
namespace {

// Nobody gets these calls without it.
DeviceMemory& memory_of(fid_domain* domain) noexcept { return *Domain::from(domain).device().for_applications(); }

int allocate(fid_domain* domain, std::size_t length, std::uint64_t flags, void** address) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;
  std::byte* memory;
  const int error = memory_of(domain).allocate(length, &memory);
  if (error == 0) *address = memory;
  return error;
}

int free_memory(fid_domain* domain, void* address) noexcept { return memory_of(domain).free(address); }

int query(fid_domain* domain, fi_anchor_window_attr* attributes) noexcept {
  const DeviceMemoryRoom room = memory_of(domain).room();
  *attributes = {.size = room.total,
                 .available = room.free_bytes,
                 .longest = room.longest,
                 .allocated = room.allocated,
                 .granularity = room.granularity,
                 .host = room.host,
                 .hosts = room.hosts};
  return 0;
}

int find(fid_domain* domain, const void* address, fi_anchor_window_range* range) noexcept {
  std::byte* start;
  std::size_t bytes;
  const int error = memory_of(domain).find(address, &start, &bytes);
  if (error == 0) *range = {start, bytes};
  return error;
}

fi_anchor_window_ops window_ops{
    .size = sizeof(fi_anchor_window_ops),
    .allocate = allocate,
    .free = free_memory,
    .query = query,
    .find = find,
};

}  // namespace

int open_domain_ops(fid* domain, const char* name, std::uint64_t flags, void** ops, void* /*context*/) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;
  if (name == nullptr || std::strcmp(name, FI_ANCHOR_WINDOW_OPS) != 0) return -FI_ENOSYS;
  if (object_of<Domain, fid_domain>(domain).device().for_applications() == nullptr) return -FI_ENOSYS;
  *ops = &window_ops;
  return 0;
}

}  // namespace anchor
