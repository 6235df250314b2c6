// SPDX-License-Identifier: BSD-2-Clause
// Whether addresses of this process lead anywhere. Thread-safe, stateless.
#pragma once

#include <cstddef>

namespace anchor {

// Whether every page that the bytes touch is mapped at the moment, whatever may be done with it. True for no bytes.
bool is_mapped(const void* address, std::size_t bytes) noexcept;

}  // namespace anchor
