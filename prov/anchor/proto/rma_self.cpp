// SPDX-License-Identifier: BSD-2-Clause
// An endpoint's operations on its own memory: no peer, no FIFO, no table.
#include <cerrno>

#include "os/gather.h"
#include "proto/rma.h"

namespace anchor {
namespace {

RemoteAccess access_to(const Exchange& exchange, const RemoteWork& work, const RemoteTarget& target) noexcept {
  return {target.key, target.address, target.length, right_for(work.base.type), &exchange};
}

// 0, or why one of the targets cannot be had.
int check_all(Exchange& exchange, const RemoteWork& work) noexcept {
  if (exchange.memory == nullptr) return -EKEYREJECTED;
  const auto touch = work.base.type == WorkType::kRead ? MemoryProbe::Touch::kRead : MemoryProbe::Touch::kWrite;
  for (std::uint32_t i = 0; i < work.target_count; ++i) {
    const int error = exchange.memory->access(access_to(exchange, work, work.targets[i]),
                                              [&](const MemoryRegion&, const iovec* pieces, std::uint32_t count) {
                                                return exchange.probe.check_all(pieces, count, touch);
                                              });
    if (error != 0) return error;
  }
  return 0;
}

int move_all(Exchange& exchange, const RemoteWork& work) noexcept {
  std::size_t position = 0;
  for (std::uint32_t i = 0; i < work.target_count; ++i) {
    const RemoteTarget& target = work.targets[i];
    iovec ours[kMaxSegments];
    std::size_t bytes;
    slice(work.base.segments, work.base.segment_count, position, target.length, ours, &bytes);
    const int error = exchange.memory->access(access_to(exchange, work, target),
                                              [&](const MemoryRegion&, const iovec* pieces, std::uint32_t) {
                                                if (work.base.type == WorkType::kRead) {
                                                  move_between(pieces, ours, target.length);
                                                } else {
                                                  move_between(ours, pieces, target.length);
                                                }
                                                return 0;
                                              });
    if (error != 0) return error;
    position += target.length;
  }
  return 0;
}

}  // namespace

int access_self(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept {
  const bool has_data = work.base.type == WorkType::kWrite && (work.base.flags & kRemoteData);
  if (!may_note(exchange, has_data)) return -EAGAIN;
  int error = check_all(exchange, work);
  if (error == 0) error = move_all(exchange, work);
  const std::uint32_t right = right_for(work.base.type);
  for (std::uint32_t i = 0; error == 0 && i < work.target_count; ++i) {
    const bool last = i + 1 == work.target_count;
    note_access(exchange, peer, {work.targets[i].key, right, last, last && has_data, work.base.data, work.base.length});
  }
  conclude_rma(exchange, peer, work, queued, -error);
  return 0;
}

}  // namespace anchor
