// SPDX-License-Identifier: BSD-2-Clause
// From the arguments of fi_atomic(3)'s calls to an AtomicWork.
#pragma once

#include <rdma/fi_atomic.h>
#include <rdma/fi_errno.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/atomic_query.h"
#include "abi/op_flags.h"
#include "core/atomic_work.h"
#include "proto/limits.h"

namespace anchor {

inline constexpr std::uint64_t kAtomicMessageFlags = kTransmitOpFlags | FI_MORE | FI_FENCE;

// A call's arguments, whichever call it is.
struct AtomicCall {
  WorkType type;
  std::uint32_t flags;
  fi_addr_t address;
  fi_datatype datatype;
  fi_op op;
  void* context;
  std::span<const fi_ioc> operand;
  std::span<const fi_rma_ioc> targets;
  std::span<const fi_ioc> compare = {};
  std::span<const fi_ioc> result = {};
};

// One whose arguments come as a message.
inline AtomicCall call_of(WorkType type, std::uint32_t flags, const fi_msg_atomic& msg, std::span<const fi_ioc> compare,
                          std::span<const fi_ioc> result) noexcept {
  return {type,
          flags,
          msg.addr,
          msg.datatype,
          msg.op,
          msg.context,
          {msg.msg_iov, msg.iov_count},
          {msg.rma_iov, msg.rma_iov_count},
          compare,
          result};
}

// An array of elements as segments of bytes.
class ElementSegments {
 public:
  // False: too many of them.
  bool take(std::span<const fi_ioc> elements, std::size_t size) noexcept {
    if (elements.size() > kMaxSegments) return false;
    for (const fi_ioc& part : elements) {
      if (part.count > kMaxAtomicSize) return false;  // so that nothing overflows
      list_[count_++] = {part.addr, part.count * size};
      bytes_ += part.count * size;
    }
    return true;
  }
  const iovec* list() const noexcept { return list_; }
  std::uint32_t count() const noexcept { return count_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  iovec list_[kMaxSegments];
  std::uint32_t count_ = 0;
  std::size_t bytes_ = 0;
};

// 0, or what is wrong with the targets.
inline int take_targets(std::span<const fi_rma_ioc> elements, std::size_t size, RemoteTarget* targets,
                        std::size_t* bytes) noexcept {
  if (elements.empty() || elements.size() > kMaxSegments) return -FI_EINVAL;
  for (const fi_rma_ioc& part : elements) {
    if (part.count > kMaxAtomicSize) return -FI_EMSGSIZE;
    *targets++ = {part.addr, part.count * size, part.key};
    *bytes += part.count * size;
  }
  if (*bytes == 0) return -FI_EINVAL;  // fi_atomic(3): between one element and the advertised number
  return *bytes <= kMaxAtomicSize ? 0 : -FI_EMSGSIZE;
}

// Calls use(const AtomicWork&), which returns a status, unless the arguments make no sense.
template <class Use>
ssize_t with_atomic_work(const AtomicCall& call, Use&& use) noexcept {
  const AtomicType type = atomic_type(call.datatype);
  const AtomicOperation operation = atomic_operation(call.op);
  if (!atomic_served(family_of(call.type), type, operation)) [[unlikely]]
    return -FI_EOPNOTSUPP;
  const std::size_t size = atomic_size(type);
  RemoteTarget targets[kMaxSegments];
  std::size_t bytes = 0;
  if (const int status = take_targets(call.targets, size, targets, &bytes)) [[unlikely]]
    return status;
  ElementSegments operand, compare, result;
  const bool has_operand = operation != AtomicOperation::kRead;  // fi_atomic(3): else what is given is ignored
  const bool taken = (!has_operand || (operand.take(call.operand, size) && operand.bytes() == bytes)) &&
                     compare.take(call.compare, size) && result.take(call.result, size);
  const bool covers = (call.type != WorkType::kCompareAtomic || compare.bytes() == bytes) &&
                      (call.type == WorkType::kAtomic || result.bytes() == bytes);
  if (!taken || !covers) [[unlikely]]
    return -FI_EINVAL;
  return use(AtomicWork{.remote = {.base = {.type = call.type,
                                            .flags = call.flags,
                                            .segment_count = operand.count(),
                                            .segments = operand.list(),
                                            .length = bytes,
                                            .address = call.address,
                                            .tag = 0,
                                            .ignore = 0,
                                            .data = 0,
                                            .context = call.context},
                                   .target_count = static_cast<std::uint32_t>(call.targets.size()),
                                   .targets = targets},
                        .type = type,
                        .operation = operation,
                        .compare_count = compare.count(),
                        .result_count = result.count(),
                        .compares = compare.list(),
                        .results = result.list()});
}

}  // namespace anchor
