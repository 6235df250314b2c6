// SPDX-License-Identifier: BSD-2-Clause
// fi_enable(3), and taking part in the progress that reading queues and counters makes.
#include <rdma/fi_errno.h>

#include "abi/atomic.h"
#include "abi/ep.h"
#include "abi/trigger_calls.h"
#include "abi/unsupported.h"
#include "os/log.h"

namespace anchor {

int Ep::enable() {
  EpCore& core = *core_;
  if (core.endpoint.enabled()) return -FI_EOPBADSTATE;
  if (!core.addresses) return -FI_ENOAV;
  if ((core.sends() && !core.transmit_queue) || (core.receives() && !core.receive_queue)) return -FI_ENOCQ;
  const int status = core.endpoint.enable();
  if (status != 0) return status;
  if (may_sleep()) prepare_sleep();
  join_groups();
  install_operations();
  return 0;
}

// Where the application, or a thread of ours, may wait for something that is bound. A wait for a counter may sleep
// whatever it was opened with.
bool Ep::may_sleep() const noexcept {
  const EpCore& core = *core_;
  const auto sleeps = [](const Use<Cq>& queue) {
    return queue && queue->wait_object() != FI_WAIT_NONE && queue->wait_object() != FI_WAIT_YIELD;
  };
  return sleeps(core.transmit_queue) || sleeps(core.receive_queue) || core.send_counter || core.receive_counter ||
         core.read_counter || core.write_counter || core.remote_read_counter || core.remote_write_counter ||
         core.domain->progress_thread() != nullptr;
}

// On the shm device the kernel tells sleeping peers of our death by the wait object, though we may poll for ever. Where
// there cannot be one, waiting polls.
void Ep::prepare_sleep() noexcept { static_cast<void>(endpoint_->wait_object()); }

template <class Visit>
void Ep::for_each_group(Visit&& visit) {
  EpCore& core = *core_;
  for (Use<Cq>* queue : {&core.transmit_queue, &core.receive_queue})
    if (*queue) visit((*queue)->group());
  for (Use<Cntr>* counter : {&core.send_counter, &core.receive_counter, &core.read_counter, &core.write_counter,
                             &core.remote_read_counter, &core.remote_write_counter})
    if (*counter) visit((*counter)->group());
  if (ProgressThread* thread = core.domain->progress_thread()) visit(thread->group());
}

void Ep::join_groups() {
  for_each_group([this](ProgressGroup& group) { group.join(endpoint_); });
  core_->domain->drive(*endpoint_);
}

void Ep::leave_groups() noexcept {
  for_each_group([this](ProgressGroup& group) { group.leave(endpoint_); });
}

// From now on calls go straight to their operations; which ones there are depends on the capabilities alone.
void Ep::install_operations() noexcept {
  defaults_.set_send(transmit_op_flags_);
  defaults_.set_receive(receive_op_flags_);
  msg = (core_->caps & FI_MSG) != 0 ? message_ops(core_->caps) : &unsupported_messages;
  tagged = (core_->caps & FI_TAGGED) != 0 ? tagged_ops(core_->caps) : &unsupported_tagged;
  rma = (core_->caps & FI_RMA) != 0 ? rma_ops(core_->caps) : &unsupported_rma;
  atomic = atomic_ops(core_->caps);
  if ((core_->caps & FI_TRIGGER) == 0) return;
  if ((core_->caps & FI_MSG) != 0) msg = triggerable_message_ops();
  if ((core_->caps & FI_TAGGED) != 0) tagged = triggerable_tagged_ops();
  if ((core_->caps & FI_RMA) != 0) rma = triggerable_rma_ops();
  if ((core_->caps & FI_ATOMIC) != 0) atomic = triggerable_atomic_ops();
}

}  // namespace anchor
