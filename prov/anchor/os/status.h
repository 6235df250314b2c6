// SPDX-License-Identifier: BSD-2-Clause
// The one error language: a function returns 0 (or a count) on success and a negated errno value on failure.
//
// Below 256 the values are errno(3)'s own. The ones from 256 on are libfabric's (fi_errno.h); they are repeated here
// because nothing below abi/ includes a fabric header. abi/plugin.cpp asserts that the two agree.
#pragma once

#include <cerrno>

namespace anchor {

inline constexpr int kTooSmall = 257;        // FI_ETOOSMALL
inline constexpr int kErrorAvailable = 259;  // FI_EAVAIL
inline constexpr int kTruncated = 265;       // FI_ETRUNC
inline constexpr int kOverrun = 268;         // FI_EOVERRUN

}  // namespace anchor
