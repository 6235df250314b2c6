// SPDX-License-Identifier: BSD-2-Clause
// Which endpoints there are: ours are entered into the directory of our own partition, others' are looked up in theirs.
#include <cerrno>
#include <cstring>

#include "dma/window.h"

namespace anchor {

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

}  // namespace anchor
