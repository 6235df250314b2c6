// SPDX-License-Identifier: BSD-2-Clause
// The one normalised form of everything a client can ask for: abi/ makes it, dispatch/ chooses a protocol by its type,
// proto/ carries it out.
//
// A WorkRequest lives on the caller's stack for the length of one call; what outlives the call is copied into a pooled
// SendRequest or ReceiveRequest.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace anchor {

inline constexpr std::size_t kMaxSegments = 4;  // iov_limit, both directions

// The last five are the types of a RemoteWork (core/remote_work.h).
enum class WorkType : std::uint8_t {
  kSend,
  kTaggedSend,
  kReceive,
  kTaggedReceive,
  kRead,
  kWrite,
  kAtomic,
  kFetchAtomic,
  kCompareAtomic,
};

constexpr bool is_receive(WorkType type) noexcept {
  return type == WorkType::kReceive || type == WorkType::kTaggedReceive;
}
constexpr bool is_remote(WorkType type) noexcept { return type >= WorkType::kRead; }

// Bits of WorkRequest::flags. abi/ translates libfabric's flags (and the endpoint's defaults) into these.
enum WorkFlag : std::uint32_t {
  kWantCompletion = 1u << 0,    // write a CQ entry on success (errors are always written)
  kInject = 1u << 1,            // the buffer is the caller's again when the call returns
  kRemoteData = 1u << 2,        // `data` travels to the receiver's completion
  kDeliveryComplete = 1u << 3,  // complete when the message lies in the receiver's buffer
  kMultiReceive = 1u << 4,      // the buffer takes messages until less than min_multi_receive is left
  kPeek = 1u << 5,              // look for an unexpected message without taking it
  kClaim = 1u << 6,             // with kPeek: reserve it; alone: receive the one reserved in `context`
  kDiscard = 1u << 7,           // with kPeek or kClaim: drop it
  kFence = 1u << 8,             // starts when all before it to the same peer have completed
  kDeferred = 1u << 9,          // `context` is a DeferredCompletion (core/deferred_completion.h)
};

inline constexpr std::uint64_t kAnyAddress = ~0ull;  // FI_ADDR_UNSPEC / FI_ADDR_NOTAVAIL

struct WorkRequest {
  WorkType type;
  std::uint32_t flags;
  std::uint32_t segment_count;
  const iovec* segments;
  std::size_t length;     // bytes in all segments
  std::uint64_t address;  // fi_addr_t of the destination, or of the only source wanted; kAnyAddress
  std::uint64_t tag;
  std::uint64_t ignore;  // tag bits that need not match (receives)
  std::uint64_t data;
  void* context;
};

}  // namespace anchor
