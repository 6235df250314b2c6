// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>

#include <cerrno>

#include "child_process.h"
#include "os/file_lock.h"
#include "os/unique_fd.h"
#include "scratch_directory.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint64_t kFar = std::uint64_t{1} << 40;

UniqueFd open_again(const ScratchDirectory& scratch) {
  return UniqueFd(::open(scratch.file("f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

}  // namespace

Test(file_lock, is_held_against_a_second_open_of_the_same_process) {
  const ScratchDirectory scratch;
  const UniqueFd first = open_again(scratch), second = open_again(scratch);
  cr_assert_eq(byte_locked(second.get(), kFar), 0);
  cr_assert_eq(try_lock_byte(first.get(), kFar), 0);
  cr_assert_eq(byte_locked(second.get(), kFar), 1);
  cr_assert_eq(byte_locked(first.get(), kFar), 0, "not locked by anybody else");
  cr_assert_eq(try_lock_byte(second.get(), kFar), -EAGAIN);
  cr_assert_eq(try_lock_byte(first.get(), kFar), 0, "taking it twice is harmless");
}

Test(file_lock, bytes_are_apart) {
  const ScratchDirectory scratch;
  const UniqueFd first = open_again(scratch), second = open_again(scratch);
  cr_assert_eq(try_lock_byte(first.get(), kFar), 0);
  cr_assert_eq(try_lock_byte(second.get(), kFar + 1), 0);
  cr_assert_eq(byte_locked(second.get(), kFar - 1), 0);
}

Test(file_lock, is_given_back) {
  const ScratchDirectory scratch;
  const UniqueFd first = open_again(scratch), second = open_again(scratch);
  cr_assert_eq(try_lock_byte(first.get(), kFar), 0);
  cr_assert_eq(unlock_byte(first.get(), kFar), 0);
  cr_assert_eq(try_lock_byte(second.get(), kFar), 0);
}

Test(file_lock, outlives_the_closing_of_another_descriptor) {
  const ScratchDirectory scratch;
  const UniqueFd first = open_again(scratch), third = open_again(scratch);
  cr_assert_eq(try_lock_byte(first.get(), kFar), 0);
  { const UniqueFd second = open_again(scratch); }
  cr_assert_eq(byte_locked(third.get(), kFar), 1);
}

Test(file_lock, ends_with_its_holder) {
  const ScratchDirectory scratch;
  Child child([&](const Meeting& meeting) {
    const UniqueFd file = open_again(scratch);
    if (try_lock_byte(file.get(), kFar) != 0) return 1;
    meeting.tell();
    sleep_for_ever();
  });
  cr_assert(child.await());
  const UniqueFd file = open_again(scratch);
  cr_assert_eq(byte_locked(file.get(), kFar), 1);
  child.kill();
  cr_assert_eq(byte_locked(file.get(), kFar), 0);
}

Test(file_lock, reports_a_bad_descriptor) {
  cr_assert_eq(try_lock_byte(-1, 0), -EBADF);
  cr_assert_eq(unlock_byte(-1, 0), -EBADF);
  cr_assert_eq(byte_locked(-1, 0), -EBADF);
}

Test(file_lock, record_locks_of_this_process_are_known) {
  const ScratchDirectory scratch;
  const UniqueFd file(::open(scratch.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  struct stat status {};
  cr_assert_eq(::fstat(file.get(), &status), 0);
  const FileIdentity identity = identity_of(status);
  cr_assert_not(holds_record_locks(identity));
  cr_assert_eq(try_lock_byte(file.get(), 5), 0);
  cr_assert_not(holds_record_locks(identity), "a lock of the other kind is not lost");
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_len = 1;
  cr_assert_eq(::fcntl(file.get(), F_SETLK, &lock), 0);
  cr_assert(holds_record_locks(identity));
  Child other([&](const Meeting&) { return holds_record_locks(identity); });
  cr_assert_eq(other.join(), 0, "they are another process's");
}
