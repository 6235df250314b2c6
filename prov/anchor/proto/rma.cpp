// SPDX-License-Identifier: BSD-2-Clause
#include "proto/rma.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "proto/completion.h"
#include "proto/connection.h"
#include "proto/direct_access.h"
#include "proto/loss.h"
#include "proto/remote.h"

namespace anchor {
namespace {

bool in_reach(const Peer& peer) noexcept { return peer.region != nullptr && peer.state != PeerState::kLeaving; }

// What is needed of a peer whose region was found; false: no memory.
bool prepare(Exchange& exchange, Peer& peer) noexcept {
  if (peer.protection != nullptr) [[likely]]
    return true;
  open_direct(exchange, peer);
  if (peer.direct != nullptr && exchange.settings.mapping && peer.mapped == nullptr) {
    try {
      peer.mapped = std::make_unique<MappedRows>();
    } catch (const std::bad_alloc&) {  // then memory is copied
    }
  }
  return open_table(peer);
}

int reject(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued, int error) noexcept {
  conclude_rma(exchange, peer, work, queued, lost_with(exchange, peer, error) ? ECONNRESET : error);
  return 0;
}

// Until it is moved it is the first that waits, and all others wait behind it. False: there is nowhere to keep it.
bool keep_first(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept {
  try {
    return queue_remote(exchange, peer, work) == 0;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// By a system call, maybe with others, but not now.
bool gather(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept {
  if (!keep_first(exchange, peer, work)) return false;
  peer.gathering = true;
  return true;
}

// By both ends, this one beginning with the next pass.
int share(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
          const CheckedTargets& checked) noexcept {
  if (queued == nullptr && !keep_first(exchange, peer, work)) return -EAGAIN;
  auto& request = static_cast<RemoteRequest&>(*peer.waiting.front());
  request.notices = checked.notices;
  offer_share(exchange, peer, request);
  return queued == nullptr ? 0 : -EAGAIN;
}

int end_share(Exchange& exchange, Peer& peer, RemoteRequest& request, int error) noexcept {
  if (error == -EAGAIN || error == -EPROTO) return error;
  const RemoteWork work = request.remote_work();
  if (error != 0) return reject(exchange, peer, work, &request, -error);
  if (request.notices != 0) return tell_peer(exchange, peer, request, true);
  conclude_rma(exchange, peer, work, &request, 0);
  return 0;
}

int start_directly(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
                   const CheckedTargets& checked) noexcept {
  if (peer.unanswered != 0) return -EAGAIN;
  if (may_share(peer, work, checked)) return share(exchange, peer, work, queued, checked);
  if (!checked.mapped && checked.notices == 0) {
    if (queued == nullptr && may_gather(peer, work.base) && gather(exchange, peer, work)) return 0;
    if (queued != nullptr && move_batch(exchange, peer, *queued, checked)) return 0;
  }
  RemoteRequest* request = queued;
  if (checked.notices != 0) {
    if (peer.state != PeerState::kConnected) return -EAGAIN;
    if (request == nullptr) request = keep_targets(exchange, peer, work);
    if (request == nullptr) return -EAGAIN;
    request->notices = checked.notices;
  }
  const int error = checked.mapped ? move_mapped(peer, work, checked) : move_directly(peer, work, checked);
  if (error == 0 && checked.notices != 0) return tell_peer(exchange, peer, *request, queued != nullptr);
  if (request != queued) exchange.remotes.release(request);
  if (error == -EAGAIN) return error;
  if (error != 0) return reject(exchange, peer, work, queued, -error);
  if (peer.attention.direct_left != 0 && !checked.mapped) --peer.attention.direct_left;
  conclude_rma(exchange, peer, work, queued, 0);
  return 0;
}

// A write of which some is on its way. If its region was closed meanwhile, it is the peer that says so: having refused
// a part it refuses all up to the last one, which must not be another operation's.
int go_on_through_fifo(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest& queued) noexcept {
  if (peer.state != PeerState::kConnected) return -EAGAIN;
  return start_through_fifo(exchange, peer, work, &queued, false);
}

// No bytes go through the FIFO, but word of it, if the peer counts such accesses.
int read_nothing(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
                 std::uint32_t notices) noexcept {
  RemoteRequest* request = queued != nullptr ? queued : keep_targets(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  request->notices = notices;
  return tell_peer(exchange, peer, *request, queued != nullptr);
}

bool reads_nothing(const RemoteWork& work) noexcept {
  return work.base.type == WorkType::kRead && work.base.length == 0;
}

// The table of a peer on another host is not for us to read, access by access: it checks by itself, but for what we
// know and may do without it.
int start_distant(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept {
  if (peer.state != PeerState::kConnected) return -EAGAIN;
  CheckedTargets checked;
  if (find_placed(peer, work, &checked) && (peer.unanswered == 0 || !may_detour(peer)))
    return start_directly(exchange, peer, work, queued, checked);
  // What it counts is not known.
  if (reads_nothing(work)) return read_nothing(exchange, peer, work, queued, (1u << work.target_count) - 1);
  return start_through_fifo(exchange, peer, work, queued, false);
}

}  // namespace

bool open_table(Peer& peer) noexcept {
  const AnchorContents& contents = peer.contents;
  peer.protection.reset(new (std::nothrow) ProtectionView(
      peer.header.data() + contents.protection_offset, contents.protection_chunks, contents.header_size, *peer.region));
  return peer.protection != nullptr;
}

int check_targets(Peer& peer, const RemoteWork& work, CheckedTargets* checked) noexcept {
  const std::uint32_t rights = right_for(work.base.type);
  if (peer.contents.protection_offset == 0) return -EKEYREJECTED;
  for (std::uint32_t i = 0; i < work.target_count; ++i) {
    const RemoteTarget& target = work.targets[i];
    const ProtectedAccess access{target.key, target.address, target.length, rights};
    ProtectedPieces pieces;
    const int error = peer.copied == nullptr ? peer.protection->check(access, &pieces)
                                             : peer.copied->check(access, peer.channel->table_changes(), &pieces);
    if (error != 0) return error;
    std::copy_n(pieces.list, pieces.count, checked->list + checked->count);
    std::copy_n(pieces.rows, pieces.count, checked->rows + checked->count);
    checked->count += pieces.count;
    if (pieces.told & rights) checked->notices |= 1u << i;
  }
  if ((work.base.flags & kRemoteData) && work.target_count != 0) checked->notices |= 1u << (work.target_count - 1);
  return 0;
}

// A table that says no may be that of one who has gone.
bool lost_with(Exchange& exchange, Peer& peer, int error) noexcept {
  if (error != ESRCH && peer.region->alive()) return false;
  note_end(peer);
  begin_loss(exchange, peer, ECONNRESET);
  return true;
}

void conclude_rma(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued, int error) noexcept {
  if (error == 0) {
    complete_remote(exchange, work.base);
  } else {
    fail_send(exchange, work.base, error);
  }
  if (queued == nullptr) return;
  peer.waiting.remove(queued);
  exchange.remotes.release(queued);
}

int start_rma(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept {
  if (peer.name == exchange.name) [[unlikely]]  // atomic operations on ourselves go through the FIFO
    return peer.unanswered == 0 ? access_self(exchange, peer, work, queued) : -EAGAIN;
  if (!in_reach(peer)) return -EAGAIN;
  if (queued != nullptr && queued->moved) return tell_peer(exchange, peer, *queued, true);
  if (queued != nullptr && queued->position != 0) return go_on_through_fifo(exchange, peer, work, *queued);
  if (peer.distant()) [[unlikely]]
    return start_distant(exchange, peer, work, queued);
  if (queued != nullptr && queued->shared) {
    const int error = continue_share(exchange, peer, *queued);
    if (error != -EOPNOTSUPP) return end_share(exchange, peer, *queued, error);
  }
  if (!prepare(exchange, peer)) return -EAGAIN;
  CheckedTargets checked;
  if (const int error = check_targets(peer, work, &checked)) [[unlikely]] {
    return error == -EPROTO ? error : reject(exchange, peer, work, queued, -error);
  }
  if (peer.direct != nullptr) [[likely]] {
    if (queued == nullptr) count_in_pass(exchange, peer);
    const bool at_once = find_mapped(peer, work, &checked) && (peer.unanswered == 0 || !may_detour(peer));
    const bool streamed = is_streamed(peer, work.base, queued != nullptr);
    if (!at_once && !streamed && may_withdraw(peer, work, checked)) [[likely]] {
      const int error = start_through_fifo(exchange, peer, work, queued, true);
      if (error != -EAGAIN || peer.unanswered != 0) return error;
    }
    const int error = start_directly(exchange, peer, work, queued, checked);
    if (error != -EAGAIN || peer.direct != nullptr) return error;
  }
  if (peer.state != PeerState::kConnected) return -EAGAIN;
  if (checked.notices != 0 && reads_nothing(work)) return read_nothing(exchange, peer, work, queued, checked.notices);
  return start_through_fifo(exchange, peer, work, queued, false);
}

}  // namespace anchor
