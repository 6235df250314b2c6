// SPDX-License-Identifier: BSD-2-Clause
#include "os/random_identity.h"

#include <sys/random.h>

namespace anchor {

std::uint64_t random_identity() noexcept {
  std::uint64_t value = 0;
  while (value == 0)
    if (getrandom(&value, sizeof value, 0) != sizeof value) value = 0;
  return value;
}

}  // namespace anchor
