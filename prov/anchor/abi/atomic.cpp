// SPDX-License-Identifier: BSD-2-Clause
// fi_atomic(3): arguments to AtomicWork, nothing else. The endpoint is enabled, or another table would be in place.
#include "abi/atomic.h"

#include <rdma/fi_errno.h>

#include <span>

#include "abi/atomic_call.h"
#include "abi/ep.h"
#include "abi/unsupported.h"

namespace anchor {
namespace {

ssize_t submit(Ep& ep, const AtomicCall& call) noexcept {
  return with_atomic_work(call, [&](const AtomicWork& work) { return ep.endpoint().submit_atomic(work); });
}

std::size_t elements_in(std::span<const fi_ioc> parts) noexcept {
  std::size_t count = 0;
  for (const fi_ioc& part : parts) count += part.count;
  return count;
}

fi_ioc one(const void* buffer, std::size_t count) noexcept { return {const_cast<void*>(buffer), count}; }

// The ...msg calls.
ssize_t submit(fid_ep* descriptor, WorkType type, const fi_msg_atomic& msg, std::uint64_t flags,
               std::span<const fi_ioc> compare, std::span<const fi_ioc> result) noexcept {
  Ep& ep = Ep::from(descriptor);
  if ((flags & ~kAtomicMessageFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  return submit(ep, call_of(type, send_flags(flags, ep.defaults().selective_send), msg, compare, result));
}

ssize_t write(fid_ep* ep, const void* buf, size_t count, void*, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
              fi_datatype datatype, fi_op op, void* context) noexcept {
  const fi_ioc operand = one(buf, count);
  const fi_rma_ioc target{addr, count, key};
  Ep& self = Ep::from(ep);
  return submit(
      self, {WorkType::kAtomic, self.defaults().send, dest_addr, datatype, op, context, {&operand, 1}, {&target, 1}});
}

ssize_t writev(fid_ep* ep, const fi_ioc* iov, void**, size_t count, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
               fi_datatype datatype, fi_op op, void* context) noexcept {
  const fi_rma_ioc target{addr, elements_in({iov, count}), key};
  Ep& self = Ep::from(ep);
  return submit(
      self, {WorkType::kAtomic, self.defaults().send, dest_addr, datatype, op, context, {iov, count}, {&target, 1}});
}

ssize_t writemsg(fid_ep* ep, const fi_msg_atomic* msg, uint64_t flags) noexcept {
  return submit(ep, WorkType::kAtomic, *msg, flags, {}, {});
}

ssize_t inject(fid_ep* ep, const void* buf, size_t count, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
               fi_datatype datatype, fi_op op) noexcept {
  const fi_ioc operand = one(buf, count);
  const fi_rma_ioc target{addr, count, key};
  return submit(Ep::from(ep),
                {WorkType::kAtomic, kInject, dest_addr, datatype, op, nullptr, {&operand, 1}, {&target, 1}});
}

ssize_t readwrite(fid_ep* ep, const void* buf, size_t count, void*, void* result, void*, fi_addr_t dest_addr,
                  uint64_t addr, uint64_t key, fi_datatype datatype, fi_op op, void* context) noexcept {
  const fi_ioc operand = one(buf, count);
  const fi_ioc former = one(result, count);
  const fi_rma_ioc target{addr, count, key};
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kFetchAtomic,
                       self.defaults().send,
                       dest_addr,
                       datatype,
                       op,
                       context,
                       {&operand, 1},
                       {&target, 1},
                       {},
                       {&former, 1}});
}

ssize_t readwritev(fid_ep* ep, const fi_ioc* iov, void**, size_t count, fi_ioc* resultv, void**, size_t result_count,
                   fi_addr_t dest_addr, uint64_t addr, uint64_t key, fi_datatype datatype, fi_op op,
                   void* context) noexcept {
  const std::span<const fi_ioc> results{resultv, result_count};
  const fi_rma_ioc target{addr, elements_in(results), key};
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kFetchAtomic,
                       self.defaults().send,
                       dest_addr,
                       datatype,
                       op,
                       context,
                       {iov, count},
                       {&target, 1},
                       {},
                       results});
}

ssize_t readwritemsg(fid_ep* ep, const fi_msg_atomic* msg, fi_ioc* resultv, void**, size_t result_count,
                     uint64_t flags) noexcept {
  return submit(ep, WorkType::kFetchAtomic, *msg, flags, {}, {resultv, result_count});
}

ssize_t compwrite(fid_ep* ep, const void* buf, size_t count, void*, const void* compare, void*, void* result, void*,
                  fi_addr_t dest_addr, uint64_t addr, uint64_t key, fi_datatype datatype, fi_op op,
                  void* context) noexcept {
  const fi_ioc operand = one(buf, count);
  const fi_ioc compared = one(compare, count);
  const fi_ioc former = one(result, count);
  const fi_rma_ioc target{addr, count, key};
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kCompareAtomic,
                       self.defaults().send,
                       dest_addr,
                       datatype,
                       op,
                       context,
                       {&operand, 1},
                       {&target, 1},
                       {&compared, 1},
                       {&former, 1}});
}

ssize_t compwritev(fid_ep* ep, const fi_ioc* iov, void**, size_t count, const fi_ioc* comparev, void**,
                   size_t compare_count, fi_ioc* resultv, void**, size_t result_count, fi_addr_t dest_addr,
                   uint64_t addr, uint64_t key, fi_datatype datatype, fi_op op, void* context) noexcept {
  const fi_rma_ioc target{addr, elements_in({iov, count}), key};
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kCompareAtomic,
                       self.defaults().send,
                       dest_addr,
                       datatype,
                       op,
                       context,
                       {iov, count},
                       {&target, 1},
                       {comparev, compare_count},
                       {resultv, result_count}});
}

ssize_t compwritemsg(fid_ep* ep, const fi_msg_atomic* msg, const fi_ioc* comparev, void**, size_t compare_count,
                     fi_ioc* resultv, void**, size_t result_count, uint64_t flags) noexcept {
  return submit(ep, WorkType::kCompareAtomic, *msg, flags, {comparev, compare_count}, {resultv, result_count});
}

template <AtomicClass kFamily>
int valid(fid_ep*, fi_datatype datatype, fi_op op, size_t* count) noexcept {
  const std::size_t most = max_atomic_count(kFamily, datatype, op);
  if (most == 0) return -FI_EOPNOTSUPP;
  if (count != nullptr) *count = most;
  return 0;
}

// Which calls there are does not depend on the state: fi_atomicvalid may be asked before fi_enable.
template <int kStatus>
constexpr fi_ops_atomic refusing() noexcept {
  return {
      .size = sizeof(fi_ops_atomic),
      .write = refuse<kStatus>,
      .writev = refuse<kStatus>,
      .writemsg = refuse<kStatus>,
      .inject = refuse<kStatus>,
      .readwrite = refuse<kStatus>,
      .readwritev = refuse<kStatus>,
      .readwritemsg = refuse<kStatus>,
      .compwrite = refuse<kStatus>,
      .compwritev = refuse<kStatus>,
      .compwritemsg = refuse<kStatus>,
      .writevalid = valid<AtomicClass::kBase>,
      .readwritevalid = valid<AtomicClass::kFetch>,
      .compwritevalid = valid<AtomicClass::kCompare>,
  };
}

constexpr fi_ops_atomic make_ops(bool writes, bool reads) noexcept {
  fi_ops_atomic ops = refusing<-FI_ENOSYS>();
  if (writes) {
    ops.write = write;
    ops.writev = writev;
    ops.writemsg = writemsg;
    ops.inject = inject;
  }
  if (reads) {
    ops.readwrite = readwrite;
    ops.readwritev = readwritev;
    ops.readwritemsg = readwritemsg;
    ops.compwrite = compwrite;
    ops.compwritev = compwritev;
    ops.compwritemsg = compwritemsg;
  }
  return ops;
}

fi_ops_atomic both_ways = make_ops(true, true);
fi_ops_atomic write_only = make_ops(true, false);
fi_ops_atomic read_only = make_ops(false, true);
fi_ops_atomic neither = make_ops(false, false);
fi_ops_atomic disabled = refusing<-FI_EOPBADSTATE>();

}  // namespace

// fi_getinfo(3): base operations are writes; those that give back what was there are reads.
fi_ops_atomic* atomic_ops(std::uint64_t caps) noexcept {
  if ((caps & FI_ATOMIC) == 0) return &unsupported_atomic;
  if ((caps & FI_READ) == 0) return (caps & FI_WRITE) != 0 ? &write_only : &neither;
  return (caps & FI_WRITE) != 0 ? &both_ways : &read_only;
}

fi_ops_atomic* disabled_atomic_ops(std::uint64_t caps) noexcept {
  return (caps & FI_ATOMIC) != 0 ? &disabled : &unsupported_atomic;
}

}  // namespace anchor
