// SPDX-License-Identifier: BSD-2-Clause
// libfabric's operation flags, translated to the bits of a WorkRequest: ahead of time for calls without a flags
// argument, per call for fi_sendmsg(3) and its kin.
#pragma once

#include <rdma/fi_tagged.h>

#include <cstddef>
#include <cstdint>

#include "abi/capabilities.h"
#include "core/work_request.h"
#include "proto/limits.h"

namespace anchor {

// What the ...msg calls take. FI_PEEK and its kin belong to tagged receives (fi_tagged(3)); on untagged ones they are
// for modes that we do not have.
inline constexpr std::uint64_t kSendMessageFlags = kTransmitOpFlags | FI_REMOTE_CQ_DATA | FI_MORE | FI_FENCE;
inline constexpr std::uint64_t kReadMessageFlags = FI_COMPLETION | FI_MORE | FI_FENCE | kCompletionLevels;
inline constexpr std::uint64_t kReceiveMessageFlags = kReceiveOpFlags | FI_MORE;
inline constexpr std::uint64_t kPeekFlags = FI_PEEK | FI_CLAIM | FI_DISCARD;
inline constexpr std::uint64_t kTaggedReceiveFlags = (kReceiveMessageFlags & ~FI_MULTI_RECV) | kPeekFlags;

// One bit of ours where one of libfabric's is set; compiles to a shift and a mask.
constexpr std::uint32_t bit_if(bool condition, std::uint32_t bit) noexcept { return condition ? bit : 0; }

// fi_cq(3): without selective completion every operation writes an entry. FI_MORE changes nothing: what one store makes
// visible need not wait for the next.
constexpr std::uint32_t send_flags(std::uint64_t flags, bool selective) noexcept {
  return bit_if(!selective || (flags & FI_COMPLETION) != 0, kWantCompletion) |
         bit_if((flags & FI_INJECT) != 0, kInject) | bit_if((flags & FI_REMOTE_CQ_DATA) != 0, kRemoteData) |
         bit_if((flags & (FI_DELIVERY_COMPLETE | FI_MATCH_COMPLETE)) != 0, kDeliveryComplete) |
         bit_if((flags & FI_FENCE) != 0, kFence);
}

// A read injects nothing.
constexpr std::uint32_t read_flags(std::uint64_t flags, bool selective) noexcept {
  return send_flags(flags & ~(FI_INJECT | FI_REMOTE_CQ_DATA), selective);
}

constexpr std::uint32_t receive_flags(std::uint64_t flags, bool selective) noexcept {
  return bit_if(!selective || (flags & FI_COMPLETION) != 0, kWantCompletion) |
         bit_if((flags & FI_MULTI_RECV) != 0, kMultiReceive);
}

constexpr std::uint32_t tagged_receive_flags(std::uint64_t flags, bool selective) noexcept {
  return receive_flags(flags & ~FI_MULTI_RECV, selective) | bit_if((flags & FI_PEEK) != 0, kPeek) |
         bit_if((flags & FI_CLAIM) != 0, kClaim) | bit_if((flags & FI_DISCARD) != 0, kDiscard);
}

constexpr std::size_t send_limit(std::uint64_t flags) noexcept {
  return (flags & FI_INJECT) != 0 ? kInjectSize : static_cast<std::size_t>(kMaxMessageSize);
}

// What an endpoint's (or an alias's) calls without flags use, and what those with flags need to know.
struct OpDefaults {
  std::uint32_t send = 0;
  std::uint32_t receive = 0;
  std::uint32_t tagged_receive = 0;
  bool selective_send = false;
  bool selective_receive = false;
  std::size_t send_limit = kMaxMessageSize;  // bytes; kInjectSize when every send injects

  void set_send(std::uint64_t op_flags) noexcept {
    send = send_flags(op_flags, selective_send);
    send_limit = anchor::send_limit(op_flags);
  }
  void set_receive(std::uint64_t op_flags) noexcept {
    receive = receive_flags(op_flags, selective_receive);
    tagged_receive = tagged_receive_flags(op_flags, selective_receive);
  }
};

}  // namespace anchor
