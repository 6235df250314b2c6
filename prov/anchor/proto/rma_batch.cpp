// SPDX-License-Identifier: BSD-2-Clause
// Streams of direct reads and writes: several in one system call.
//
// The call costs as much as some pages of what it moves, and it takes lists. So the first one that goes directly after
// a pass is done at once, and those that come before the next pass wait for each other: that pass moves them, or the
// one that makes them many. They are moved in the order of the list, which is theirs.
#include <algorithm>
#include <array>

#include "proto/copy_lists.h"
#include "proto/remote.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// Longer ones gain little.
constexpr std::uint64_t kLongestGathered = 160u << 10;
// So that neither call nor pass takes long: a batch is moved in some 50 us at most.
constexpr std::size_t kMostGathered = 16;
constexpr std::uint64_t kMostBytes = 512u << 10;

// More than so many between two passes are a stream. Those longer than this then go faster so than through the FIFO,
// whose bytes are copied twice, by cores that may be far from each other.
constexpr std::size_t kFewest = 4;
constexpr std::uint64_t kLongestAlone = 2048;

struct Batch {
  std::array<RemoteRequest*, kMostGathered> requests;
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  CopyLists lists;

  bool has_room_for(const WorkRequest& work, const CheckedTargets& targets) const noexcept {
    return count < requests.size() && work.length <= kMostBytes - std::min(bytes, kMostBytes) &&
           lists.has_room_for(work.segment_count, targets.count);
  }
  void add(RemoteRequest& request, const CheckedTargets& targets) noexcept {
    requests[count++] = &request;
    bytes += request.work.length;
    lists.add(request.segments, request.work.segment_count, targets.list, targets.count);
  }
};

// Whether it may be moved together with what is before it. `head`: the first one.
bool joins(const RemoteRequest& request, const RemoteRequest& head) noexcept {
  return request.work.type == head.work.type && (request.work.flags & kFence) == 0 && !request.moved &&
         request.work.length <= kLongestGathered;
}

void gather_behind(Peer& peer, const RemoteRequest& head, Batch* batch) noexcept {
  for (SendRequest* next = peer.waiting.after(&head); next != nullptr; next = peer.waiting.after(next)) {
    if (!is_remote(next->work.type)) return;
    auto& request = static_cast<RemoteRequest&>(*next);
    CheckedTargets checked;
    // What is refused, or to be told, is seen to when it is the first.
    if (!joins(request, head) || check_targets(peer, request.remote_work(), &checked) != 0 || checked.notices != 0 ||
        !batch->has_room_for(request.work, checked))
      return;
    batch->add(request, checked);
  }
}

}  // namespace

void count_in_pass(const Exchange& exchange, Peer& peer) noexcept { peer.begun.add(exchange.passes); }

bool is_streamed(const Peer& peer, const WorkRequest& work, bool queued) noexcept {
  return work.length > kLongestAlone && (queued ? peer.waiting.size() : peer.begun.count()) > kFewest;
}

bool may_gather(const Peer& peer, const WorkRequest& work) noexcept {
  return peer.begun.count() > 1 && peer.state == PeerState::kConnected && work.length <= kLongestGathered &&
         work.length != 0 && (work.flags & (kInject | kFence)) == 0;
}

bool gathered_enough(const Peer& peer) noexcept {
  return peer.waiting.size() >= std::min(kMostGathered, kMostBytes / (peer.waiting.front()->work.length + 1));
}

bool move_batch(Exchange& exchange, Peer& peer, RemoteRequest& head, const CheckedTargets& checked) noexcept {
  if (head.work.length > kLongestGathered || peer.waiting.size() < 2) return false;
  Batch batch;
  batch.add(head, checked);
  gather_behind(peer, head, &batch);
  if (batch.count < 2) return false;
  const CopyLists& lists = batch.lists;
  const std::ptrdiff_t moved =
      copy_directly(*peer.direct, head.work.type, lists.local, lists.local_count, lists.remote, lists.remote_count);
  // What is not there as a whole is tried again by itself, and then says why.
  std::uint64_t left = moved > 0 ? static_cast<std::uint64_t>(moved) : 0;
  for (std::size_t i = 0; i < batch.count; ++i) {
    RemoteRequest& request = *batch.requests[i];
    if (request.work.length > left) return i != 0;
    left -= request.work.length;
    conclude_rma(exchange, peer, request.remote_work(), &request, 0);
  }
  return true;
}

}  // namespace anchor
