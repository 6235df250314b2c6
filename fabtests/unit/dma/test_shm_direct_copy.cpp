// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <climits>
#include <numeric>
#include <vector>

#include "../os/log_capture.h"
#include "dma/shm_direct_copy.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint64_t kSecret[2] = {0x1122334455667788, 0x99aabbccddeeff00};

// Memory at the same address in parent and child, with different contents.
struct Shared {
  std::uint64_t proof[2] = {kSecret[0], kSecret[1]};
  unsigned char bytes[1000] = {};
};
Shared memory;

DirectCopyOffer offer_of(pid_t pid) {
  return {pid, reinterpret_cast<std::uintptr_t>(memory.proof), {kSecret[0], kSecret[1]}};
}

// Fills its memory with `fill`, and at the end says whether the first byte is `expected`.
Child holder(unsigned char fill, unsigned char expected) {
  return Child([=](const Meeting& meeting) {
    std::memset(memory.bytes, fill, sizeof memory.bytes);
    meeting.tell();
    meeting.await();
    return memory.bytes[0] == expected ? 0 : 1;
  });
}

std::unique_ptr<DirectCopy> opened(ShmPlace& place, pid_t pid) {
  std::unique_ptr<DirectCopy> direct;
  return place.device.open_direct_copy(offer_of(pid), &direct) == 0 ? std::move(direct) : nullptr;
}

int open_error(ShmPlace& place, const DirectCopyOffer& offer) {
  std::unique_ptr<DirectCopy> direct;
  return place.device.open_direct_copy(offer, &direct);
}

}  // namespace

Test(shm_direct_copy, moves_memory_both_ways) {
  ShmPlace place;
  Child child = holder(7, 9);
  cr_assert(child.await());
  const auto direct = opened(place, child.pid());
  cr_assert_not_null(direct.get());
  unsigned char local[1000] = {};
  const iovec ours[] = {{local, 10}, {local + 10, 990}};
  const iovec theirs[] = {{memory.bytes, 500}, {memory.bytes + 500, 500}};
  cr_assert_eq(direct->read(ours, 2, theirs, 2), 1000);
  cr_assert_eq(std::accumulate(local, local + 1000, 0), 7000);
  local[0] = 9;
  cr_assert_eq(direct->write(ours, 2, theirs, 2), 1000);
  child.tell();
  cr_assert_eq(child.join(), 0);
}

Test(shm_direct_copy, within_one_process) {
  ShmPlace place;
  const auto direct = opened(place, ::getpid());
  cr_assert_not_null(direct.get());
  char from[] = "text", to[sizeof from] = "";
  const iovec ours{to, sizeof to}, theirs{from, sizeof from};
  cr_assert_eq(direct->read(&ours, 1, &theirs, 1), static_cast<std::ptrdiff_t>(sizeof from));
  cr_assert_str_eq(to, "text");
  // The addresses may be a liar's that repeats our own offer: they must not be touched by ourselves.
  const iovec nowhere{reinterpret_cast<void*>(16), 16};
  cr_assert_eq(direct->read(&ours, 1, &nowhere, 1), -EFAULT);
  cr_assert_eq(direct->write(&ours, 1, &nowhere, 1), -EFAULT);
}

Test(shm_direct_copy, moves_less_than_asked_when_there_are_many_segments) {
  ShmPlace place;
  const auto direct = opened(place, ::getpid());
  std::vector<char> from(5000, 'a'), to(5000, 'b');
  std::vector<iovec> ours, theirs;
  for (std::size_t i = 0; i < from.size(); ++i) {
    ours.push_back({&to[i], 1});
    theirs.push_back({&from[i], 1});
  }
  const auto count = direct->read(ours.data(), ours.size(), theirs.data(), theirs.size());
  cr_assert(count > 0 && count < 5000);
  cr_assert_eq(std::count(to.begin(), to.end(), 'a'), count);
  cr_assert_gt(direct->write(ours.data(), ours.size(), theirs.data(), theirs.size()), 0);
}

Test(shm_direct_copy, can_be_switched_off) {
  ShmSettings settings;
  settings.direct_copy = false;
  ShmPlace place(settings);
  cr_assert_eq(open_error(place, offer_of(::getpid())), -EOPNOTSUPP);
}

Test(shm_direct_copy, wants_the_proof) {
  const LogCapture log;
  ShmPlace place;
  DirectCopyOffer offer = offer_of(::getpid());
  offer.proof[1] ^= 1;
  cr_assert_eq(open_error(place, offer), -ESRCH);
  offer = offer_of(::getpid());
  offer.proof_address = 8;
  cr_assert_eq(open_error(place, offer), -EFAULT);
  cr_assert_eq(log.warnings(), 0, "the slower way is no reason to warn");
  cr_assert_eq(log.lines().size(), 2);
}

Test(shm_direct_copy, wants_a_process_number) {
  ShmPlace place;
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{INT_MAX} + 1, INT64_MIN}) {
    DirectCopyOffer offer = offer_of(::getpid());
    offer.process_id = number;
    cr_assert_eq(open_error(place, offer), -EINVAL);
  }
}

Test(shm_direct_copy, passes_the_kernels_refusal_on) {
  ShmPlace place;
  Child child = holder(1, 1);
  cr_assert(child.await());
  Child stranger([&](const Meeting&) {
    if (::setuid(65534) != 0) return 1;
    return open_error(place, offer_of(child.pid())) == -EPERM ? 0 : 2;
  });
  cr_assert_eq(stranger.join(), 0);
}

// As when the number was given to another process of ours meanwhile: same number, but not the same secret.
Test(shm_direct_copy, a_process_that_no_longer_shows_the_proof_is_not_touched) {
  ShmPlace place;
  Child child([](const Meeting& meeting) {
    meeting.tell();
    meeting.await();
    memory.proof[0] = 0;
    meeting.tell();
    meeting.await();
    return memory.bytes[0];
  });
  cr_assert(child.await());
  const auto direct = opened(place, child.pid());
  child.tell();
  cr_assert(child.await());
  char local[4] = {1, 1, 1, 1};
  const iovec ours{local, 4}, theirs{memory.bytes, 4};
  cr_assert_eq(direct->read(&ours, 1, &theirs, 1), -ESRCH);
  cr_assert_eq(direct->write(&ours, 1, &theirs, 1), -ESRCH);
  child.tell();
  cr_assert_eq(child.join(), 0);
}

Test(shm_direct_copy, a_proof_serves_writes_for_a_moment_only) {
  ShmPlace place;
  Child child([](const Meeting& meeting) {
    meeting.tell();
    meeting.await();
    memory.proof[0] = 0;
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(child.await());
  const auto direct = opened(place, child.pid());
  char local[4] = {1, 1, 1, 1};
  const iovec ours{local, 4}, theirs{memory.bytes, 4};
  cr_assert_eq(direct->write(&ours, 1, &theirs, 1), 4);
  child.tell();
  cr_assert(child.await());
  const auto changed = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - changed <= kProofLifetime) continue;
  cr_assert_eq(direct->write(&ours, 1, &theirs, 1), -ESRCH);
  child.tell();
  cr_assert_eq(child.join(), 0);
}

Test(shm_direct_copy, a_dead_process_is_not_there) {
  ShmPlace place;
  Child child = holder(1, 1);
  cr_assert(child.await());
  const auto direct = opened(place, child.pid());
  child.kill();
  char local[4];
  const iovec ours{local, 4}, theirs{memory.bytes, 4};
  cr_assert_eq(direct->read(&ours, 1, &theirs, 1), -ESRCH);
  cr_assert_eq(direct->write(&ours, 1, &theirs, 1), -ESRCH);
}
