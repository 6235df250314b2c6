// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "../os/log_capture.h"
#include "os/file_lock.h"
#include "os/unique_fd.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(shm_remote_region, is_shared_with_its_owner) {
  ShmPlace place;
  const auto region = place.published("a");
  std::uint64_t offset = 0;
  std::byte* block = nullptr;
  cr_assert_eq(region->allocate(2 * kPageSize, &offset, &block), 0);
  const auto peer = place.attached("a");
  Mapping mapping;
  cr_assert_eq(peer->map(offset, 2 * kPageSize, &mapping), 0);
  cr_assert_eq(mapping.size(), 2 * kPageSize);
  block[4097] = std::byte{5};
  cr_assert(mapping.data()[4097] == std::byte{5});
  mapping.data()[1] = std::byte{6};
  cr_assert(block[1] == std::byte{6});
}

Test(shm_remote_region, of_nobody_is_not_there) {
  ShmPlace place;
  cr_assert_eq(place.attach_error("a"), -ENOENT);
  std::unique_ptr<RemoteRegion> region;
  cr_assert_eq(place.device.attach(EndpointName::from("nonsense"), &region), -EINVAL);
}

Test(shm_remote_region, of_a_killed_owner_is_not_there) {
  ShmPlace place;
  place.leave_behind("a");
  cr_assert_eq(place.attach_error("a"), -EOWNERDEAD);
}

// Whoever clears up holds a lock too; it must not pass for life.
Test(shm_remote_region, of_a_killed_owner_is_not_there_while_it_is_removed) {
  ShmPlace place;
  place.leave_behind("a");
  const UniqueFd remover(::open(place.path("a").c_str(), O_RDWR));
  cr_assert_eq(try_lock_byte(remover.get(), kRemovalByte), 0);
  cr_assert_eq(place.attach_error("a"), -EOWNERDEAD);
}

Test(shm_remote_region, of_another_user_is_refused) {
  const LogCapture log;
  ShmPlace place;
  const auto region = place.published("a");
  cr_assert_eq(::chown(place.path("a").c_str(), 65534, 65534), 0,
               "this test needs to give files away (run it as root)");
  cr_assert_eq(place.attach_error("a"), -EACCES);
  cr_assert_eq(log.warnings(), 1);
}

Test(shm_remote_region, open_to_others_is_refused) {
  const LogCapture log;
  ShmPlace place;
  const auto region = place.published("a");
  cr_assert_eq(::chmod(place.path("a").c_str(), 0620), 0);
  cr_assert_eq(place.attach_error("a"), -EACCES);
  cr_assert_eq(log.warnings(), 1);
}

Test(shm_remote_region, behind_a_symbolic_link_is_refused) {
  ShmPlace place;
  const auto region = place.published("a");
  cr_assert_eq(::symlink(place.path("a").c_str(), place.path("b").c_str()), 0);
  cr_assert_eq(place.attach_error("b"), -EACCES);
}

Test(shm_remote_region, too_short_for_a_header_is_not_there) {
  ShmPlace place;
  const auto region = place.published("a");
  cr_assert_eq(::truncate(place.path("a").c_str(), kPageSize - 1), 0);
  cr_assert_eq(place.attach_error("a"), -ENOENT);
}

Test(shm_remote_region, maps_nothing_outside) {
  const LogCapture log;
  ShmPlace place;
  const auto region = place.published("a");
  const auto peer = place.attached("a");
  struct stat status {};
  cr_assert_eq(::stat(place.path("a").c_str(), &status), 0);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::pair<std::uint64_t, std::size_t> outside[] = {
      {0, 0},
      {0, 100},
      {100, kPageSize},
      {0, size + kPageSize},
      {size, kPageSize},
      {size, 0},
      {UINT64_MAX - kPageSize + 1, kPageSize},
      {kPageSize, SIZE_MAX - kPageSize + 1},
      {UINT64_MAX - kPageSize + 1, 2 * kPageSize},
  };
  for (const auto& [offset, bytes] : outside) {
    Mapping mapping;
    cr_assert_eq(peer->map(offset, bytes, &mapping), -EPROTO);
    cr_assert_not(static_cast<bool>(mapping));
  }
  cr_assert_eq(log.warnings(), std::size(outside));
  Mapping mapping;
  cr_assert_eq(peer->map(0, size, &mapping), 0);
}

Test(shm_remote_region, a_contact_has_one_user) {
  ShmPlace place;
  const auto region = place.published("a");
  const auto first = place.attached("a"), second = place.attached("a");
  cr_assert_eq(first->claim_contact(3), 0);
  cr_assert_eq(second->claim_contact(3), -EBUSY);
  cr_assert_eq(second->claim_contact(4), 0);
  second->release_contact();
  first->release_contact();
  cr_assert_eq(second->claim_contact(3), 0);
}

// A mapping keeps the open file that it was made from, and with it that file's locks, beyond any close().
Test(shm_remote_region, a_released_contact_is_not_kept_by_a_mapping) {
  ShmPlace place;
  const auto region = place.published("a");
  const auto first = place.attached("a"), second = place.attached("a");
  Mapping mapping;
  cr_assert_eq(first->claim_contact(0), 0);
  cr_assert_eq(first->map(0, kPageSize, &mapping), 0);
  first->release_contact();
  cr_assert_eq(second->claim_contact(0), 0);
}

Test(shm_remote_region, a_contact_is_freed_by_its_users_death_and_not_kept_by_a_child) {
  ShmPlace place;
  const auto region = place.published("a");
  Child user([&](const Meeting& meeting) {
    const auto peer = place.attached("a");
    Mapping mapping;
    if (peer->claim_contact(0) != 0 || peer->map(0, kPageSize, &mapping) != 0) return 1;
    if (::fork() == 0) {
      meeting.tell();
      meeting.await();
      ::_exit(0);
    }
    sleep_for_ever();
    return 0;
  });
  cr_assert(user.await());
  const auto peer = place.attached("a");
  cr_assert_eq(peer->claim_contact(0), -EBUSY);
  user.kill();
  cr_assert_eq(peer->claim_contact(0), 0);
  user.tell();
}

Test(shm_remote_region, tells_whose_process_it_is) {
  ShmPlace place;
  const auto ours = place.published("a");
  cr_assert(place.attached("a")->of_this_process());
  Child owner = place.owner_elsewhere("b");
  cr_assert(owner.await());
  cr_assert_not(place.attached("b")->of_this_process());
}
