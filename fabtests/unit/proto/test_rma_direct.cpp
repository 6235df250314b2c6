// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "os/gather.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// Moves a few bytes at a time, as the kernel may.
class Sparing final : public DirectCopy {
 public:
  explicit Sparing(std::ptrdiff_t last = 0) : last_(last) {}
  std::ptrdiff_t read(const iovec* local, std::size_t local_count, const iovec* remote,
                      std::size_t remote_count) noexcept override {
    return move(remote, remote_count, local, local_count);
  }
  std::ptrdiff_t write(const iovec* local, std::size_t local_count, const iovec* remote,
                       std::size_t remote_count) noexcept override {
    return move(local, local_count, remote, remote_count);
  }

 private:
  std::ptrdiff_t move(const iovec* from, std::size_t, const iovec* to, std::size_t to_count) noexcept {
    if (last_ != 0 && ++calls_ > 3) return last_;
    std::size_t first = 0;
    while (from[first].iov_len == 0) ++first;
    const std::size_t bytes = std::min<std::size_t>(from[first].iov_len, 7);
    return static_cast<std::ptrdiff_t>(scatter(to, to_count, 0, from[first].iov_base, bytes));
  }

  const std::ptrdiff_t last_;
  int calls_ = 0;
};

struct Copied {
  explicit Copied(std::ptrdiff_t last = 0) { peer.direct = std::make_unique<Sparing>(last); }
  int move(WorkType type) {
    const iovec ours[] = {{mine, 10}, {mine + 10, 0}, {mine + 10, 90}};
    RemoteWork work{};
    work.base.type = type;
    work.base.segments = ours;
    work.base.segment_count = 3;
    work.base.length = 100;
    CheckedTargets targets;
    targets.count = 2;
    targets.list[0] = {theirs, 33};
    targets.list[1] = {theirs + 33, 67};
    return move_directly(peer, work, targets);
  }

  Place place;
  Node node{place.device, "a"};
  Peer peer;
  unsigned char mine[100] = {}, theirs[100] = {};
};

}  // namespace

Test(rma_direct, parts_become_a_whole) {
  Copied copied;
  for (unsigned char i = 0; i < 100; ++i) copied.mine[i] = i;
  cr_assert_eq(copied.move(WorkType::kWrite), 0);
  cr_assert_eq(std::memcmp(copied.mine, copied.theirs, 100), 0);
  for (unsigned char i = 0; i < 100; ++i) copied.theirs[i] = static_cast<unsigned char>(i + 100);
  cr_assert_eq(copied.move(WorkType::kRead), 0);
  cr_assert_eq(std::memcmp(copied.mine, copied.theirs, 100), 0);
}

Test(rma_direct, what_cannot_be_reached_is_told_from_what_is_out_of_reach) {
  cr_assert_eq(Copied(-EFAULT).move(WorkType::kWrite), -EFAULT);
  cr_assert_eq(Copied(-ESRCH).move(WorkType::kRead), -ESRCH);
  for (const std::ptrdiff_t refusal : {-EPERM, -EACCES, -ENOSYS}) {
    Copied copied(refusal);
    cr_assert_eq(copied.move(WorkType::kRead), -EAGAIN);
    cr_assert_null(copied.peer.direct.get());
  }
}
