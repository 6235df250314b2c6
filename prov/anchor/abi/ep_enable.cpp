// SPDX-License-Identifier: BSD-2-Clause
// fi_enable(3), and taking part in the progress that reading queues and counters makes.
#include <rdma/fi_errno.h>

#include "abi/ep.h"
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
  join_groups();
  install_operations();
  return 0;
}

void Ep::join_groups() {
  EpCore& core = *core_;
  if (core.transmit_queue) core.transmit_queue->group().join(endpoint_);
  if (core.receive_queue) core.receive_queue->group().join(endpoint_);
  if (core.send_counter) core.send_counter->group().join(endpoint_);
  if (core.receive_counter) core.receive_counter->group().join(endpoint_);
  if (ProgressThread* thread = core.domain->progress_thread()) thread->group().join(endpoint_);
}

void Ep::leave_groups() noexcept {
  EpCore& core = *core_;
  if (core.transmit_queue) core.transmit_queue->group().leave(endpoint_);
  if (core.receive_queue) core.receive_queue->group().leave(endpoint_);
  if (core.send_counter) core.send_counter->group().leave(endpoint_);
  if (core.receive_counter) core.receive_counter->group().leave(endpoint_);
  if (ProgressThread* thread = core.domain->progress_thread()) thread->group().leave(endpoint_);
}

// From now on calls go straight to their operations; which ones there are depends on the capabilities alone.
void Ep::install_operations() noexcept {
  defaults_.set_send(transmit_op_flags_);
  defaults_.set_receive(receive_op_flags_);
  msg = (core_->caps & FI_MSG) != 0 ? message_ops(core_->caps) : &unsupported_messages;
  tagged = (core_->caps & FI_TAGGED) != 0 ? tagged_ops(core_->caps) : &unsupported_tagged;
}

}  // namespace anchor
