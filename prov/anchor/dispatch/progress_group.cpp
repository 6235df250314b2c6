// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress_group.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#include "dispatch/deferred_work.h"
#include "dispatch/endpoint.h"

namespace anchor {
namespace {

// About 5 us of polling: an answer from a peer that runs is there by then.
constexpr std::uint32_t kPatientPasses = 256;
// A yield costs as much as ten to twenty passes: it must not delay what comes a little later.
constexpr std::uint32_t kPassesPerYield = 64;
// Between two looks at an endpoint that has no wait object.
constexpr Milliseconds kPollInterval{1};

}  // namespace

void ProgressGroup::join(Endpoint* endpoint) {
  const LockGuard guard(lock_);
  const auto same = [endpoint](const Member& member) { return member.endpoint == endpoint; };
  if (std::find_if(members_.begin(), members_.end(), same) != members_.end()) return;
  members_.push_back({endpoint});
  // Whoever sleeps now does not know of it.
  wait_.signal();
}

void ProgressGroup::leave(Endpoint* endpoint) noexcept {
  const LockGuard guard(lock_);
  std::erase_if(members_, [&](const Member& member) {
    if (member.endpoint != endpoint) return false;
    if (member.counted) endpoint->end_sleep();
    if (member.descriptor >= 0) wait_.remove(member.descriptor);
    if (member.notices >= 0) wait_.remove(member.notices);
    return true;
  });
}

bool ProgressGroup::progress_members() noexcept {
  const LockGuard guard(lock_);
  if (outside_) [[unlikely]]
    end_outside_here();
  bool received = false;
  for (const Member& member : members_) received |= member.endpoint->progress();
  return received;
}

void ProgressGroup::progress() noexcept {
  const bool received = progress_members();
  if (deferred_ != nullptr && deferred_->waiting()) [[unlikely]]
    deferred_->start_due();
  if (received) {
    idle_passes_.store(0, std::memory_order_relaxed);
    return;
  }
  const std::uint32_t idle = idle_passes_.load(std::memory_order_relaxed) + 1;
  idle_passes_.store(idle, std::memory_order_relaxed);
  if (idle > kPatientPasses && idle % kPassesPerYield == 0) [[unlikely]]
    sched_yield();
}

int ProgressGroup::add_descriptor(int descriptor) noexcept {
  return descriptor >= 0 && wait_.add(descriptor) == 0 ? descriptor : -1;
}

bool ProgressGroup::engage(TimePoint* alarm) noexcept {
  wait_.clear();
  bool asleep = true;
  for (Member& member : members_) {
    if (member.descriptor < 0) member.descriptor = add_descriptor(member.endpoint->wait_object());
    // Before there are peers: one may come while we sleep, by what another sleeper does.
    const int notices = member.notices < 0 ? member.endpoint->death_notices() : member.notices;
    if (member.notices < 0) member.notices = add_descriptor(notices);
    if (!member.endpoint->fall_asleep(!member.counted, alarm)) asleep = false;
    const bool deaf = member.descriptor < 0 || (member.notices < 0 && notices >= 0);
    if (deaf) *alarm = std::min(*alarm, Clock::now() + kPollInterval);
    member.counted = true;
  }
  // Last: what the passes above put into it needs no signal, as the caller looks at it afterwards.
  if (source_ != nullptr) source_->arm(wait_);
  return asleep;
}

void ProgressGroup::disengage() noexcept {
  if (source_ != nullptr) source_->disarm();
  for (Member& member : members_) {
    if (member.counted) member.endpoint->end_sleep();
    member.counted = false;
  }
}

bool ProgressGroup::begin_sleep(TimePoint* alarm) noexcept {
  const LockGuard guard(lock_);
  ++inside_;
  const bool asleep = wait_.open() != 0 || engage(alarm);
  if (!outside_) wait_.set_alarm(WaitFd::kNoAlarm);  // the last outsider's may have gone off
  return asleep;
}

// S6. Without a descriptor to sleep on there is nothing to do but to come back soon.
void ProgressGroup::nap(TimePoint moment) noexcept {
  if (wait_.is_open()) {
    wait_.wait_until(moment);
  } else {
    std::this_thread::sleep_for(std::min<Clock::duration>(moment - Clock::now(), kPollInterval));
  }
}

// The announcement of several sleepers is one and the same, and who wakes ends it. So the next one has to wake too, and
// finds for itself whether there is something for it.
void ProgressGroup::end_sleep() noexcept {
  const LockGuard guard(lock_);
  --inside_;
  if (inside_ != 0 || outside_) {
    wait_.signal();
  } else {
    disengage();
  }
}

bool ProgressGroup::begin_outside() noexcept {
  const LockGuard guard(lock_);
  if (inside_ != 0 && wait_.signalled()) return false;  // for one who is about to wake: it must not be taken away
  TimePoint alarm = WaitFd::kNoAlarm;
  outside_ = true;
  outsider_ = pthread_self();
  return engage(&alarm) && wait_.set_alarm(alarm) == 0;
}

void ProgressGroup::end_outside() noexcept {
  const LockGuard guard(lock_);
  end_outside_here();
}

// Another thread's progress says nothing about whether the one that went to sleep has woken.
void ProgressGroup::end_outside_here() noexcept {
  if (!outside_ || pthread_equal(outsider_, pthread_self()) == 0) return;
  outside_ = false;
  if (inside_ == 0) disengage();
}

}  // namespace anchor
