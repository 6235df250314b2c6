// SPDX-License-Identifier: BSD-2-Clause
// What a memory device must do for us while endpoints and connections are set up: create the region that holds an
// endpoint's shared memory, find and map a peer's, and say whether its owner still lives.
//
// Cold: nothing here is called once a message. The per-cache-line side of a device is its Port (port.h).
// A Device may be used from several threads at once. A LocalRegion and a RemoteRegion belong to one endpoint and are
// used under its lock.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "dma/memory_type.h"
#include "os/clock.h"
#include "os/endpoint_name.h"
#include "os/guarded_mapping.h"

namespace anchor {

class DeviceMemory;

// Long enough for a store to get to any other host, and for what that one did before it came to be seen here. It is a
// matter of microseconds; nobody waits for it but who sleeps anyway.
inline constexpr Milliseconds kSettling{1};

// A mapped part of somebody's region; unmapped on destruction.
class Mapping {
 public:
  Mapping() noexcept = default;
  // Memory got from map_guarded(), with its flag.
  Mapping(std::byte* address, std::size_t size, std::shared_ptr<LostFlag> lost) noexcept
      : address_(address), size_(size), lost_(std::move(lost)) {}
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Mapping();

  // Bytes of a larger mapping, which stays while they are used. Requires: they lie inside.
  static Mapping of(const std::shared_ptr<const Mapping>& whole, std::uint64_t offset, std::size_t size) noexcept {
    Mapping part;
    part.address_ = whole->address_ + offset;
    part.size_ = size;
    part.lost_ = std::shared_ptr<LostFlag>(whole, whole->lost_.get());
    part.is_part_ = true;
    return part;
  }

  std::byte* data() const noexcept { return address_; }
  std::size_t size() const noexcept { return size_; }
  explicit operator bool() const noexcept { return address_ != nullptr; }

  // The file behind was cut short by somebody, and private zeros stand in its place: the peer is as good as dead.
  bool lost() const noexcept { return lost_ != nullptr && lost_->load(std::memory_order_relaxed); }

 private:
  void swap(Mapping& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    lost_.swap(other.lost_);
    std::swap(is_part_, other.is_part_);
  }

  std::byte* address_ = nullptr;
  std::size_t size_ = 0;
  std::shared_ptr<LostFlag> lost_;  // of a part: shares the ownership of the whole
  bool is_part_ = false;
};

// Whoever can be woken through a region's wait object.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  // Makes the owner's wait object readable. Never blocks. -EOPNOTSUPP: the device has no such thing; otherwise why it
  // could not be reached.
  virtual int wake() noexcept { return -EOPNOTSUPP; }
  // What an owner on another host has told of itself (LocalRegion::tell_epoch): odd while it sleeps, another number
  // each time. It may be late, and is but a number that somebody wrote: a wrong one costs wake-ups, or their absence.
  virtual std::uint64_t told_epoch() noexcept { return 0; }
};

// The region of one of our own endpoints. Its memory is reserved before a call that hands it out returns, so touching
// it never raises SIGBUS. Destruction takes the name away and then gives up the liveness lock.
class LocalRegion : public Sleeper {
 public:
  // The first `header_size` bytes given to Device::create, zeroed.
  virtual std::byte* header() noexcept = 0;

  // Makes the region findable under its name, with what the header has by then.
  // -EADDRINUSE: a living endpoint of this user has the name; -EACCES: the name belongs to another user.
  virtual int publish() noexcept = 0;

  // A zeroed, page-aligned block (bytes: a multiple of the page size); `offset` is from the start of the region.
  // -ENOSPC: the device has no room left; -EIO: the region is no longer intact(). Blocks never move. Unlike the rest,
  // these three may be called from several threads at once.
  virtual int allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept = 0;
  virtual void release(std::uint64_t offset, std::size_t bytes) noexcept = 0;
  // allocate() of what can be done without: a shortage is none that anybody need be warned of.
  virtual int allocate_spare(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept {
    return allocate(bytes, offset, address);
  }

  // What peers are told of memory of our process, registered or about to receive a message, that they reach by
  // themselves (RemoteRegion::placed); 0: they do not. From several threads at once.
  virtual std::uint64_t place_of(const void* /*address*/, std::size_t /*bytes*/) noexcept { return 0; }

  // A descriptor that becomes readable when a peer, or wake(), wakes the owner; made on the first call. Requires:
  // published. Negated errno value: there is none.
  virtual int wait_object() noexcept { return -EOPNOTSUPP; }
  // Takes back all wakes up to now: it is unreadable until the next one. The owner is about to sleep.
  virtual void drain_wakes() noexcept {}

  // These lines of the header get another writer.
  virtual void hand_over(const std::byte* /*from*/, std::size_t /*bytes*/) noexcept {}

  // For a device whose peers cannot wake the owner: `board` changes when they want to, `epoch` is odd while it sleeps.
  // Both lie in the header.
  virtual void watch(const std::byte* /*board*/, std::size_t /*bytes*/,
                     const std::atomic<std::uint64_t>* /*epoch*/) noexcept {}
  // Makes the wait object readable at that time, whatever the board says, if the owner sleeps then. Once; an earlier
  // call is forgotten. Requires: wait_object().
  virtual void wake_at(TimePoint /*time*/) noexcept {}
  // The epoch, to other hosts who cannot read it but have a way to wake the owner (RemoteRegion::doorbell).
  virtual void tell_epoch(std::uint64_t /*epoch*/) noexcept {}

  // A descriptor that becomes readable when an owner may have died whose region is watched by it
  // (RemoteRegion::watch_with); made on the first call. Negated errno value: there is none.
  virtual int death_notices() noexcept { return -EOPNOTSUPP; }
  // Stores the keys of up to `room` such regions and returns how many. None: it is unreadable until the next notice.
  // One may be mistaken, come a moment too early, or again while the region is watched.
  virtual std::size_t take_death_notices(std::uint64_t* /*keys*/, std::size_t /*room*/) noexcept { return 0; }

  // false once somebody cut the region's file short: private zeros stand in its place, and no peer reaches us any more.
  virtual bool intact() const noexcept { return true; }
};

// A peer's region as found under its name at one moment. A name that is reused later is another region.
// Only a claimed contact, and having woken or watched the owner, costs a file descriptor; map() and claim_contact() may
// give -ENOENT when the name no longer leads to this region, and -EAGAIN when the process has no file descriptor left
// at the moment.
class RemoteRegion : public Sleeper {
 public:
  // Maps `bytes` from `offset` (page multiples) read-write. -EPROTO when that lies outside of the region: the caller's
  // numbers come from the peer and are checked here against the region's real size.
  virtual int map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept = 0;

  // Whether the owner still holds its liveness lock and the name still leads to this very region, as large as what was
  // mapped of it. What cannot be found out (no file descriptor left) counts as alive. Four system calls.
  virtual bool alive() noexcept = 0;

  // The memory is another host's, or is to be treated so: it is written, but not read once a connection stands. No
  // fence that the owner has executed everywhere reaches us, nor can we wake it but by its doorbell().
  virtual bool distant() const noexcept { return false; }
  // Who is to be woken when a distant owner's board was rung while it sleeps (Sleeper::told_epoch), living as long as
  // this; nullptr: it looks at its board by itself.
  virtual Sleeper* doorbell() noexcept { return nullptr; }
  // Of what is mapped.
  virtual MemoryType memory() const noexcept { return MemoryType::kCoherent; }

  // Whether the owner is an endpoint of this very process, whatever it says of itself.
  virtual bool of_this_process() const noexcept { return false; }

  // Memory of the peer's process that it calls `place` (LocalRegion::place_of): `bytes` behind the first `skip` of it,
  // checked to lie where such memory may. nullptr: it does not, or is not to be touched. Ours while the region exists.
  virtual std::byte* placed(std::uint64_t /*place*/, std::uint64_t /*skip*/, std::uint64_t /*bytes*/) noexcept {
    return nullptr;
  }
  // false once such memory, or part of it, has gone: what was stored is nowhere.
  virtual bool intact() const noexcept { return true; }

  // From now on the owner's death makes `notices`, a LocalRegion's death_notices(), readable, and `key` is found there.
  // Requires: not watched. Negated errno value: it does not, so ask alive() now and then; -ENXIO: perhaps it has died.
  virtual int watch_with(int /*notices*/, std::uint64_t /*key*/) noexcept { return -EOPNOTSUPP; }
  virtual void unwatch() noexcept {}

  // Exclusive use of contact entry `index` of the peer's region until release_contact or our death. -EBUSY: taken.
  virtual int claim_contact(unsigned index) noexcept = 0;
  virtual void release_contact() noexcept = 0;
};

// Where a process lets its memory be copied from directly, as its anchor record says. `proof_address` points, in that
// process, to sizeof(proof) bytes equal to `proof`: that the bytes can be read there shows both that copying is
// permitted and that the process ID means the same process to us as to its owner (it does not across PID namespaces).
struct DirectCopyOffer {
  std::int64_t process_id;
  std::uint64_t proof_address;
  std::uint64_t proof[2];
};

// Memory of a peer's process as it lies in ours, too.
struct SharedView {
  Mapping mapping;
  std::byte* first = nullptr;  // of the bytes that were asked for
  bool writable = false;
};

// Segments on either side that one call copies; what lies in further ones is left for the next.
inline constexpr std::size_t kMaxCopySegments = 32;

// Copies between our memory and the peer process's private memory. Returns bytes moved (perhaps fewer than asked) or a
// negated errno value.
class DirectCopy {
 public:
  virtual ~DirectCopy() = default;
  // Cold: makes `length` bytes from `address` of the peer's process ours to touch. `lost` is raised when they turn out
  // not to be there. -EOPNOTSUPP, -ENXIO, or another negated errno value: they are only to be copied; -EAGAIN: no file
  // descriptor left at the moment.
  virtual int share(std::uint64_t /*address*/, std::uint64_t /*length*/, const std::shared_ptr<LostFlag>& /*lost*/,
                    SharedView* /*view*/) noexcept {
    return -EOPNOTSUPP;
  }
  virtual std::ptrdiff_t read(const iovec* local, std::size_t local_count, const iovec* remote,
                              std::size_t remote_count) noexcept = 0;
  virtual std::ptrdiff_t write(const iovec* local, std::size_t local_count, const iovec* remote,
                               std::size_t remote_count) noexcept = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const noexcept = 0;
  // Of the regions that it creates, as peers write to them.
  virtual MemoryType memory() const noexcept { return MemoryType::kCoherent; }

  // A new region named `name`, not findable before LocalRegion::publish. header_size: a page multiple.
  // -ENOSPC with a warning that says how much was wanted where.
  virtual int create(const EndpointName& name, std::size_t header_size,
                     std::unique_ptr<LocalRegion>* region) noexcept = 0;

  // -ENOENT: nobody has the name (yet); -EOWNERDEAD: nobody has it, and whoever had it last has just gone or was
  // killed, if that shows; -EACCES: the name's file belongs to another user or is open to others; -EAGAIN: no file
  // descriptor left at the moment.
  virtual int attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept = 0;

  // -EOPNOTSUPP or the kernel's refusal when the peer's memory cannot be reached directly.
  virtual int open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept = 0;

  // Memory of the device that applications may have for their own; nullptr: it gives none.
  virtual DeviceMemory* for_applications() noexcept { return nullptr; }

  // Removes what dead owners of this user left behind. Called when a domain is opened.
  virtual void sweep() noexcept = 0;
};

}  // namespace anchor
