// SPDX-License-Identifier: BSD-2-Clause
#include "os/processor_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace anchor {
namespace {

ProcessorFeatures find_features() noexcept {
#if defined(__x86_64__)
  constexpr unsigned kExtendedFeatures = 7;
  constexpr unsigned kClflushopt = 1u << 23, kClwb = 1u << 24;  // of EBX
  constexpr unsigned kCldemote = 1u << 25;                      // of ECX
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid_count(kExtendedFeatures, 0, &eax, &ebx, &ecx, &edx) == 0) return {};
  return {.clflushopt = (ebx & kClflushopt) != 0, .clwb = (ebx & kClwb) != 0, .cldemote = (ecx & kCldemote) != 0};
#else
  return {};
#endif
}

}  // namespace

const ProcessorFeatures& processor_features() noexcept {
  static const ProcessorFeatures found = find_features();
  return found;
}

}  // namespace anchor
