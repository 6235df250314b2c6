// SPDX-License-Identifier: BSD-2-Clause
// What we serve, in libfabric's bits. Where a set is advertised, the code behind it exists.
#pragma once

#include <rdma/fi_domain.h>

#include <cstddef>
#include <cstdint>

namespace anchor {

// fi_getinfo(3): primary capabilities are enabled only when asked for; the modifiers narrow them.
inline constexpr std::uint64_t kMessageCaps = FI_MSG | FI_TAGGED;
inline constexpr std::uint64_t kRemoteCaps = FI_RMA | FI_ATOMIC;
inline constexpr std::uint64_t kPrimaryCaps = kMessageCaps | FI_DIRECTED_RECV | kRemoteCaps;
inline constexpr std::uint64_t kMessageModifiers = FI_SEND | FI_RECV;
inline constexpr std::uint64_t kInitiatorModifiers = FI_READ | FI_WRITE;
inline constexpr std::uint64_t kTargetModifiers = FI_REMOTE_READ | FI_REMOTE_WRITE;
inline constexpr std::uint64_t kRemoteModifiers = kInitiatorModifiers | kTargetModifiers;
inline constexpr std::uint64_t kModifierCaps = kMessageModifiers | kRemoteModifiers;
// Secondary ones that cost nothing are reported without being asked for. FI_SOURCE_ERR and FI_AV_USER_ID change what
// completions look like: those only on request. Completions name their source whether or not FI_SOURCE was asked for,
// but only who asks for it, or for nothing in particular, is promised that.
inline constexpr std::uint64_t kFreeCaps = FI_MULTI_RECV | FI_FENCE | FI_LOCAL_COMM | FI_REMOTE_COMM;
inline constexpr std::uint64_t kDefaultCaps = kPrimaryCaps | kModifierCaps | kFreeCaps | FI_SOURCE | FI_RMA_EVENT;
inline constexpr std::uint64_t kSupportedCaps = kDefaultCaps | FI_SOURCE_ERR | FI_AV_USER_ID | FI_TRIGGER;

// All that the modifiers narrow, where none is given (fi_getinfo(3)).
constexpr std::uint64_t with_modifiers(std::uint64_t caps) noexcept {
  if ((caps & kMessageCaps) != 0 && (caps & kMessageModifiers) == 0) caps |= kMessageModifiers;
  if ((caps & kRemoteCaps) != 0 && (caps & kRemoteModifiers) == 0) caps |= kRemoteModifiers;
  return caps;
}

inline constexpr std::uint64_t kTransmitCaps =
    kMessageCaps | FI_SEND | kRemoteCaps | kInitiatorModifiers | FI_FENCE | FI_TRIGGER;
inline constexpr std::uint64_t kReceiveCaps = kMessageCaps | FI_RECV | FI_DIRECTED_RECV | FI_MULTI_RECV | FI_SOURCE |
                                              FI_SOURCE_ERR | kRemoteCaps | kTargetModifiers | FI_RMA_EVENT |
                                              FI_TRIGGER;

// The capabilities of one direction: none of a kind whose modifiers leave it out. (FI_DIRECTED_RECV has none, and stays
// where it was asked for.)
constexpr std::uint64_t transmit_caps(std::uint64_t caps) noexcept {
  std::uint64_t own = caps & kTransmitCaps;
  if ((own & FI_SEND) == 0) own &= ~kMessageCaps;
  if ((own & kInitiatorModifiers) == 0) own &= ~kRemoteCaps;
  if ((own & (FI_SEND | kInitiatorModifiers)) == 0) own = 0;
  return own;
}
constexpr std::uint64_t receive_caps(std::uint64_t caps) noexcept {
  std::uint64_t own = caps & kReceiveCaps;
  if ((own & FI_RECV) == 0) own &= FI_DIRECTED_RECV | kRemoteCaps | kTargetModifiers | FI_RMA_EVENT;
  if ((own & kTargetModifiers) == 0) own &= ~(kRemoteCaps | FI_RMA_EVENT);
  return own;
}

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

// An operation starts after all that were started before it to the same peer (proto/remote.h). But one on the peer's
// memory is done by its initiator, as soon as a message before it has been transmitted: it may be received later.
inline constexpr std::uint64_t kMessageOrder = FI_ORDER_SAS;
inline constexpr std::uint64_t kRemoteOrder = FI_ORDER_RAR | FI_ORDER_RAW | FI_ORDER_WAR | FI_ORDER_WAW | FI_ORDER_SAR |
                                              FI_ORDER_SAW | FI_ORDER_RMA_RAR | FI_ORDER_RMA_RAW | FI_ORDER_RMA_WAR |
                                              FI_ORDER_RMA_WAW | FI_ORDER_ATOMIC_RAR | FI_ORDER_ATOMIC_RAW |
                                              FI_ORDER_ATOMIC_WAR | FI_ORDER_ATOMIC_WAW;
inline constexpr std::uint64_t kVacuousOrder = FI_ORDER_RAS | FI_ORDER_WAS;  // without remote operations

// fi_mr(3): what has a meaning here. None of it is needed, so fi_getinfo answers with none of it; an application that
// wants it nevertheless sets it in the fi_info which it opens the domain with.
inline constexpr int kMrModes = FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_RMA_EVENT | FI_MR_ENDPOINT;
// mr_mode values from before libfabric 1.5, which newer headers warn about.
inline constexpr int kMrBasic = 1 << 0;
inline constexpr int kMrScalable = 1 << 1;
// What a domain does for the mr_mode in its fi_info.
constexpr int meaning_of_mr_mode(int mode) noexcept {
  return mode == kMrBasic ? FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY : mode & kMrModes;
}

// fi_endpoint(3): the upper bit marks a provider's own protocol. The rest spells "anc".
inline constexpr std::uint32_t kProtocol = 1u << 31 | 0x616e63;
inline constexpr std::uint32_t kProtocolVersion = 1;

inline constexpr std::uint64_t kAllTagBits = 0xaaaaaaaaaaaaaaaaull;  // fi_endpoint(3): alternating, unstructured
inline constexpr std::size_t kCompletionDataSize = 8;
inline constexpr std::size_t kMaxQueueSize = 1u << 20;
inline constexpr std::size_t kRegionCount = 1u << 16;  // memory regions a domain serves well
inline constexpr std::size_t kObjectCount = 1024;      // queues, counters and endpoints a domain serves well

}  // namespace anchor
