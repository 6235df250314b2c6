// SPDX-License-Identifier: BSD-2-Clause
#include "atomics.h"

namespace anchor::fabtests {

namespace {

void* bare(const void* address) { return const_cast<void*>(address); }

// Two segments where there are two elements.
struct Split {
  Split(const void* buffer, std::size_t count, std::size_t size) {
    const std::size_t first = count / 2;
    parts[0] = {bare(buffer), first};
    parts[1] = {static_cast<std::byte*>(bare(buffer)) + first * size, count - first};
  }
  fi_ioc parts[2];
};

std::size_t size_of(fid_ep*, const Atomic& a) {
  switch (a.datatype) {
    case FI_UINT8:
      return 1;
    case FI_UINT32:
      return 4;
    default:
      return 8;
  }
}

ssize_t base(fid_ep* ep, const Atomic& a) {
  return fi_atomic(ep, a.operand, a.count, nullptr, a.to, a.address, a.key, a.datatype, a.op, a.context);
}

ssize_t base_vector(fid_ep* ep, const Atomic& a) {
  Split operand(a.operand, a.count, size_of(ep, a));
  return fi_atomicv(ep, operand.parts, nullptr, 2, a.to, a.address, a.key, a.datatype, a.op, a.context);
}

ssize_t base_inject(fid_ep* ep, const Atomic& a) {
  return fi_inject_atomic(ep, a.operand, a.count, a.to, a.address, a.key, a.datatype, a.op);
}

ssize_t fetch(fid_ep* ep, const Atomic& a) {
  return fi_fetch_atomic(ep, a.operand, a.count, nullptr, a.result, nullptr, a.to, a.address, a.key, a.datatype, a.op,
                         a.context);
}

ssize_t fetch_vector(fid_ep* ep, const Atomic& a) {
  Split operand(a.operand, a.count, size_of(ep, a)), result(a.result, a.count, size_of(ep, a));
  return fi_fetch_atomicv(ep, operand.parts, nullptr, 2, result.parts, nullptr, 2, a.to, a.address, a.key, a.datatype,
                          a.op, a.context);
}

ssize_t compare(fid_ep* ep, const Atomic& a) {
  return fi_compare_atomic(ep, a.operand, a.count, nullptr, a.compare, nullptr, a.result, nullptr, a.to, a.address,
                           a.key, a.datatype, a.op, a.context);
}

ssize_t compare_vector(fid_ep* ep, const Atomic& a) {
  Split operand(a.operand, a.count, size_of(ep, a)), compared(a.compare, a.count, size_of(ep, a)),
      result(a.result, a.count, size_of(ep, a));
  return static_cast<ssize_t>(fi_compare_atomicv(ep, operand.parts, nullptr, 2, compared.parts, nullptr, 2,
                                                 result.parts, nullptr, 2, a.to, a.address, a.key, a.datatype, a.op,
                                                 a.context));
}

template <Family kFamily, std::uint64_t kFlags>
ssize_t message(fid_ep* ep, const Atomic& a) {
  return atomic_message(ep, kFamily, a, kFlags);
}

}  // namespace

Owned<fid_mr> expose(fid_domain* domain, void* memory, std::size_t bytes, std::uint64_t key, std::uint64_t rights) {
  Owned<fid_mr> region;
  REQUIRE_OK(fi_mr_reg(domain, memory, bytes, rights, 0, key, 0, region.out(), nullptr));
  return region;
}

const std::vector<AtomicCall>& atomic_calls() {
  static const std::vector<AtomicCall> calls = {
      {"fi_atomic", Family::kBase, false, base},
      {"fi_atomicv", Family::kBase, false, base_vector},
      {"fi_atomicmsg", Family::kBase, false, message<Family::kBase, FI_COMPLETION>},
      {"fi_atomicmsg inject", Family::kBase, false, message<Family::kBase, FI_COMPLETION | FI_INJECT>},
      {"fi_atomicmsg fence", Family::kBase, false, message<Family::kBase, FI_COMPLETION | FI_FENCE>},
      {"fi_atomicmsg delivery", Family::kBase, false,
       message<Family::kBase, FI_COMPLETION | FI_DELIVERY_COMPLETE | FI_MORE>},
      {"fi_inject_atomic", Family::kBase, true, base_inject},
      {"fi_fetch_atomic", Family::kFetch, false, fetch},
      {"fi_fetch_atomicv", Family::kFetch, false, fetch_vector},
      {"fi_fetch_atomicmsg", Family::kFetch, false, message<Family::kFetch, FI_COMPLETION>},
      {"fi_fetch_atomicmsg inject", Family::kFetch, false, message<Family::kFetch, FI_COMPLETION | FI_INJECT>},
      {"fi_compare_atomic", Family::kCompare, false, compare},
      {"fi_compare_atomicv", Family::kCompare, false, compare_vector},
      {"fi_compare_atomicmsg", Family::kCompare, false, message<Family::kCompare, FI_COMPLETION>},
      {"fi_compare_atomicmsg inject", Family::kCompare, false, message<Family::kCompare, FI_COMPLETION | FI_INJECT>},
      {"fi_compare_atomicmsg fence", Family::kCompare, false, message<Family::kCompare, FI_COMPLETION | FI_FENCE>},
  };
  return calls;
}

ssize_t atomic_message(fid_ep* ep, Family family, const Atomic& a, std::uint64_t flags) {
  fi_ioc operand{bare(a.operand), a.count}, compared{bare(a.compare), a.count}, result{a.result, a.count};
  fi_rma_ioc target{a.address, a.count, a.key};
  fi_msg_atomic msg{};
  msg.msg_iov = &operand;
  msg.iov_count = a.operand != nullptr ? 1 : 0;
  msg.addr = a.to;
  msg.rma_iov = &target;
  msg.rma_iov_count = 1;
  msg.datatype = a.datatype;
  msg.op = a.op;
  msg.context = a.context;
  if (family == Family::kBase) return fi_atomicmsg(ep, &msg, flags);
  if (family == Family::kFetch) return fi_fetch_atomicmsg(ep, &msg, &result, nullptr, 1, flags);
  return fi_compare_atomicmsg(ep, &msg, &compared, nullptr, 1, &result, nullptr, 1, flags);
}

std::size_t most_elements(fid_domain* domain, Family family, fi_datatype datatype, fi_op op, std::size_t* size) {
  const std::uint64_t flags = family == Family::kBase    ? 0
                              : family == Family::kFetch ? FI_FETCH_ATOMIC
                                                         : FI_COMPARE_ATOMIC;
  fi_atomic_attr attributes{};
  if (fi_query_atomic(domain, datatype, op, &attributes, flags) != 0) return 0;
  if (size != nullptr) *size = attributes.size;
  return attributes.count;
}

void carry_out(Node& node, Family family, const Atomic& a, std::uint64_t flags) {
  node.submit([&] { return atomic_message(node.ep(), family, a, flags | FI_COMPLETION); });
  const Entry done = node.await_send();
  CHECK(done.context == a.context);
}

}  // namespace anchor::fabtests
