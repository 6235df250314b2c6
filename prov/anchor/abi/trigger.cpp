// SPDX-License-Identifier: BSD-2-Clause
#include "abi/trigger.h"

#include <rdma/fi_errno.h>

#include <memory>
#include <utility>

#include "abi/atomic_call.h"
#include "abi/remote_transfer.h"
#include "os/log.h"

namespace anchor {
namespace {

// Neither can be closed meanwhile.
std::shared_ptr<void> hold(Cntr& counter, Cntr* other = nullptr) {
  return std::make_shared<std::pair<Use<Cntr>, Use<Cntr>>>(Use<Cntr>(counter),
                                                           other != nullptr ? Use<Cntr>(*other) : Use<Cntr>());
}

// Waiting for the counter drives every endpoint: the one that makes it grow is not known. `changed`: the counter that
// the task changes.
void put(Domain& domain, const TriggerCondition& condition, std::unique_ptr<DeferredTask> task,
         Cntr* changed = nullptr) {
  task->trigger = &condition.trigger.counter();
  task->threshold = condition.threshold;
  task->name = condition.name;
  task->keeps = hold(condition.trigger, changed);
  domain.drive_by(condition.trigger);
  domain.deferred()->queue(std::move(task));
  domain.deferred()->start_due();
}

template <class Work>
int defer_request(Ep& ep, const TriggerCondition& condition, const Work& work) {
  Domain& domain = *ep.core().domain;
  if (domain.deferred() == nullptr || (ep.core().caps & FI_TRIGGER) == 0) return -FI_ENOSYS;
  std::unique_ptr<DeferredWork::Completion> completion;
  if (condition.tracked) completion = std::make_unique<DeferredWork::Completion>(*domain.deferred(), &ep.endpoint());
  if (condition.counted != nullptr) {
    completion->counter = &condition.counted->counter();
    completion->keeps = hold(*condition.counted);
    domain.drive_by(*condition.counted);
  }
  put(domain, condition, defer(ep.endpoint(), work, std::move(completion)));
  return 0;
}

// An operation of a deferred work, on an endpoint that can do it.
class Operation {
 public:
  Operation(Domain& domain, const fi_deferred_work& work) noexcept
      : domain_(domain),
        condition_{.trigger = Cntr::from(work.triggering_cntr),
                   .threshold = work.threshold,
                   .name = &work,
                   .tracked = true,
                   .counted = work.completion_cntr != nullptr ? &Cntr::from(work.completion_cntr) : nullptr} {}

  ssize_t message(WorkType type, const fi_op_msg& op) {
    const fi_msg& msg = op.msg;
    const Transfer transfer{type, flags_of(type, op.flags), msg.addr, 0, 0, msg.data, msg.context};
    return message(op.ep, FI_MSG, transfer, op.flags, msg.msg_iov, msg.iov_count);
  }
  ssize_t message(WorkType type, const fi_op_tagged& op) {
    const fi_msg_tagged& msg = op.msg;
    const Transfer transfer{type, flags_of(type, op.flags), msg.addr, msg.tag, msg.ignore, msg.data, msg.context};
    return message(op.ep, FI_TAGGED, transfer, op.flags, msg.msg_iov, msg.iov_count);
  }

  ssize_t remote(WorkType type, const fi_op_rma& op) {
    const bool reads = type == WorkType::kRead;
    const std::uint64_t allowed = reads ? kReadMessageFlags : kSendMessageFlags;
    if (const int status = check(op.ep, FI_RMA | (reads ? FI_READ : FI_WRITE), op.flags, allowed)) return status;
    const Transfer transfer{
        type,          reads ? read_flags(op.flags, true) : send_flags(op.flags, true), op.msg.addr, 0, 0, op.msg.data,
        op.msg.context};
    return with_remote_work(transfer, op.msg, kMaxMessageSize, [&](const RemoteWork& work) -> ssize_t {
      return defer_until(Ep::from(op.ep), condition_, work);
    });
  }

  ssize_t atomic(WorkType type, fid_ep* ep, const fi_msg_atomic& msg, std::uint64_t flags,
                 std::span<const fi_ioc> compare, std::span<const fi_ioc> result) {
    const std::uint64_t direction = type == WorkType::kAtomic ? FI_WRITE : FI_READ;
    if (const int status = check(ep, FI_ATOMIC | direction, flags, kAtomicMessageFlags)) return status;
    return with_atomic_work(
        call_of(type, send_flags(flags, true), msg, compare, result),
        [&](const AtomicWork& work) -> ssize_t { return defer_until(Ep::from(ep), condition_, work); });
  }

  ssize_t counter(const fi_op_cntr& op, bool adds) {
    if (op.cntr == nullptr || &Cntr::from(op.cntr).domain() != &domain_) return -FI_EINVAL;
    if (condition_.counted != nullptr) return -FI_EINVAL;  // fi_trigger(3): it must be NULL
    Cntr& counter = Cntr::from(op.cntr);
    std::unique_ptr<DeferredTask> task = defer(counter.counter(), op.value, adds);
    domain_.drive_by(counter);
    put(domain_, condition_, std::move(task), &counter);
    return 0;
  }

 private:
  static bool receives(WorkType type) noexcept {
    return type == WorkType::kReceive || type == WorkType::kTaggedReceive;
  }
  static std::uint32_t flags_of(WorkType type, std::uint64_t flags) noexcept {
    return receives(type) ? receive_flags(flags, true) : send_flags(flags, true);
  }

  // What is copied when the work starts cannot be the application's again before, and one completion is counted.
  int check(fid_ep* ep, std::uint64_t needed, std::uint64_t flags, std::uint64_t allowed) noexcept {
    if (ep == nullptr || Ep::from(ep).core().domain.get() != &domain_) return -FI_EINVAL;
    if (!Ep::from(ep).endpoint().enabled()) return -FI_EOPBADSTATE;
    if ((Ep::from(ep).core().caps & needed) != needed) return -FI_ENOSYS;
    if ((flags & ~(allowed | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
    return (flags & (FI_INJECT | FI_MULTI_RECV)) == 0 ? 0 : -FI_ENOSYS;
  }

  ssize_t message(fid_ep* ep, std::uint64_t kind, const Transfer& transfer, std::uint64_t flags, const iovec* segments,
                  std::size_t count) {
    const bool receiving = receives(transfer.type);
    const std::uint64_t allowed = receiving ? kReceiveMessageFlags : kSendMessageFlags;
    if (const int status = check(ep, kind | (receiving ? FI_RECV : FI_SEND), flags, allowed)) return status;
    std::size_t length;
    if (const int status = total_length(segments, count, receiving ? SIZE_MAX : kMaxMessageSize, &length))
      return status;
    WorkRequest work = work_request(transfer, segments, count, length);
    work.tag = transfer.tag;
    work.ignore = transfer.ignore;
    return defer_until(Ep::from(ep), condition_, work);
  }

  Domain& domain_;
  const TriggerCondition condition_;
};

ssize_t queue_operation(Domain& domain, const fi_deferred_work& work) {
  Operation operation(domain, work);
  switch (work.op_type) {
    case FI_OP_RECV:
      return operation.message(WorkType::kReceive, *work.op.msg);
    case FI_OP_SEND:
      return operation.message(WorkType::kSend, *work.op.msg);
    case FI_OP_TRECV:
      return operation.message(WorkType::kTaggedReceive, *work.op.tagged);
    case FI_OP_TSEND:
      return operation.message(WorkType::kTaggedSend, *work.op.tagged);
    case FI_OP_READ:
      return operation.remote(WorkType::kRead, *work.op.rma);
    case FI_OP_WRITE:
      return operation.remote(WorkType::kWrite, *work.op.rma);
    case FI_OP_ATOMIC:
      return operation.atomic(WorkType::kAtomic, work.op.atomic->ep, work.op.atomic->msg, work.op.atomic->flags, {},
                              {});
    case FI_OP_FETCH_ATOMIC: {
      const fi_op_fetch_atomic& op = *work.op.fetch_atomic;
      return operation.atomic(WorkType::kFetchAtomic, op.ep, op.msg, op.flags, {},
                              {op.fetch.msg_iov, op.fetch.iov_count});
    }
    case FI_OP_COMPARE_ATOMIC: {
      const fi_op_compare_atomic& op = *work.op.compare_atomic;
      return operation.atomic(WorkType::kCompareAtomic, op.ep, op.msg, op.flags,
                              {op.compare.msg_iov, op.compare.iov_count}, {op.fetch.msg_iov, op.fetch.iov_count});
    }
    case FI_OP_CNTR_SET:
      return operation.counter(*work.op.cntr, false);
    case FI_OP_CNTR_ADD:
      return operation.counter(*work.op.cntr, true);
  }
  return -FI_ENOSYS;
}

bool belongs(const Domain& domain, fid_cntr* counter) noexcept { return &Cntr::from(counter).domain() == &domain; }

}  // namespace

int defer_until(Ep& ep, const TriggerCondition& condition, const WorkRequest& work) {
  return defer_request(ep, condition, work);
}
int defer_until(Ep& ep, const TriggerCondition& condition, const RemoteWork& work) {
  return defer_request(ep, condition, work);
}
int defer_until(Ep& ep, const TriggerCondition& condition, const AtomicWork& work) {
  return defer_request(ep, condition, work);
}

int queue_work(Domain& domain, fi_deferred_work* work) noexcept {
  if (domain.deferred() == nullptr) {
    ANCHOR_INFO(kDomain, "deferred work needs a domain opened with FI_TRIGGER");
    return -FI_ENOSYS;
  }
  if (work == nullptr || work->triggering_cntr == nullptr || !belongs(domain, work->triggering_cntr) ||
      (work->completion_cntr != nullptr && !belongs(domain, work->completion_cntr)))
    return -FI_EINVAL;
  return static_cast<int>(guarded([&] { return queue_operation(domain, *work); }));
}

int cancel_work(Domain& domain, const fi_deferred_work* work) noexcept {
  if (domain.deferred() == nullptr) return -FI_ENOSYS;
  return domain.deferred()->cancel(work) ? 0 : -FI_ENOENT;
}

int flush_work(Domain& domain, const fi_deferred_work* work) noexcept {
  if (domain.deferred() == nullptr) return -FI_ENOSYS;
  const bool all = work == nullptr || work->triggering_cntr == nullptr;
  domain.deferred()->flush(all ? nullptr : &Cntr::from(work->triggering_cntr).counter());
  return 0;
}

}  // namespace anchor
