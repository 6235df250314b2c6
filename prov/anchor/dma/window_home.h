// SPDX-License-Identifier: BSD-2-Clause
// What the processes of one host share about their own partition, and no other host needs to know: which slots of the
// directory are taken, which pages belong to which slot, and which remote slots each process still uses. It lies in a
// file of this host's own memory, which a reboot takes away.
//
// Whoever holds the locked byte of a slot owns it; the kernel gives the byte back when its process dies. Atomic
// operations are used here, between processes of one host, and never on the window.
//
// A slot whose owner has gone, by itself or by dying, is dead: its pages are used again only when every other host has
// said, since then, that none of its processes still writes there. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "dma/device.h"
#include "dma/window_config.h"
#include "dma/window_layout.h"
#include "dma/window_pages.h"
#include "dma/window_partition.h"
#include "dma/window_users.h"
#include "os/process_fd.h"

namespace anchor {

enum class SlotState : std::uint32_t { kFree, kTaken, kDead };

struct HomeSlot {
  std::atomic<SlotState> state;
  std::uint32_t reserved;
  WindowWord beats[kMaxWindowHosts];  // kDead: of each host, when it died
};

// Behind it the owners of all pages of the partition.
struct HomeFile {
  std::atomic<std::uint64_t> layout;  // kHomeLayout once all is there
  std::uint64_t pages;
  WindowWord generation;
  WindowWord machine;
  WindowWord beat;
  WindowWord beat_due;  // nanoseconds of the steady clock
  WindowWord doorbell;  // DoorbellWord::make() of whoever serves it, if there is somebody; see WindowHome::doorbell()
  HomeSlot slots[kOwningSlots];
  UserRow rows[kUserRows];
};
// If this fails, raise kHomeLayout: processes of two versions may share the file.
static_assert(std::atomic<SlotState>::is_always_lock_free && sizeof(HomeSlot) == 136 && sizeof(UserRow) == 1040 &&
              offsetof(HomeFile, slots) == 56 && offsetof(HomeFile, rows) == 69688 && sizeof(HomeFile) == 335928);

class WindowHome {
 public:
  // While it exists no other process of this host has one, unless that was stopped at it for seconds: for setting up
  // the partition, and for names.
  class Turn {
   public:
    explicit Turn(WindowHome& home) noexcept;
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    WindowHome& home_;
  };

  // Once. `own`: our partition, open. Begins anew if the file is not there. Negated errno value, with a warning.
  int open(const WindowConfig& config, const WindowPartition& own, const std::string& directory) noexcept;

  HomeFile& shared() const noexcept { return *file_; }
  WindowPages& pages() noexcept { return pages_; }
  WindowUsers& users() noexcept { return users_; }
  const std::string& path() const noexcept { return path_; }

  // A free slot, its byte locked by `lock`, which keeps it: one of an endpoint, or, for a domain's memory, one behind
  // those. -ENOSPC: all are taken, or dead ones still written to.
  int take_slot(ProcessFd* lock, std::uint32_t* slot) noexcept { return take_slot_in(0, kWindowSlots, lock, slot); }
  int take_memory_slot(ProcessFd* lock, std::uint32_t* slot) noexcept {
    return take_slot_in(kWindowSlots, kOwningSlots, lock, slot);
  }
  // Nobody but us has ever known of it: free at once.
  void give_back(std::uint32_t slot) noexcept;
  // It is dead from now on; `beats`: what the other hosts had said by then.
  void bury(std::uint32_t slot, const std::uint64_t (&beats)[kMaxWindowHosts]) noexcept;
  // Whether the owner of a taken slot lives.
  bool lives(std::uint32_t slot) const noexcept;
  // Calls `died(slot)` for each slot whose owner died: it is to bury() it. Frees each dead one with its pages for which
  // `forgotten(slot)` says that nobody writes there any more.
  void look_after(const std::function<void(std::uint32_t)>& died,
                  const std::function<bool(std::uint32_t)>& forgotten) noexcept;

  // Who serves the host's doorbell, one process at a time: it has the byte that `lock` keeps. -EBUSY.
  int take_doorbell(ProcessFd* lock) const noexcept;
  // What peers are told of it, a DoorbellWord: whoever died serving it has none.
  std::uint64_t doorbell() noexcept;

  // Exclusive use of one contact entry of a slot, kept by `lock`. -EBUSY.
  int claim_contact(ProcessFd* lock, std::uint32_t host, std::uint32_t slot, unsigned index) const noexcept;

 private:
  int open_file(ProcessFd* file) const noexcept;
  int take_byte(ProcessFd* lock, std::uint64_t byte) const noexcept;
  int set_up(int fd, std::uint64_t pages) noexcept;
  int take_slot_in(std::uint32_t first, std::uint32_t end, ProcessFd* lock, std::uint32_t* slot) noexcept;

  std::string path_;
  Mapping mapping_;
  HomeFile* file_ = nullptr;
  ProcessFd locks_;  // keeps our row's byte; others' bytes are tried with it
  WindowPages pages_;
  WindowUsers users_;
  std::mutex turns_;    // for the byte of Turn
  std::mutex tending_;  // for slots' bytes tried with locks_
};

// Where the server of the host's doorbell is found: beside what its processes share about their partition.
std::string doorbell_path(const WindowHome& home);

}  // namespace anchor
