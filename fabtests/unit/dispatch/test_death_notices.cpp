// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <poll.h>

#include <filesystem>

#include "dispatch/death_notices.h"
#include "dma/shm_region.h"
#include "os/unique_fd.h"
#include "proto/loss.h"
#include "sleeping_node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool has_notices(Node& node) {
  pollfd wanted{node.exchange.region->death_notices(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

// Its pipe loses its reader, as when it dies and its lock is given up last, or when it means harm.
void hang_up(Node& node) {
  const UniqueFd nothing(::open("/dev/null", O_RDWR));
  cr_assert_geq(::dup2(nothing.get(), node.exchange.region->wait_object()), 0);
}

}  // namespace

Test(death_notices, nobody_looks_at_peers_whose_deaths_are_told) {
  EndpointSettings settings = quick();
  settings.liveness_interval = Milliseconds{1000};
  Couple couple(settings);
  settle(couple.a);
  settle(couple.b);
  cr_assert(couple.b.exchange.deaths_told);
  TimePoint alarm = TimePoint::max();
  cr_assert(fall_asleep(couple.b.exchange, &alarm));
  cr_assert(alarm > Clock::now() + Milliseconds{1000});
  cr_assert_not(has_notices(couple.b));

  couple.a.crash();
  cr_assert(has_notices(couple.b));
  alarm = TimePoint::max();
  cr_assert(fall_asleep(couple.b.exchange, &alarm));
  cr_assert(alarm > Clock::now() + Milliseconds{1000});
  cr_assert_eq(couple.at_b().state, PeerState::kIdle, "found and seen off by the look that the notice led to");
  cr_assert_not(has_notices(couple.b));
}

Test(death_notices, a_notice_that_comes_too_early_is_heeded_soon) {
  Couple couple(patient());
  settle(couple.a);
  settle(couple.b);
  hang_up(couple.a);
  cr_assert(has_notices(couple.b));
  TimePoint alarm = TimePoint::max();
  cr_assert(fall_asleep(couple.b.exchange, &alarm));
  cr_assert(alarm <= Clock::now() + Milliseconds{1});
  cr_assert_eq(couple.at_b().state, PeerState::kConnected);
  couple.a.crash();
  cr_assert(until([&] { return asleep(couple.b), couple.at_b().state == PeerState::kIdle; }));
}

Test(death_notices, one_that_lives_on_after_a_notice_is_looked_at_ever_more_rarely) {
  Couple couple(patient());
  settle(couple.a);
  settle(couple.b);
  hang_up(couple.a);
  cr_assert(until([&] { return asleep(couple.b), couple.b.exchange.look_interval >= Milliseconds{16}; }));
  cr_assert_eq(couple.at_b().state, PeerState::kConnected);
  cr_assert_eq(couple.at_b().notice, DeathNotice::kGiven);
  cr_assert_not(has_notices(couple.b));
}

// Others may sleep on the endpoint.
Test(death_notices, who_stays_awake_has_asked_for_them_too) {
  Couple couple(patient());
  settle(couple.a);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert_eq(couple.at_b().notice, DeathNotice::kUnasked);
  cr_assert_not(asleep(couple.b), "the message is there");
  cr_assert_eq(couple.at_b().notice, DeathNotice::kPromised);
}

// Its number may be another peer's by then.
Test(death_notices, nobody_is_told_of_one_that_is_a_peer_no_more) {
  Couple couple(patient());
  settle(couple.a);
  settle(couple.b);
  cr_assert_eq(couple.at_b().notice, DeathNotice::kPromised);
  begin_loss(couple.b.exchange, couple.at_b(), EPROTO);
  cr_assert(until([&] { return couple.at_b().state == PeerState::kIdle; }, couple.b));
  cr_assert_eq(couple.b.exchange.abandoned.size(), 1u, "it lives, and may write to its block");
  hang_up(couple.a);
  cr_assert_not(has_notices(couple.b));
}

// It had no pipe when it was met.
Test(death_notices, who_sleeps_late_is_watched_from_the_next_alarm_on) {
  Couple couple;
  settle(couple.b);
  cr_assert_not(couple.b.exchange.deaths_told);
  settle(couple.a);
  cr_assert(until([&] { return asleep(couple.b), couple.b.exchange.deaths_told; }, couple.b));
  couple.a.crash();
  cr_assert(has_notices(couple.b));
}

// Nobody tells of that.
Test(death_notices, a_peer_whose_file_was_removed_is_found_by_alarms) {
  Couple couple;
  settle(couple.a);
  settle(couple.b);
  cr_assert(couple.b.exchange.deaths_told);
  cr_assert(std::filesystem::remove(region_path(couple.place.scratch.path(), named("a"))));
  cr_assert(until([&] { return asleep(couple.b), couple.at_b().state == PeerState::kIdle; }, couple.b));
}

Test(death_notices, peers_whose_deaths_are_not_told_are_looked_at) {
  Couple couple(patient());
  settle(couple.b);
  cr_assert_not(couple.b.exchange.deaths_told, "a has no pipe");
  TimePoint alarm = TimePoint::max();
  cr_assert(fall_asleep(couple.b.exchange, &alarm));
  cr_assert(alarm <= Clock::now() + Milliseconds{60'000});
  cr_assert(alarm > Clock::now() + Milliseconds{10'000}, "it was looked at just now");
}
