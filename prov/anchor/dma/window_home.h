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
#include "dma/window_partition.h"
#include "os/process_fd.h"

namespace anchor {

inline constexpr std::uint32_t kUserRows = 256;  // processes of a host, or rather domains that they have open
inline constexpr std::uint32_t kNoRow = UINT32_MAX;

enum class SlotState : std::uint32_t { kFree, kTaken, kDead };

struct HomeSlot {
  std::atomic<SlotState> state;
  std::uint32_t reserved;
  WindowWord beats[kMaxWindowHosts];  // kDead: of each host, when it died
};

struct UserRow {
  std::atomic<std::uint64_t> taken;  // ever: `held` was cleared by its first owner
  std::atomic<std::uint64_t> mute;   // 1: it has endpoints, and cannot ring other hosts
  WindowWord held[kMaxWindowHosts][kHeldWords];
};

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

using PageOwner = std::atomic<std::uint16_t>;  // slot + 1, 0: free

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

  // Domains of this host that have the window open, this one included.
  unsigned users() noexcept;

  HomeFile& shared() const noexcept { return *file_; }
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

  // Pages in a row for a slot of ours. -ENOSPC.
  int claim(std::uint32_t slot, std::size_t bytes, std::uint64_t* offset) noexcept;
  void release(std::uint64_t offset, std::size_t bytes) noexcept;
  // Free ones; `longest`: in a row.
  struct Room {
    std::uint64_t bytes;
    std::uint64_t longest;
  };
  Room room() const noexcept;

  // The process says that it uses a slot of some host's, so that nobody else gets that memory.
  void hold(std::uint32_t host, std::uint32_t slot) noexcept;
  void let_go(std::uint32_t host, std::uint32_t slot) noexcept;
  // All that living processes hold of a host's slots.
  void held_of(std::uint32_t host, std::uint64_t (&held)[kHeldWords]) noexcept;

  // Who serves the host's doorbell, one process at a time: it has the byte that `lock` keeps. -EBUSY.
  int take_doorbell(ProcessFd* lock) const noexcept;
  // What peers are told of it, a DoorbellWord: whoever died serving it has none.
  std::uint64_t doorbell() noexcept;
  // Whether our process has endpoints and cannot ring.
  void set_mute(bool mute) noexcept;

  // Exclusive use of one contact entry of a slot, kept by `lock`. -EBUSY.
  int claim_contact(ProcessFd* lock, std::uint32_t host, std::uint32_t slot, unsigned index) const noexcept;

 private:
  int open_file(ProcessFd* file) const noexcept;
  int set_up(int fd) noexcept;
  int take_row() noexcept;
  int take_slot_in(std::uint32_t first, std::uint32_t end, ProcessFd* lock, std::uint32_t* slot) noexcept;
  void free_pages_of(std::uint32_t slot) noexcept;
  bool take_pages(std::uint64_t first, std::uint64_t count, std::uint16_t owner) noexcept;

  std::string path_;
  Mapping mapping_;
  HomeFile* file_ = nullptr;
  PageOwner* owners_ = nullptr;
  std::uint64_t first_page_ = 0;  // of data
  std::uint64_t pages_ = 0;
  std::atomic<std::uint64_t> next_page_{0};  // where the next search begins
  ProcessFd locks_;                          // keeps our row's byte; others' bytes are tried with it
  std::uint32_t row_ = kNoRow;
  std::mutex turns_;    // for the byte of Turn
  std::mutex holding_;  // for counts_
  std::mutex tending_;  // for slots' bytes tried with locks_
  std::uint32_t counts_[kMaxWindowHosts][kOwningSlots] = {};
};

// Where the server of the host's doorbell is found: beside what its processes share about their partition.
std::string doorbell_path(const WindowHome& home);

}  // namespace anchor
