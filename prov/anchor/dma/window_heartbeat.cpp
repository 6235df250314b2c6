// SPDX-License-Identifier: BSD-2-Clause
// What each host tells the others in turn, and what follows from it: who lives, and which memory nobody uses any more.
#include <chrono>
#include <cstring>

#include "dma/window.h"
#include "os/log.h"

namespace anchor {
namespace {

// Heartbeats of another host after which what it says of its users was looked up after a death here: the one that was
// being made at that time may say what was before.
constexpr std::int64_t kBeatsToForget = 2;

std::int64_t now_in_nanoseconds() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

std::int64_t in_nanoseconds(Milliseconds time) noexcept { return std::chrono::nanoseconds(time).count(); }

}  // namespace

bool Window::fresh(std::uint32_t host) noexcept {
  own().refresh(heard_from(host).beat);
  const std::uint64_t beat = heard_from(host).beat.load(std::memory_order_acquire);
  if (beat == 0) return false;
  const std::int64_t now = now_in_nanoseconds();
  Seen& seen = seen_[host];
  // In this order: who sees the new beat there, sees its time as well.
  if (seen.beat.load(std::memory_order_acquire) != beat) {
    seen.changed.store(now, std::memory_order_relaxed);
    seen.beat.store(beat, std::memory_order_release);
  }
  return now - seen.changed.load(std::memory_order_relaxed) < in_nanoseconds(config_.timeout);
}

void Window::bury(std::uint32_t slot) noexcept {
  std::uint64_t beats[kMaxWindowHosts] = {};
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (host == config_.host) continue;
    own().refresh(heard_from(host).beat);
    beats[host] = heard_from(host).beat.load(std::memory_order_seq_cst);
  }
  home_.bury(slot, beats);
}

// Nobody here or elsewhere writes to what belonged to a dead slot. A host that is silent for too long counts as gone.
bool Window::is_forgotten(std::uint32_t slot) noexcept {
  std::uint64_t held[kHeldWords];
  home_.users().held_of(config_.host, held);
  const auto is_held = [slot](std::uint64_t word) { return (word >> slot % 64 & 1) != 0; };
  if (is_held(held[slot / 64])) return false;
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (host == config_.host || !fresh(host)) continue;
    const NeighbourPage& page = heard_from(host);
    own().refresh(page.beat);  // and `held`, which stands in the same line
    // A13: with the users that were told before it.
    const auto since =
        static_cast<std::int64_t>(page.beat.load(std::memory_order_acquire) - home_.shared().slots[slot].beats[host]);
    if (since < kBeatsToForget || is_held(page.held[slot / 64].load(std::memory_order_acquire))) return false;
  }
  return true;
}

void Window::beat_if_due() noexcept {
  WindowWord& due = home_.shared().beat_due;
  const auto now = static_cast<std::uint64_t>(now_in_nanoseconds());
  std::uint64_t moment = due.load(std::memory_order_relaxed);
  const auto interval = static_cast<std::uint64_t>(in_nanoseconds(kHeartbeat));
  // A moment too far ahead is of a clock that was set anew.
  if (now < moment && moment - now <= interval) return;
  if (due.compare_exchange_strong(moment, now + interval, std::memory_order_relaxed)) beat();
}

void Window::beat() noexcept {
  PartitionHeader* header = partition_header(own().base());
  const HomeFile& file = home_.shared();
  own().refresh(*header);
  if (header->machine.load(std::memory_order_relaxed) != file.machine.load(std::memory_order_relaxed)) {
    if (!intruder_told_.exchange(true))
      ANCHOR_WARN(kDomain, "%s: another machine has taken our partition, of host %u: each needs a number of its own",
                  own().path().c_str(), config_.host);
    return;
  }
  home_.look_after([this](std::uint32_t slot) { withdraw(slot); },
                   [this](std::uint32_t slot) { return is_forgotten(slot); });
  const std::uint64_t beat = next_beat();
  header->beat.store(beat, std::memory_order_relaxed);
  own().push(header->beat);
  speak_to_all(beat);
}

void Window::speak_to_all(std::uint64_t beat) noexcept {
  for (std::uint32_t host = 0; host < hosts(); ++host)
    if (host != config_.host && is_ready(host)) speak_to(host, beat);
}

std::uint64_t Window::next_beat() noexcept { return home_.shared().beat.fetch_add(1, std::memory_order_relaxed) + 1; }

// R12. Another thread may announce an endpoint meanwhile: the second look keeps us from leaving what was before it
// (sequentially consistent: our store, then that look, against its entry in the directory, then its store).
void Window::repeat_life(WindowWord& told, std::uint32_t slot) const noexcept {
  const WindowWord& life = directory_entry(own().base(), slot)->life;
  std::uint64_t known;
  do {
    known = life.load(std::memory_order_seq_cst);
    told.store(known, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  } while (life.load(std::memory_order_seq_cst) != known);
}

// Likewise for what our processes hold.
void Window::repeat_held(NeighbourPage& page, std::uint32_t host) noexcept {
  std::uint64_t held[kHeldWords], again[kHeldWords];
  home_.users().held_of(host, held);
  for (;;) {
    for (std::size_t i = 0; i < kHeldWords; ++i) page.held[i].store(held[i], std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    home_.users().held_of(host, again);
    if (std::memcmp(held, again, sizeof held) == 0) return;
    std::memcpy(held, again, sizeof held);
  }
}

void Window::speak_to(std::uint32_t host, std::uint64_t beat) noexcept {
  NeighbourPage& page = told_to(host);
  repeat_held(page, host);
  for (std::uint32_t slot = 0; slot < kWindowSlots; ++slot) repeat_life(page.lives[slot], slot);
  partition(host).push(page.lives);
  page.doorbell.store(home_.doorbell(), std::memory_order_relaxed);
  partition(host).push(page.doorbell);
  page.generation.store(home_.shared().generation.load(std::memory_order_relaxed), std::memory_order_relaxed);
  // R13. Last: whoever has heard so many beats has heard what was true when the last one began.
  page.beat.store(beat, std::memory_order_release);
  partition(host).push(page.beat);  // and `held`
}

void Window::introduce_to(std::uint32_t host) noexcept {
  if (host != config_.host) speak_to(host, next_beat());
}

}  // namespace anchor
