// SPDX-License-Identifier: BSD-2-Clause
// What hosts know of each other besides who lives there: whose partition may be written to, who sleeps, who is rung.
#include "dma/window.h"

#include <new>

#include "os/log.h"

namespace anchor {

// The last look at the other host's partition found it well, and it has not begun anew since.
bool Window::was_ready(std::uint32_t host) const noexcept {
  const std::uint64_t known = ready_[host].load(std::memory_order_relaxed);
  own().refresh(heard_from(host).generation);
  const std::uint64_t told = heard_from(host).generation.load(std::memory_order_relaxed);
  return known != 0 && (told == 0 || told == known);
}

// Whether the other host's partition is as our configuration says, so that we may write there. Looked at until it is,
// and again when that host says that it has begun anew.
bool Window::is_ready(std::uint32_t host) noexcept {
  if (was_ready(host)) return true;
  std::string reason;
  PartitionState state = PartitionState::kInvalid;
  try {
    state = partition(host).look(host, hosts(), &reason);
  } catch (const std::bad_alloc&) {
  }
  if (state != PartitionState::kValid && state != PartitionState::kNew &&
      !invalid_told_[host].exchange(true, std::memory_order_relaxed))
    ANCHOR_WARN(kDomain, "host %u cannot be reached through the window: %s", host, reason.c_str());
  if (state != PartitionState::kValid) return false;
  const Retrieval setup;
  ready_[host].store(partition_header(partition(host).base())->generation.load(std::memory_order_relaxed),
                     std::memory_order_relaxed);
  return true;
}

// Relaxed: it orders nothing, see fifo/sleep_line.h. Hosts that nobody has looked at yet know no endpoint of ours. Our
// own is told, too: its processes may be treated as those of others.
void Window::tell_sleep(std::uint32_t slot, std::uint32_t number) noexcept {
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (host != config_.host && !was_ready(host)) continue;
    SleepWord& told = told_to(host).sleeps[slot];
    told.store(number, std::memory_order_relaxed);
    partition(host).push(told);
  }
}

std::uint32_t Window::sleep_of(const WindowEndpoint& endpoint) const noexcept {
  const SleepWord& told = heard_from(endpoint.host).sleeps[endpoint.slot];
  own().refresh(told);
  return told.load(std::memory_order_relaxed);
}

std::uint64_t Window::doorbell_of(std::uint32_t host) noexcept {
  if (host == config_.host) return home_.doorbell();
  if (!fresh(host)) return 0;
  const WindowWord& word = heard_from(host).doorbell;
  own().refresh(word);
  return word.load(std::memory_order_relaxed);
}

bool Window::all_ring() noexcept {
  for (std::uint32_t host = 0; host < hosts(); ++host)
    if ((host == config_.host || fresh(host)) && !DoorbellWord::all_ring(doorbell_of(host))) return false;
  return true;
}

}  // namespace anchor
