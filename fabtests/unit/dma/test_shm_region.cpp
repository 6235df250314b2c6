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

namespace {

constexpr uid_t kSomebodyElse = 65534;

std::string user() { return std::to_string(::geteuid()); }

void make_file(const std::string& path, uid_t owner = ::geteuid()) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
  cr_assert(static_cast<bool>(file));
  cr_assert_eq(::fchown(file.get(), owner, owner), 0, "this test needs to give files away (run it as root)");
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Test(shm_region, names_carry_the_user) {
  cr_assert(region_path("/d", named("rank-1.2_x")) == "/d/anchor-" + user() + "-rank-1.2_x");
}

Test(shm_region, odd_characters_are_harmless) {
  cr_assert(region_path("/d", named("../[::1]:7%")) == "/d/anchor-" + user() + "-..%2F%5B%3A%3A1%5D%3A7%25");
  const std::string longest = region_path("", named(std::string(kNameSize - 1 - kNamePrefix.size(), '/')));
  cr_assert_leq(longest.size(), NAME_MAX);
  cr_assert_eq(longest.find('/', 1), std::string::npos);
}

Test(shm_region, knows_its_own_names) {
  cr_assert(names_own_region("anchor-" + user() + "-x"));
  const std::string unborn = unborn_path("/d", 3);
  cr_assert(names_own_region(unborn.substr(3)));
  cr_assert_neq(unborn, unborn_path("/d", 4));
  cr_assert_not(names_own_region("anchor-" + user() + "1-x"));
  cr_assert_not(names_own_region("anchor-" + user()));
  cr_assert_not(names_own_region("..anchor-" + user() + "-x"));
  cr_assert_not(names_own_region("something"));
  cr_assert_not(names_own_region(""));
}

Test(shm_region, a_dead_owners_name_is_taken_away) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("f");
  make_file(path);
  cr_assert_eq(remove_if_dead(path.c_str()), 0);
  cr_assert_not(exists(path));
  cr_assert_eq(remove_if_dead(path.c_str()), 0, "nothing there is as good");
}

Test(shm_region, a_living_owners_name_stays) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("f");
  make_file(path);
  UniqueFd owner(::open(path.c_str(), O_RDWR));
  cr_assert_eq(try_lock_byte(owner.get(), kLivenessByte), 0);
  cr_assert_eq(remove_if_dead(path.c_str()), -EADDRINUSE);
  cr_assert(exists(path));
  owner.reset();
  cr_assert_eq(remove_if_dead(path.c_str()), 0);
}

Test(shm_region, only_one_removes_at_a_time) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("f");
  make_file(path);
  const UniqueFd other(::open(path.c_str(), O_RDWR));
  cr_assert_eq(try_lock_byte(other.get(), kRemovalByte), 0);
  cr_assert_eq(remove_if_dead(path.c_str()), -EAGAIN);
  cr_assert(exists(path));
}

Test(shm_region, another_users_file_is_left_alone) {
  const LogCapture log;
  const ScratchDirectory scratch;
  const std::string path = scratch.file("f");
  make_file(path, kSomebodyElse);
  cr_assert_eq(remove_if_dead(path.c_str()), -EACCES);
  cr_assert(exists(path));
  cr_assert_eq(log.warnings(), 1);
  cr_assert(log.warned_of(path));
}

// As a user who may not even open it.
Test(shm_region, another_users_closed_file_is_left_alone) {
  const LogCapture log;
  const ScratchDirectory scratch;
  const std::string path = scratch.file("f");
  make_file(path);
  cr_assert_eq(::chmod(scratch.path().c_str(), 0777), 0);
  cr_assert_eq(::seteuid(kSomebodyElse), 0, "this test needs to become another user (run it as root)");
  cr_assert_eq(remove_if_dead(path.c_str()), -EACCES);
  cr_assert_eq(::seteuid(0), 0);
  cr_assert_eq(log.warnings(), 1);
}

Test(shm_region, what_is_no_regular_file_is_left_alone) {
  const LogCapture log;
  const ScratchDirectory scratch;
  make_file(scratch.file("target"));
  cr_assert_eq(::symlink("target", scratch.file("link").c_str()), 0);
  cr_assert_eq(::mkfifo(scratch.file("pipe").c_str(), 0600), 0);
  cr_assert_eq(::mkdir(scratch.file("directory").c_str(), 0700), 0);
  for (const char* name : {"link", "pipe", "directory"}) {
    cr_assert_eq(remove_if_dead(scratch.file(name).c_str()), -EACCES, "%s", name);
  }
  cr_assert_eq(scratch.entries(), 4);
  cr_assert_eq(log.warnings(), 3);
}

Test(shm_region, a_sweep_takes_what_is_dead_and_ours) {
  const LogCapture log;
  const ScratchDirectory scratch;
  const std::string prefix = scratch.file("anchor-" + user() + "-");
  make_file(prefix + "dead");
  make_file(unborn_path(scratch.path(), 1));
  make_file(prefix + "alive");
  make_file(prefix + "foreign", kSomebodyElse);
  make_file(scratch.file("anchor-12345-x"));
  make_file(scratch.file("else"));
  const UniqueFd owner(::open((prefix + "alive").c_str(), O_RDWR));
  cr_assert_eq(try_lock_byte(owner.get(), kLivenessByte), 0);
  remove_all_dead(scratch.path());
  cr_assert_eq(scratch.entries(), 4);
  cr_assert_not(exists(prefix + "dead"));
  cr_assert_eq(log.warnings(), 0, "other users' files are no reason to warn each time");
}

Test(shm_region, a_sweep_of_nowhere_warns) {
  const LogCapture log;
  remove_all_dead("/nowhere/at/all");
  cr_assert_eq(log.warnings(), 1);
}
