// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <new>

#include "dma/retrieval.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr timespec kPause{0, 10'000'000};
// Heartbeats of another host after which what it says of its users was looked up after a death here: the one that was
// being made at that time may say what was before.
constexpr std::int64_t kBeatsToForget = 2;

std::int64_t now_in_nanoseconds() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

std::uint64_t milliseconds_of_time() noexcept {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::int64_t in_nanoseconds(Milliseconds time) noexcept { return std::chrono::nanoseconds(time).count(); }

}  // namespace

int Window::open(const WindowConfig& config, const std::string& directory) noexcept try {
  config_ = config;
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (const int error = partitions_[host].open(config_, host, directory)) return error;
    seen_[host].changed.store(now_in_nanoseconds(), std::memory_order_relaxed);
  }
  if (const int error = home_.open(config_, own(), directory)) return error;
  const WindowHome::Turn turn(home_);
  return prepare_own();
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int Window::prepare_own() {
  std::string reason;
  // Before anything is written: it might be in the middle of somebody else's memory.
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (host == config_.host || partition(host).look(host, hosts(), &reason) != PartitionState::kDisagreeing) continue;
    ANCHOR_WARN(kDomain, "%s: the configurations of host %u and of this one, %u, do not agree", reason.c_str(), host,
                config_.host);
    return -EPROTO;
  }
  switch (own().look(config_.host, hosts(), &reason)) {
    case PartitionState::kNew:
      return begin_anew();
    case PartitionState::kDisagreeing:
    case PartitionState::kInvalid:
      ANCHOR_WARN(kDomain, "%s; where the configurations of all hosts agree, anchor_window init makes it ours",
                  reason.c_str());
      return -EPROTO;
    default:
      return take_over();
  }
}

// Our partition as somebody left it: processes of this boot, an earlier boot, or another machine that takes itself for
// this host, too, and is at it.
int Window::take_over() noexcept {
  PartitionHeader* header = partition_header(own().base());
  const HomeFile& file = home_.shared();
  const auto is_ours = [&] {
    own().refresh(*header);
    return header->machine.load(std::memory_order_acquire) == file.machine.load(std::memory_order_relaxed) &&
           header->generation.load(std::memory_order_relaxed) == file.generation.load(std::memory_order_relaxed);
  };
  if (is_ours()) return 0;
  const std::uint64_t before = header->beat.load(std::memory_order_relaxed);
  // Meanwhile the others notice that our former boot is silent, if they have not yet, and stop writing.
  const TimePoint end = Clock::now() + config_.timeout;
  while (before != 0 && Clock::now() < end) {
    if (is_ours()) return 0;  // another process of this host has waited long enough
    if (header->beat.load(std::memory_order_relaxed) != before) {
      ANCHOR_WARN(kDomain, "%s: another machine uses the window as host %u: each needs a number of its own",
                  own().path().c_str(), config_.host);
      return -EADDRINUSE;
    }
    ::nanosleep(&kPause, nullptr);
  }
  return begin_anew();
}

int Window::begin_anew() noexcept {
  if (const int error = own().reserve()) return error;
  PartitionHeader* header = partition_header(own().base());
  header->version.store(0, std::memory_order_relaxed);
  own().push(*header);
  for (std::uint32_t slot = 0; slot < kWindowSlots; ++slot)
    directory_entry(own().base(), slot)->life.store(0, std::memory_order_release);
  own().push(own().base() + kDirectoryOffset, kWindowSlots * sizeof(DirectoryEntry));
  header->magic = kWindowMagic;
  header->length = sizeof(PartitionHeader);
  header->host = config_.host;
  header->hosts = hosts();
  header->size = own().size();
  header->beat.store(0, std::memory_order_relaxed);
  // Ahead of what an earlier boot has counted: there are fewer beats than milliseconds.
  home_.shared().beat.store(milliseconds_of_time(), std::memory_order_relaxed);
  header->generation.store(home_.shared().generation.load(std::memory_order_relaxed), std::memory_order_relaxed);
  header->machine.store(home_.shared().machine.load(std::memory_order_relaxed), std::memory_order_relaxed);
  own().push(*header);
  header->version.store(kWindowVersion, std::memory_order_release);  // R14, see WindowPartition::look()
  own().push(*header);
  return 0;
}

int Window::announce(const EndpointName& name, const WindowEndpoint& endpoint) noexcept {
  const WindowHome::Turn turn(home_);  // nobody else of this host takes the name meanwhile
  for (std::uint32_t slot = 0; slot < kWindowSlots; ++slot) {
    WindowEndpoint other;
    if (slot != endpoint.slot && read_entry(config_.host, slot, name, &other) && home_.lives(slot)) return -EADDRINUSE;
  }
  DirectoryEntry* entry = directory_entry(own().base(), endpoint.slot);
  entry->life.store(0, std::memory_order_relaxed);
  // The zero comes before the new contents: who is copying the former ones discards them.
  std::atomic_thread_fence(std::memory_order_release);
  own().push(*entry);
  std::uint64_t words[8];
  static_assert(sizeof words == sizeof name.bytes);
  std::memcpy(words, name.bytes.data(), sizeof words);
  for (std::size_t i = 0; i < 8; ++i) entry->name[i].store(words[i], std::memory_order_relaxed);
  entry->header_offset.store(endpoint.header_offset, std::memory_order_relaxed);
  entry->header_size.store(endpoint.header_size, std::memory_order_relaxed);
  own().push(*entry);
  entry->life.store(endpoint.life, std::memory_order_release);  // R11, see read_entry()
  own().push(entry->life);
  tell_all(endpoint.slot, endpoint.life);
  return 0;
}

// R12, see alive()
void Window::tell_all(std::uint32_t slot, std::uint64_t life) noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // see repeat_life()
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (host == config_.host || !is_ready(host)) continue;
    WindowWord& told = told_to(host).lives[slot];
    told.store(life, std::memory_order_release);
    partition(host).push(told);
  }
}

void Window::withdraw(std::uint32_t slot) noexcept {
  if (slot < kWindowSlots) {
    WindowWord& life = directory_entry(own().base(), slot)->life;
    life.store(0, std::memory_order_release);
    own().push(life);
    tell_all(slot, 0);
  }
  bury(slot);
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
  home_.held_of(config_.host, held);
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

bool Window::read_entry(std::uint32_t host, std::uint32_t slot, const EndpointName& name,
                        WindowEndpoint* endpoint) const noexcept {
  const Retrieval setup;
  const WindowPartition& partition = partitions_[host];
  const DirectoryEntry* entry = directory_entry(partition.base(), slot);
  partition.refresh(entry->life);
  const std::uint64_t life = entry->life.load(std::memory_order_acquire);  // A11: with the contents that belong to it
  if (life == 0) return false;
  partition.refresh(*entry);
  std::uint64_t words[8];
  for (std::size_t i = 0; i < 8; ++i) words[i] = entry->name[i].load(std::memory_order_relaxed);
  *endpoint = {host, slot, life, entry->header_offset.load(std::memory_order_relaxed),
               entry->header_size.load(std::memory_order_relaxed)};
  // Keeps the copy before the second look (load -> load).
  std::atomic_thread_fence(std::memory_order_acquire);
  partition.refresh(entry->life);
  if (entry->life.load(std::memory_order_relaxed) != life) return false;
  if (std::memcmp(words, name.bytes.data(), sizeof words) != 0) return false;
  const std::uint64_t first = data_offset(hosts());
  return endpoint->header_size != 0 && endpoint->header_size <= first && endpoint->header_size % kPageSize == 0 &&
         endpoint->header_offset >= first && endpoint->header_offset % kPageSize == 0 &&
         endpoint->header_offset <= partition.size() &&
         endpoint->header_size <= partition.size() - endpoint->header_offset;
}

int Window::find(const EndpointName& name, WindowEndpoint* endpoint) noexcept {
  for (std::uint32_t i = 0; i < hosts(); ++i) {
    const std::uint32_t host = (config_.host + i) % hosts();
    if (host != config_.host && (!fresh(host) || !is_ready(host))) continue;
    own().refresh(heard_from(host));
    for (std::uint32_t slot = 0; slot < kWindowSlots; ++slot) {
      // The lives that were pushed to us spare us most looks at the other host's memory.
      if (host != config_.host && heard_from(host).lives[slot].load(std::memory_order_relaxed) == 0) continue;
      if (read_entry(host, slot, name, endpoint) && alive(*endpoint)) return 0;
    }
  }
  return -ENOENT;
}

bool Window::alive(const WindowEndpoint& endpoint) noexcept {
  if (own().lost() || partition(endpoint.host).lost()) return false;
  if (endpoint.host == config_.host)
    return directory_entry(own().base(), endpoint.slot)->life.load(std::memory_order_acquire) == endpoint.life &&
           home_.lives(endpoint.slot);
  const WindowWord& life = heard_from(endpoint.host).lives[endpoint.slot];
  own().refresh(life);
  // A12: who sees the end of a peer finds all that it had sent.
  return life.load(std::memory_order_acquire) == endpoint.life && fresh(endpoint.host);
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
  home_.held_of(host, held);
  for (;;) {
    for (std::size_t i = 0; i < kHeldWords; ++i) page.held[i].store(held[i], std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    home_.held_of(host, again);
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
