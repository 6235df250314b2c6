// SPDX-License-Identifier: BSD-2-Clause
// The one fi_provider object: what libfabric calls, and what logging and parameters name us by.
#pragma once

#include <rdma/providers/fi_prov.h>

#include <cstdint>

namespace anchor {

inline constexpr char kProviderName[] = "anchor";
inline constexpr char kFabricName[] = "anchor";
inline constexpr std::uint32_t kProviderVersion = FI_VERSION(1, 0);

// Writable, because libfabric keeps its own state in `context`. Lives as long as the library.
fi_provider& provider() noexcept;

}  // namespace anchor
