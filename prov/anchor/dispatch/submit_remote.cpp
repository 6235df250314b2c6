// SPDX-License-Identifier: BSD-2-Clause
#include <cerrno>

#include "dispatch/progress.h"
#include "dispatch/submit.h"
#include "proto/remote.h"
#include "proto/upkeep.h"

namespace anchor {
namespace {

int dispatch(Exchange& exchange, const RemoteWork& work) {
  if (exchange.send_queue != nullptr && exchange.send_queue->full()) return -EAGAIN;
  Peer* peer = exchange.peers.at_address(work.base.address);
  return peer != nullptr ? begin_remote(exchange, *peer, work) : -EINVAL;
}

}  // namespace

int submit_remote(Exchange& exchange, const RemoteWork& work) {
  if (exchange.peers.catch_up()) [[unlikely]]
    forget_strangers(exchange);
  const int error = dispatch(exchange, work);
  // So that calling again without reading a queue in between gets somewhere.
  if (error == -EAGAIN) [[unlikely]]
    progress(exchange);
  return error;
}

}  // namespace anchor
