// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_direct_copy.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "dma/shm_shared_view.h"
#include "os/process.h"
#include "os/unique_fd.h"

namespace anchor {
namespace {

struct Proof {
  std::uint64_t words[2] = {};

  iovec segment() noexcept { return {words, sizeof words}; }
  bool shown_by(const DirectCopyOffer& offer) const noexcept {
    return std::memcmp(words, offer.proof, sizeof words) == 0;
  }
};
static_assert(sizeof(Proof) == sizeof(DirectCopyOffer::proof));

iovec offered_proof(const DirectCopyOffer& offer) noexcept {
  return {reinterpret_cast<void*>(static_cast<std::uintptr_t>(offer.proof_address)), sizeof offer.proof};
}

using Segments = std::array<iovec, kMaxCopySegments + 1>;

std::size_t put_behind(const iovec& first, const iovec* rest, std::size_t count, Segments* out) noexcept {
  const std::size_t taken = std::min(count, kMaxCopySegments);
  (*out)[0] = first;
  std::copy_n(rest, taken, out->begin() + 1);
  return taken + 1;
}

}  // namespace

int ShmDirectCopy::check() const noexcept {
  if (offer_.process_id <= 0 || offer_.process_id > INT_MAX) return -EINVAL;
  Proof proof;
  const iovec local = proof.segment();
  const iovec remote = offered_proof(offer_);
  const ssize_t moved = read_process_memory(process(), &local, 1, &remote, 1);
  if (moved < 0) return static_cast<int>(moved);
  if (moved != static_cast<ssize_t>(sizeof proof)) return -EFAULT;
  return proof.shown_by(offer_) ? 0 : -ESRCH;
}

// The proof is the first segment of the same call: the kernel takes the process's memory once for all segments, so what
// follows a good proof comes from the right process even if its number was given away a moment ago.
std::ptrdiff_t ShmDirectCopy::read(const iovec* local, std::size_t local_count, const iovec* remote,
                                   std::size_t remote_count) noexcept {
  Proof proof;
  Segments ours, theirs;
  const std::size_t our_count = put_behind(proof.segment(), local, local_count, &ours);
  const std::size_t their_count = put_behind(offered_proof(offer_), remote, remote_count, &theirs);
  const ssize_t moved = read_process_memory(process(), ours.data(), our_count, theirs.data(), their_count);
  if (moved < 0) return moved;
  if (moved < static_cast<ssize_t>(sizeof proof)) return -EFAULT;
  if (!proof.shown_by(offer_)) {
    shown_.store(0, std::memory_order_relaxed);
    return -ESRCH;
  }
  const auto copied = static_cast<std::ptrdiff_t>(moved - static_cast<ssize_t>(sizeof proof));
  return copied == 0 && local_count != 0 && remote_count != 0 ? -EFAULT : copied;
}

// No call can both read a proof and write, and two calls cost twice as much as one: a stream of writes shares a proof.
std::ptrdiff_t ShmDirectCopy::write(const iovec* local, std::size_t local_count, const iovec* remote,
                                    std::size_t remote_count) noexcept {
  const auto now = Clock::now().time_since_epoch();
  if (now - Clock::duration(shown_.load(std::memory_order_relaxed)) > kProofLifetime) {
    if (const int error = check(); error != 0) return error;
    shown_.store(now.count(), std::memory_order_relaxed);
  }
  const std::ptrdiff_t moved = write_process_memory(process(), local, local_count, remote, remote_count);
  if (moved < 0) shown_.store(0, std::memory_order_relaxed);
  return moved;
}

// The folder is that of one process for ever, and empty once it is gone. So if it was opened before the number leads to
// the process with the proof, and tells something afterwards, it is that process's.
int ShmDirectCopy::share(std::uint64_t address, std::uint64_t length, const std::shared_ptr<LostFlag>& lost,
                         SharedView* view) noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d", process());
  const UniqueFd folder(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno == EMFILE || errno == ENFILE ? -EAGAIN : -errno;
  if (const int error = check(); error != 0) return error;
  return open_shared_view(folder.get(), address, length, lost, view);
}

}  // namespace anchor
