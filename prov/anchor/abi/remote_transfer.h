// SPDX-License-Identifier: BSD-2-Clause
// The last steps that calls on a peer's memory share: check lengths, hand the request to the endpoint.
#pragma once

#include <rdma/fi_rma.h>

#include <cstddef>
#include <cstdint>

#include "abi/transfer.h"
#include "core/remote_work.h"

namespace anchor {

// Of one piece of remote memory that is as long as what is ours.
struct RemotePlace {
  std::uint64_t address;
  std::uint64_t key;
};

inline WorkRequest work_request(const Transfer& transfer, const iovec* segments, std::size_t count,
                                std::size_t length) noexcept {
  return {.type = transfer.type,
          .flags = transfer.flags,
          .segment_count = static_cast<std::uint32_t>(count),
          .segments = segments,
          .length = length,
          .address = transfer.address,
          .tag = 0,
          .ignore = 0,
          .data = transfer.data,
          .context = transfer.context};
}

inline ssize_t submit_remote(Ep& ep, const Transfer& transfer, const void* buffer, std::size_t length,
                             const RemotePlace& place, std::size_t limit) noexcept {
  if (length > limit) [[unlikely]]
    return -FI_EMSGSIZE;
  const iovec segment{const_cast<void*>(buffer), length};
  const RemoteTarget target{place.address, length, place.key};
  return ep.endpoint().submit_remote({work_request(transfer, &segment, 1, length), 1, &target});
}

// Bytes in all segments; past `limit` -FI_EMSGSIZE, with more than kMaxSegments of them -FI_EINVAL.
inline int total_length(const iovec* segments, std::size_t count, std::size_t limit, std::size_t* length) noexcept {
  if (count > kMaxSegments) [[unlikely]]
    return -FI_EINVAL;
  *length = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (segments[i].iov_len > limit - *length) [[unlikely]]
      return -FI_EMSGSIZE;
    *length += segments[i].iov_len;
  }
  return 0;
}

inline ssize_t submit_remote(Ep& ep, const Transfer& transfer, const iovec* segments, std::size_t count,
                             const RemotePlace& place, std::size_t limit) noexcept {
  std::size_t length;
  if (const int error = total_length(segments, count, limit, &length)) return error;
  const RemoteTarget target{place.address, length, place.key};
  return ep.endpoint().submit_remote({work_request(transfer, segments, count, length), 1, &target});
}

// -FI_EINVAL: both sides are not equally long.
// Calls use(const RemoteWork&), which returns a status.
template <class Use>
ssize_t with_remote_work(const Transfer& transfer, const fi_msg_rma& msg, std::size_t limit, Use&& use) noexcept {
  std::size_t length;
  if (const int error = total_length(msg.msg_iov, msg.iov_count, limit, &length)) return error;
  if (msg.rma_iov_count == 0 || msg.rma_iov_count > kMaxSegments) return -FI_EINVAL;
  RemoteTarget targets[kMaxSegments];
  std::uint64_t remote_length = 0;
  for (std::size_t i = 0; i < msg.rma_iov_count; ++i) {
    const fi_rma_iov& piece = msg.rma_iov[i];
    if (piece.len > length - remote_length) return -FI_EINVAL;
    targets[i] = {piece.addr, piece.len, piece.key};
    remote_length += piece.len;
  }
  if (remote_length != length) return -FI_EINVAL;
  return use(RemoteWork{work_request(transfer, msg.msg_iov, msg.iov_count, length),
                        static_cast<std::uint32_t>(msg.rma_iov_count), targets});
}

inline ssize_t submit_remote(Ep& ep, const Transfer& transfer, const fi_msg_rma& msg, std::size_t limit) noexcept {
  return with_remote_work(transfer, msg, limit,
                          [&](const RemoteWork& work) { return ep.endpoint().submit_remote(work); });
}

}  // namespace anchor
