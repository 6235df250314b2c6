// SPDX-License-Identifier: BSD-2-Clause
#include "abi/atomic.h"
#include "abi/atomic_call.h"
#include "abi/remote_transfer.h"
#include "abi/trigger_calls.h"

namespace anchor {
namespace {

// What goes on where nothing is triggered.
fi_ops_atomic& plain_atomic(fid_ep* ep) noexcept { return *atomic_ops(Ep::from(ep).core().caps); }

using Elements = std::span<const fi_ioc>;

ssize_t defer_atomic(fid_ep* ep, WorkType type, const fi_msg_atomic& msg, std::uint64_t flags, Elements compare,
                     Elements result) noexcept {
  if (!has_caps(ep, type == WorkType::kAtomic ? FI_WRITE : FI_READ)) return -FI_ENOSYS;
  if ((flags & ~(kAtomicMessageFlags | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  Ep& self = Ep::from(ep);
  return with_atomic_work(call_of(type, send_flags(flags, self.defaults().selective_send), msg, compare, result),
                          [&](const AtomicWork& work) { return defer_by_context(self, msg.context, flags, work); });
}

ssize_t atomic_writemsg(fid_ep* ep, const fi_msg_atomic* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_atomic(ep).writemsg(ep, msg, flags);
  return defer_atomic(ep, WorkType::kAtomic, *msg, flags, {}, {});
}

ssize_t atomic_readwritemsg(fid_ep* ep, const fi_msg_atomic* msg, fi_ioc* resultv, void** desc, size_t result_count,
                            uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_atomic(ep).readwritemsg(ep, msg, resultv, desc, result_count, flags);
  return defer_atomic(ep, WorkType::kFetchAtomic, *msg, flags, {}, {resultv, result_count});
}

ssize_t atomic_compwritemsg(fid_ep* ep, const fi_msg_atomic* msg, const fi_ioc* comparev, void** compare_desc,
                            size_t compare_count, fi_ioc* resultv, void** desc, size_t result_count,
                            uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0)
    return plain_atomic(ep).compwritemsg(ep, msg, comparev, compare_desc, compare_count, resultv, desc, result_count,
                                         flags);
  return defer_atomic(ep, WorkType::kCompareAtomic, *msg, flags, {comparev, compare_count}, {resultv, result_count});
}

std::size_t elements_in(Elements parts) noexcept {
  std::size_t count = 0;
  for (const fi_ioc& part : parts) count += part.count;
  return count;
}

// The arguments of a call with as many elements in one piece at the peer.
struct OneTarget {
  OneTarget(Elements operand, std::size_t count, fi_addr_t to, const RemotePlace& place, fi_datatype datatype, fi_op op,
            void* context) noexcept
      : target{place.address, count, place.key} {
    msg.msg_iov = operand.data();
    msg.iov_count = operand.size();
    msg.addr = to;
    msg.rma_iov = &target;
    msg.rma_iov_count = 1;
    msg.datatype = datatype;
    msg.op = op;
    msg.context = context;
  }
  fi_rma_ioc target;
  fi_msg_atomic msg{};
};

ssize_t atomic_writev(fid_ep* ep, const fi_ioc* iov, void** desc, size_t count, fi_addr_t dest_addr, uint64_t addr,
                      uint64_t key, fi_datatype datatype, fi_op op, void* context) noexcept {
  if (!sends_by_default(ep))
    return plain_atomic(ep).writev(ep, iov, desc, count, dest_addr, addr, key, datatype, op, context);
  const Elements operand{iov, count};
  const OneTarget one(operand, elements_in(operand), dest_addr, {addr, key}, datatype, op, context);
  return atomic_writemsg(ep, &one.msg, default_flags(ep));
}

ssize_t atomic_write(fid_ep* ep, const void* buf, size_t count, void* desc, fi_addr_t dest_addr, uint64_t addr,
                     uint64_t key, fi_datatype datatype, fi_op op, void* context) noexcept {
  if (!sends_by_default(ep))
    return plain_atomic(ep).write(ep, buf, count, desc, dest_addr, addr, key, datatype, op, context);
  const fi_ioc operand{const_cast<void*>(buf), count};
  return atomic_writev(ep, &operand, nullptr, 1, dest_addr, addr, key, datatype, op, context);
}

ssize_t atomic_inject(fid_ep* ep, const void* buf, size_t count, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
                      fi_datatype datatype, fi_op op) noexcept {
  return plain_atomic(ep).inject(ep, buf, count, dest_addr, addr, key, datatype, op);
}

ssize_t atomic_readwritev(fid_ep* ep, const fi_ioc* iov, void** desc, size_t count, fi_ioc* resultv, void** result_desc,
                          size_t result_count, fi_addr_t dest_addr, uint64_t addr, uint64_t key, fi_datatype datatype,
                          fi_op op, void* context) noexcept {
  if (!sends_by_default(ep))
    return plain_atomic(ep).readwritev(ep, iov, desc, count, resultv, result_desc, result_count, dest_addr, addr, key,
                                       datatype, op, context);
  const std::size_t elements = elements_in({resultv, result_count});
  const OneTarget one({iov, count}, elements, dest_addr, {addr, key}, datatype, op, context);
  return atomic_readwritemsg(ep, &one.msg, resultv, nullptr, result_count, default_flags(ep));
}

ssize_t atomic_readwrite(fid_ep* ep, const void* buf, size_t count, void* desc, void* result, void* result_desc,
                         fi_addr_t dest_addr, uint64_t addr, uint64_t key, fi_datatype datatype, fi_op op,
                         void* context) noexcept {
  if (!sends_by_default(ep))
    return plain_atomic(ep).readwrite(ep, buf, count, desc, result, result_desc, dest_addr, addr, key, datatype, op,
                                      context);
  const fi_ioc operand{const_cast<void*>(buf), count};
  fi_ioc former{result, count};
  return atomic_readwritev(ep, &operand, nullptr, 1, &former, nullptr, 1, dest_addr, addr, key, datatype, op, context);
}

ssize_t atomic_compwritev(fid_ep* ep, const fi_ioc* iov, void** desc, size_t count, const fi_ioc* comparev,
                          void** compare_desc, size_t compare_count, fi_ioc* resultv, void** result_desc,
                          size_t result_count, fi_addr_t dest_addr, uint64_t addr, uint64_t key, fi_datatype datatype,
                          fi_op op, void* context) noexcept {
  if (!sends_by_default(ep))
    return plain_atomic(ep).compwritev(ep, iov, desc, count, comparev, compare_desc, compare_count, resultv,
                                       result_desc, result_count, dest_addr, addr, key, datatype, op, context);
  const Elements operand{iov, count};
  const OneTarget one(operand, elements_in(operand), dest_addr, {addr, key}, datatype, op, context);
  return atomic_compwritemsg(ep, &one.msg, comparev, nullptr, compare_count, resultv, nullptr, result_count,
                             default_flags(ep));
}

ssize_t atomic_compwrite(fid_ep* ep, const void* buf, size_t count, void* desc, const void* compare, void* compare_desc,
                         void* result, void* result_desc, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
                         fi_datatype datatype, fi_op op, void* context) noexcept {
  if (!sends_by_default(ep))
    return plain_atomic(ep).compwrite(ep, buf, count, desc, compare, compare_desc, result, result_desc, dest_addr, addr,
                                      key, datatype, op, context);
  const fi_ioc operand{const_cast<void*>(buf), count}, compared{const_cast<void*>(compare), count};
  fi_ioc former{result, count};
  return atomic_compwritev(ep, &operand, nullptr, 1, &compared, nullptr, 1, &former, nullptr, 1, dest_addr, addr, key,
                           datatype, op, context);
}

}  // namespace

// What is asked about, and not done, is answered as ever.
fi_ops_atomic* triggerable_atomic_ops() noexcept {
  static fi_ops_atomic triggerable = [] {
    fi_ops_atomic ops = *atomic_ops(FI_ATOMIC | FI_READ | FI_WRITE);
    ops.write = atomic_write;
    ops.writev = atomic_writev;
    ops.writemsg = atomic_writemsg;
    ops.inject = atomic_inject;
    ops.readwrite = atomic_readwrite;
    ops.readwritev = atomic_readwritev;
    ops.readwritemsg = atomic_readwritemsg;
    ops.compwrite = atomic_compwrite;
    ops.compwritev = atomic_compwritev;
    ops.compwritemsg = atomic_compwritemsg;
    return ops;
  }();
  return &triggerable;
}

}  // namespace anchor
