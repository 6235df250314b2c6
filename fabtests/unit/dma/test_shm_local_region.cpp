// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "../os/log_capture.h"
#include "os/unique_fd.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(shm_local_region, has_a_zeroed_header_before_it_has_a_name) {
  ShmPlace place;
  const auto region = place.unpublished("a", 2 * kPageSize);
  cr_assert_not_null(region.get());
  cr_assert(all_zero(region->header(), 2 * kPageSize));
  std::memset(region->header(), 'x', 2 * kPageSize);
  cr_assert_eq(place.scratch.entries(), 0);
  cr_assert_eq(place.attach_error("a"), -ENOENT);
  cr_assert_eq(region->publish(), 0);
  cr_assert_eq(place.scratch.entries(), 1);
}

Test(shm_local_region, is_for_its_user_only_whatever_the_umask) {
  ShmPlace place;
  for (const mode_t mask : {0777, 0000}) {
    ::umask(mask);
    const auto region = place.published("a");
    cr_assert_eq(status_of(place.path("a")).st_mode & 07777, 0600);
  }
}

Test(shm_local_region, takes_its_name_along) {
  ShmPlace place;
  place.published("a").reset();
  cr_assert_eq(place.scratch.entries(), 0);
  cr_assert_not_null(place.published("a").get(), "the name is free again");
}

Test(shm_local_region, does_not_take_a_successors_name_along) {
  ShmPlace place;
  auto first = place.published("a");
  cr_assert_eq(::unlink(place.path("a").c_str()), 0);
  const auto second = place.published("a");
  cr_assert_not_null(second.get());
  first.reset();
  cr_assert_not_null(place.attached("a").get());
}

Test(shm_local_region, a_living_owners_name_is_refused) {
  const LogCapture log;
  ShmPlace place;
  const auto first = place.published("a"), second = place.unpublished("a");
  cr_assert_eq(second->publish(), -EADDRINUSE, "of the same process");
  Child other([&](const Meeting&) { return place.unpublished("a")->publish() == -EADDRINUSE ? 0 : 1; });
  cr_assert_eq(other.join(), 0, "of another process");
  cr_assert_eq(log.warnings(), 0);
}

Test(shm_local_region, a_dead_owners_name_is_taken_over) {
  ShmPlace place;
  place.leave_behind("a");
  cr_assert_eq(place.attach_error("a"), -EOWNERDEAD);
  const auto region = place.published("a");
  cr_assert_not_null(region.get());
  cr_assert_not_null(place.attached("a").get());
}

Test(shm_local_region, another_users_file_of_the_name_is_refused) {
  const LogCapture log;
  ShmPlace place;
  { const UniqueFd file(::open(place.path("a").c_str(), O_RDWR | O_CREAT, 0600)); }
  cr_assert_eq(::chown(place.path("a").c_str(), 65534, 65534), 0,
               "this test needs to give files away (run it as root)");
  const auto region = place.unpublished("a");
  cr_assert_eq(region->publish(), -EACCES);
  cr_assert_eq(log.warnings(), 1);
}

Test(shm_local_region, a_forked_child_neither_owns_nor_removes_it) {
  ShmPlace place;
  auto region = place.published("a");
  Child child([&](const Meeting&) {
    region.reset();
    return 0;
  });
  cr_assert_eq(child.join(), 0);
  const auto peer = place.attached("a");
  cr_assert_not_null(peer.get());
  cr_assert(peer->alive());
  region->header()[0] = std::byte{1};
}

Test(shm_local_region, without_nameless_files_nothing_else_changes) {
  ShmSettings settings;
  settings.nameless_files = false;
  ShmPlace place(settings);
  {
    const auto region = place.unpublished("a"), rival = place.unpublished("a");
    cr_assert_eq(place.scratch.entries(), 2, "each under an unborn name");
    place.device.sweep();
    cr_assert_eq(place.scratch.entries(), 2, "a sweep does not take them for leftovers");
    cr_assert_eq(place.attach_error("a"), -ENOENT);
    cr_assert_eq(region->publish(), 0);
    cr_assert_eq(rival->publish(), -EADDRINUSE);
    cr_assert_eq(status_of(place.path("a")).st_nlink, 1);
    cr_assert_not_null(place.attached("a").get());
  }
  cr_assert_eq(place.scratch.entries(), 0);
}

Test(shm_local_region, an_unborn_file_of_a_killed_owner_is_swept) {
  ShmSettings settings;
  settings.nameless_files = false;
  ShmPlace place(settings);
  Child owner([&](const Meeting& meeting) {
    const auto region = place.unpublished("a");
    meeting.tell();
    sleep_for_ever();
    return 0;
  });
  cr_assert(owner.await());
  owner.kill();
  cr_assert_eq(place.scratch.entries(), 1);
  place.device.sweep();
  cr_assert_eq(place.scratch.entries(), 0);
}

Test(shm_local_region, works_without_proc) {
  enter_own_mounts();
  ShmPlace place;
  mount_memory("/proc", "size=4k");
  {
    const auto region = place.published("a");
    cr_assert_not_null(region.get());
    cr_assert_eq(place.scratch.entries(), 1);
    cr_assert_not_null(place.attached("a").get());
  }
  cr_assert_eq(place.scratch.entries(), 0);
  cr_assert_eq(::umount("/proc"), 0);
}
