// SPDX-License-Identifier: BSD-2-Clause
#include <cerrno>

#include "dispatch/progress.h"
#include "dispatch/submit.h"
#include "proto/atomic.h"
#include "proto/remote.h"
#include "proto/upkeep.h"

namespace anchor {
namespace {

template <class Work, class Begin>
int dispatch(Exchange& exchange, const Work& work, std::uint64_t address, Begin&& begin) {
  if (exchange.send_queue != nullptr && exchange.send_queue->full()) return -EAGAIN;
  Peer* peer = exchange.peers.at_address(address);
  return peer != nullptr ? begin(exchange, *peer, work) : -EINVAL;
}

template <class Work, class Begin>
int submit_any(Exchange& exchange, const Work& work, std::uint64_t address, Begin&& begin) {
  if (exchange.peers.catch_up()) [[unlikely]]
    forget_strangers(exchange);
  const int error = dispatch(exchange, work, address, begin);
  // So that calling again without reading a queue in between gets somewhere.
  if (error == -EAGAIN) [[unlikely]]
    progress(exchange);
  return error;
}

}  // namespace

int submit_remote(Exchange& exchange, const RemoteWork& work) {
  return submit_any(exchange, work, work.base.address, begin_remote);
}

int submit_atomic(Exchange& exchange, const AtomicWork& work) {
  return submit_any(exchange, work, work.remote.base.address, begin_atomic);
}

}  // namespace anchor
