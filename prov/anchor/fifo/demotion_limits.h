// SPDX-License-Identifier: BSD-2-Clause
// Which bytes of a payload area are demoted (os/demotion.h), by who wrote them and by who has read them, as the other
// one needs their lines next. More of them cost more than they gain: measured on an Intel Xeon, half a round trip of 64
// to 512 bytes took 0.8 of the time, of 1 KiB 0.93, of 2 KiB 1.09; a stream's bandwidth at 64 to 256 bytes was 1.4
// times as high, at 512 bytes 0.8 times.
#pragma once

#include <cstdint>

#include "fifo/copy_choice.h"

namespace anchor {

// By the writer, of a message that answers one.
inline constexpr std::uint32_t kMostDemotedOfAnswer = 1024;
// Otherwise, and by the reader.
inline constexpr std::uint32_t kMostDemoted = 256;
// Which way is faster is measured without it.
static_assert(kMostDemotedOfAnswer < kMinMeasured);

}  // namespace anchor
