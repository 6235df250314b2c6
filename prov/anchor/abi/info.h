// SPDX-License-Identifier: BSD-2-Clause
// fi_getinfo(3): what we offer, one fi_info for each device.
//
// Thread-safe. fi_info structures are made by fi_allocinfo(3) only: their size is the running library's business.
#pragma once

#include <rdma/fabric.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace anchor {

struct InfoDeleter {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
};
using InfoPointer = std::unique_ptr<fi_info, InfoDeleter>;

// fi_provider::getinfo.
int get_info(std::uint32_t version, const char* node, const char* service, std::uint64_t flags, const fi_info* hints,
             fi_info** info) noexcept;

// All that a device can do, as when there are no hints; no addresses yet. `version` is what fi_getinfo(3) was asked
// with. Throws std::bad_alloc.
InfoPointer full_offer(std::uint32_t version, std::string_view device);

// The devices to offer, each as a domain: the window, which serves for shm, too, or shm.
std::vector<std::string_view> offered_devices();

}  // namespace anchor
