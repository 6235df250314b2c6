// SPDX-License-Identifier: BSD-2-Clause
#include "os/demotion.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace anchor {

bool knows_demotion() noexcept {
#if defined(__x86_64__)
  constexpr unsigned kExtendedFeatures = 7;
  constexpr unsigned kCldemote = 1u << 25;  // of ECX
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid_count(kExtendedFeatures, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & kCldemote) != 0;
#else
  return false;
#endif
}

}  // namespace anchor
