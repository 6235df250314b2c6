// SPDX-License-Identifier: BSD-2-Clause
#include "dma/device.h"

namespace anchor {

Mapping::~Mapping() {
  if (address_ != nullptr && !is_part_) unmap_guarded(address_, size_, lost_.get());
}

}  // namespace anchor
