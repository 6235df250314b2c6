// SPDX-License-Identifier: BSD-2-Clause
#include "dma/device.h"

#include <sys/mman.h>

namespace anchor {

Mapping::~Mapping() {
  if (address_ == nullptr) return;
  if (lost_ != nullptr) {
    unmap_guarded(address_, size_, lost_.get());
  } else {
    ::munmap(address_, size_);
  }
}

}  // namespace anchor
