// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_region.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "dma/window_patience.h"
#include "os/cacheline.h"
#include "os/log.h"
#include "os/random_identity.h"

namespace anchor {
namespace {

bool whole_pages(std::uint64_t offset, std::size_t bytes) noexcept {
  return bytes != 0 && offset % kPageSize == 0 && bytes % kPageSize == 0;
}

}  // namespace

// In a forked child the slot's descriptor is closed, and nothing here is its business.
WindowLocalRegion::~WindowLocalRegion() {
  if (watch_) keeper_.remove(&*watch_);
  if (!lock_) return;
  if (published_) {
    window_.withdraw(self_.slot);
  } else {
    window_.home().give_back(self_.slot);
  }
}

int WindowLocalRegion::claim(std::size_t bytes, std::uint64_t* offset) noexcept {
  const int error = window_.home().pages().claim(self_.slot, bytes, offset);
  if (error == 0) {
    shortage_told_.store(false, std::memory_order_relaxed);
  } else if (!shortage_told_.exchange(true, std::memory_order_relaxed)) {
    explain_shortage(bytes);
  }
  return error;
}

void WindowLocalRegion::explain_shortage(std::size_t bytes) const noexcept {
  const WindowPages::Room room = window_.home().pages().room();
  ANCHOR_WARN(kEndpoint,
              "window %s is full: %zu bytes wanted for %s, %llu of host %u's %llu are free, %llu of them in a row; "
              "enlarge the window, or use fewer endpoints or peers",
              window_.own().path().c_str(), bytes, name_.bytes.data(), static_cast<unsigned long long>(room.bytes),
              window_.host(), static_cast<unsigned long long>(window_.own().size()),
              static_cast<unsigned long long>(room.longest));
}

int WindowLocalRegion::open(std::size_t header_size) noexcept {
  int error = take_patiently(window_, [&] { return window_.home().take_slot(&lock_, &self_.slot); });
  if (error == -ENOSPC)
    ANCHOR_WARN(kEndpoint, "window %s: host %u has %u endpoints already: no more", window_.own().path().c_str(),
                window_.host(), kWindowSlots);
  if (error != 0) return error;
  const auto claim_header = [&] { return window_.home().pages().claim(self_.slot, header_size, &self_.header_offset); };
  error = take_patiently(window_, claim_header);
  if (error == -ENOSPC) explain_shortage(header_size);
  if (error != 0) return error;
  self_.host = window_.host();
  self_.header_size = header_size;
  window_.own().clear(self_.header_offset, header_size);
  return 0;
}

int WindowLocalRegion::publish() noexcept {
  self_.life = random_identity();
  window_.own().push(header(), self_.header_size);
  const int error = window_.announce(name_, self_);
  published_ = error == 0;
  if (!published_) ANCHOR_INFO(kEndpoint, "a living endpoint of this host has the name %s", name_.bytes.data());
  return error;
}

int WindowLocalRegion::allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept {
  if (!intact()) return -EIO;
  if (const int error = claim(bytes, offset)) return error;
  *address = window_.own().base() + *offset;
  window_.own().clear(*offset, bytes);
  return 0;
}

int WindowLocalRegion::allocate_spare(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept {
  if (!intact()) return -EIO;
  if (const int error = window_.home().pages().claim(self_.slot, bytes, offset)) return error;
  *address = window_.own().base() + *offset;
  window_.own().clear(*offset, bytes);
  return 0;
}

void WindowLocalRegion::release(std::uint64_t offset, std::size_t bytes) noexcept {
  if (lock_) window_.home().pages().release(offset, bytes);
}

void WindowLocalRegion::watch(const std::byte* board, std::size_t bytes,
                              const std::atomic<std::uint64_t>* epoch) noexcept {
  board_ = board;
  board_bytes_ = bytes;
  epoch_ = epoch;
}

int WindowLocalRegion::wait_object() noexcept try {
  if (watch_) return event_.get();
  if (board_ == nullptr) return -EOPNOTSUPP;
  event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_) return -errno;
  watch_.emplace(window_.memory(), board_, board_bytes_, epoch_, event_.get());
  keeper_.add(&*watch_);
  return event_.get();
} catch (const std::bad_alloc&) {
  watch_.reset();
  return -ENOMEM;
}

void WindowLocalRegion::drain_wakes() noexcept {
  if (!watch_) return;
  // In this order: the keeper may be about to tell of what the watch now takes for seen.
  keeper_.expect(*watch_);
  eventfd_t count;
  static_cast<void>(::eventfd_read(event_.get(), &count));
}

int WindowLocalRegion::wake() noexcept { return watch_ && ::eventfd_write(event_.get(), 1) != 0 ? -errno : 0; }

void WindowLocalRegion::wake_at(TimePoint time) noexcept {
  if (watch_) keeper_.wake_at(*watch_, time);
}

// Not from zero on: what the slot's former owner has told last shall be no number of ours.
void WindowLocalRegion::tell_epoch(std::uint64_t epoch) noexcept {
  if (window_.has_doorbell()) window_.tell_sleep(self_.slot, static_cast<std::uint32_t>(2 * self_.life + epoch));
}

// Holds the slot before anybody looks again whether its owner lives: see Window::is_forgotten.
WindowRemoteRegion::WindowRemoteRegion(Window& window, WindowDoorbell& doorbell, const WindowEndpoint& peer,
                                       bool near) noexcept
    : window_(window),
      doorbell_(doorbell),
      peer_(peer),
      distant_(!near || peer.host != window.host()),
      process_(::getpid()) {
  window_.home().users().hold(peer_.host, peer_.slot);
}

WindowRemoteRegion::~WindowRemoteRegion() {
  if (process_ != ::getpid()) return;
  if (memory_slot_ != 0) window_.home().users().let_go(peer_.host, memory_slot_);
  window_.home().users().let_go(peer_.host, peer_.slot);
}

int WindowRemoteRegion::map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept {
  if (!window_.alive(peer_)) return -ENOENT;
  const WindowPartition& partition = window_.partition(peer_.host);
  const bool in_header = offset < peer_.header_size;
  const std::uint64_t end = in_header ? peer_.header_size : partition.size();
  const bool in_data = in_header || offset >= data_offset(window_.hosts());
  if (!whole_pages(offset, bytes) || !in_data || offset > end || bytes > end - offset) {
    ANCHOR_WARN(
        kEndpoint,
        "window %s: an endpoint of host %u names %zu bytes from %llu, which are none of its own: not talking to "
        "it",
        partition.path().c_str(), peer_.host, bytes, static_cast<unsigned long long>(offset));
    return -EPROTO;
  }
  *mapping = partition.part(in_header ? peer_.header_offset + offset : offset, bytes);
  // Also of what is only going to be written: lines of a former use would take its bytes there.
  if (distant_) partition.refresh(mapping->data(), bytes);
  return 0;
}

// Held before anybody looks whether its owner lives, as the peer's own slot is; its domain is open while an endpoint of
// it is.
bool WindowRemoteRegion::hold_memory(std::uint32_t slot) noexcept {
  if (memory_slot_ != 0 || slot < kWindowSlots || slot >= kOwningSlots) return false;
  window_.home().users().hold(peer_.host, slot);
  if (alive() && window_.is_current(peer_)) {
    memory_slot_ = slot;
    return true;
  }
  window_.home().users().let_go(peer_.host, slot);
  return false;
}

std::byte* WindowRemoteRegion::placed(std::uint64_t place, std::uint64_t skip, std::uint64_t bytes) noexcept {
  if (WindowMemoryPlace::slot(place) != memory_slot_ && !hold_memory(WindowMemoryPlace::slot(place))) return nullptr;
  const WindowPartition& partition = window_.partition(peer_.host);
  const std::uint64_t offset = WindowMemoryPlace::offset(place);
  if (offset < data_offset(window_.hosts()) || offset > partition.size() || skip > partition.size() - offset ||
      bytes > partition.size() - offset - skip)
    return nullptr;
  return partition.base() + offset + skip;
}

// The entries are divided among the hosts, so that each has writers of one host only; those agree by locks.
int WindowRemoteRegion::claim_contact(unsigned index) noexcept {
  if (index % window_.hosts() != window_.host()) return -EBUSY;
  return window_.home().claim_contact(&contact_, peer_.host, peer_.slot, index);
}

}  // namespace anchor
