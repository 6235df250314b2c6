// SPDX-License-Identifier: BSD-2-Clause
// Frames between a rank and the hub, over a SOCK_SEQPACKET pair: a header, then the bytes.
//
// `peer` is the receiver's rank on the way to the hub and the sender's on the way from it. kEveryone stands for gather:
// the hub answers with all ranks' bytes, each behind a 32-bit length.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor::fabtests {

inline constexpr std::int32_t kEveryone = -1;
inline constexpr std::size_t kMaxFrame = 96 * 1024;

struct FrameHeader {
  std::int32_t peer;
  std::uint32_t size;
};

}  // namespace anchor::fabtests
