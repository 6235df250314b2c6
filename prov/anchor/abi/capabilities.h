// SPDX-License-Identifier: BSD-2-Clause
// What we serve, in libfabric's bits. Where a set is advertised, the code behind it exists.
#pragma once

#include <rdma/fabric.h>

#include <cstddef>
#include <cstdint>

namespace anchor {

// fi_getinfo(3): primary capabilities are enabled only when asked for; the modifiers narrow them.
inline constexpr std::uint64_t kPrimaryCaps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV;
inline constexpr std::uint64_t kModifierCaps = FI_SEND | FI_RECV;
// Secondary ones that cost nothing are reported without being asked for. FI_SOURCE_ERR and FI_AV_USER_ID change what
// completions look like: those only on request. Completions name their source whether or not FI_SOURCE was asked for,
// but only who asks for it, or for nothing in particular, is promised that.
inline constexpr std::uint64_t kFreeCaps = FI_MULTI_RECV | FI_LOCAL_COMM | FI_REMOTE_COMM;
inline constexpr std::uint64_t kDefaultCaps = kPrimaryCaps | kModifierCaps | kFreeCaps | FI_SOURCE;
inline constexpr std::uint64_t kSupportedCaps = kDefaultCaps | FI_SOURCE_ERR | FI_AV_USER_ID;

inline constexpr std::uint64_t kTransmitCaps = FI_MSG | FI_TAGGED | FI_SEND;
inline constexpr std::uint64_t kReceiveCaps =
    FI_MSG | FI_TAGGED | FI_RECV | FI_DIRECTED_RECV | FI_MULTI_RECV | FI_SOURCE | FI_SOURCE_ERR;

// fi_domain(3) of libfabric 1.20 and later: FI_AV_USER_ID here says that address vectors may be opened with it.
inline constexpr std::uint64_t domain_caps(std::uint32_t api_version) noexcept {
  const std::uint64_t user_ids = api_version >= FI_VERSION(1, 20) ? FI_AV_USER_ID : 0;
  return FI_LOCAL_COMM | FI_REMOTE_COMM | user_ids;
}

// Levels of completion, weakest first. Transmit complete is reached as soon as inject complete is, because a message
// lies in its receiver's memory then; match complete is served by the stronger rule that the message was received.
inline constexpr std::uint64_t kCompletionLevels =
    FI_INJECT_COMPLETE | FI_TRANSMIT_COMPLETE | FI_DELIVERY_COMPLETE | FI_MATCH_COMPLETE;

// Flags an endpoint can have by default (op_flags). On receives the levels say nothing more than what holds anyway.
inline constexpr std::uint64_t kTransmitOpFlags = FI_COMPLETION | FI_INJECT | kCompletionLevels;
inline constexpr std::uint64_t kReceiveOpFlags = FI_COMPLETION | FI_MULTI_RECV | kCompletionLevels;

// Orders that concern RMA and atomic operations hold as long as there are none.
inline constexpr std::uint64_t kMessageOrder = FI_ORDER_SAS;
inline constexpr std::uint64_t kVacuousOrder =
    FI_ORDER_RAR | FI_ORDER_RAW | FI_ORDER_RAS | FI_ORDER_WAR | FI_ORDER_WAW | FI_ORDER_WAS | FI_ORDER_SAR |
    FI_ORDER_SAW | FI_ORDER_RMA_RAR | FI_ORDER_RMA_RAW | FI_ORDER_RMA_WAR | FI_ORDER_RMA_WAW | FI_ORDER_ATOMIC_RAR |
    FI_ORDER_ATOMIC_RAW | FI_ORDER_ATOMIC_WAR | FI_ORDER_ATOMIC_WAW;

// fi_endpoint(3): the upper bit marks a provider's own protocol. The rest spells "anc".
inline constexpr std::uint32_t kProtocol = 1u << 31 | 0x616e63;
inline constexpr std::uint32_t kProtocolVersion = 1;

inline constexpr std::uint64_t kAllTagBits = 0xaaaaaaaaaaaaaaaaull;  // fi_endpoint(3): alternating, unstructured
inline constexpr std::size_t kCompletionDataSize = 8;
inline constexpr std::size_t kMaxQueueSize = 1u << 20;
inline constexpr std::size_t kObjectCount = 1024;  // queues, counters and endpoints a domain serves well

}  // namespace anchor
