// SPDX-License-Identifier: BSD-2-Clause
// Memory of another process that is a part of a file, mapped here, too.
//
// Thread-safe, stateless.
#pragma once

#include <cstdint>
#include <memory>

#include "dma/device.h"

namespace anchor {

// As DirectCopy::share(). `process`: an open /proc/<number>.
int open_shared_view(int process, std::uint64_t address, std::uint64_t length, const std::shared_ptr<LostFlag>& lost,
                     SharedView* view) noexcept;

}  // namespace anchor
