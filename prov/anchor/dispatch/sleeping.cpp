// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/sleeping.h"

#include <algorithm>

#include "dispatch/death_notices.h"
#include "dispatch/progress.h"
#include "proto/alertness.h"
#include "proto/polling.h"
#include "proto/upkeep.h"

namespace anchor {
namespace {

// After which we look again at what nobody tells us of: a message that found no room in our own queue or memory, a
// request for a connection that could not be answered yet.
constexpr Milliseconds kShortNap{1};

// What we would read by ourselves if its sender stayed silent, or have yet to ask for: passes do that, so there must be
// passes.
bool pulls_something(Exchange& exchange) noexcept {
  bool pulls = false;
  exchange.incoming.for_each([&](IncomingTransfer* transfer) {
    const TransferWay way = transfer->way;
    pulls = way == TransferWay::kReads || way == TransferWay::kQueued ||
            (way != TransferWay::kMoved && transfer->pulls && transfer->envelope.peer->direct != nullptr);
    return !pulls;
  });
  return pulls;
}

// What we put into peers' memory, a part a pass; nothing any more once a peer is leaving.
bool stores_something(Exchange& exchange) noexcept {
  bool stores = false;
  exchange.streaming.for_each([&](SendRequest* request) {
    stores = request->destination != nullptr && request->position < request->wanted &&
             request->peer->state == PeerState::kConnected;
    return !stores;
  });
  return stores;
}

// A pass left it there: what it needs is no room of the peer's. Or it found the peer dead, which the next one sees off.
// Where credits are owed the look returns them: no pass comes that would, and their writer may wait for them. It may
// find nonsense, which a pass ends the connection for.
bool leaves_something(const Exchange& exchange) noexcept {
  return std::any_of(exchange.polled.begin(), exchange.polled.end(), [](const PolledPeer& polled) {
    if (polled.peer->state == PeerState::kLeaving) return true;
    Channel& channel = *polled.peer->channel;
    return !channel.awaited().absent() && (channel.peek() != nullptr || channel.broken());
  });
}

// The pass that looked again has begun to send, and ran out of credits that nobody knows we wait for.
bool awaits_untold_credits(Exchange& exchange) noexcept {
  if (exchange.starving.size() == exchange.starving.capacity()) return false;  // the alarm finds them
  bool untold = false;
  exchange.streaming.for_each([&](SendRequest* request) {
    untold = !request->peer->starving;
    return !untold;
  });
  if (untold) return true;
  exchange.serving.for_each([&](ServedRead* read) {
    untold = !read->peer->starving;
    return !untold;
  });
  return untold;
}

// Where notice is given of every death, the alarm is for what could not reach our wait object, and for the lives of a
// few peers in turn: files may have been cut or removed. Without peers it is for one that comes while we sleep, by what
// another sleeper does.
constexpr int kIntervalsTold = 5;

TimePoint next_alarm(const Exchange& exchange, TimePoint now) noexcept {
  const auto interval = exchange.settings.liveness_interval * kIntervalsTold;
  TimePoint alarm = now + interval;
  if (exchange.peers.size() + exchange.abandoned.size() != 0)
    alarm = exchange.deaths_told ? std::max(exchange.last_check, now - interval) + interval : exchange.next_look;
  for (const Peer* peer : exchange.seeking)
    if (peer->state == PeerState::kSeeking) alarm = std::min(alarm, peer->next_attempt);
  if (!exchange.contacts.empty() || leaves_something(exchange)) alarm = std::min(alarm, now + kShortNap);
  return alarm;
}

// No oftener than naps end, whatever is due: who falls asleep much more often finds several things due at once then.
void keep_up(Exchange& exchange, TimePoint now) {
  if (now < exchange.alarm || now - exchange.kept_up < kShortNap) return;
  exchange.kept_up = now;
  sweep_all(exchange);
  upkeep(exchange);
  look_at_untold(exchange, now);
}

// S7. Time is looked at after S4: the keeper, which finds us asleep from S3 on, drops a wake that is due before that,
// and S1 takes back one that came in the former sleep. FIFOs that are left to the board had their writers told like the
// others.
void look_once_more(Exchange& exchange) noexcept {
  if (!exchange.settling || Clock::now() < exchange.settled) return;
  exchange.settling = false;
  exchange.unwatched = true;
}

// S5
bool look_again(Exchange& exchange) {
  hear_all(exchange);
  if (exchange.unwatched) sweep_all(exchange);
  const bool received = progress(exchange);
  if (exchange.incoming.empty()) return received;
  // Whatever came in: all that can be done for some transfers is to wait for their senders.
  return pulls_something(exchange) || stores_something(exchange) || leaves_something(exchange) ||
         awaits_untold_credits(exchange);
}

}  // namespace

bool fall_asleep(Exchange& exchange, TimePoint* alarm) {
  // What a peer does not begin in time is ours to do (rma_take_over.cpp), by passes, and so is what both copy
  // (share_offer.h), and what we store: there must be some.
  if (!exchange.expected.empty() || !exchange.assisted.empty() || exchange.offered != 0 || stores_something(exchange))
    return false;
  const TimePoint now = Clock::now();
  heed_notices(exchange);
  keep_up(exchange, now);
  exchange.region->drain_wakes();  // S1
  announce_sleep(exchange);        // S2 to S4
  look_once_more(exchange);
  const bool awake = look_again(exchange);
  ask_for_notices(exchange);  // for others who sleep on this endpoint even if we do not
  if (awake) return false;
  exchange.alarm = next_alarm(exchange, now);
  // The nap is the sleeper's alone: who comes back sooner, again and again, must not put off what is due.
  *alarm = std::min(*alarm, std::max(exchange.alarm, now + kShortNap));
  return true;
}

void wake_up(Exchange& exchange) { hear_all(exchange); }

}  // namespace anchor
