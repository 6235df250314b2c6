// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "child_process.h"
#include "os/file_lock.h"
#include "os/mapped_file.h"
#include "scratch_directory.h"
#include "shared_file.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// What open_mapped_file() is given of a file that this process has mapped.
struct Mapped {
  explicit Mapped(UniqueFd from, int protection = PROT_READ | PROT_WRITE) : file(std::move(from)) {
    pages.put(0, 1, file, 0, protection);
    look();
  }
  void look() { cr_assert_eq(find_shared_span(folder.get(), pages.address(0), kFilePage, &span), 0); }
  int open() { return open_mapped_file(folder.get(), span, &opened, &writable); }

  UniqueFd file;
  Pages pages{1};
  UniqueFd folder = own_folder();
  SharedSpan span;
  UniqueFd opened;
  bool writable = false;
};

bool is_same(const Mapped& mapped, const FileIdentity& file) {
  return mapped.opened && identity_of(mapped.opened) == file;
}

}  // namespace

Test(mapped_file, a_file_is_opened_by_its_name) {
  const ScratchDirectory scratch;
  Mapped mapped(named_file(scratch.file("named").c_str(), 1));
  const FileIdentity file = identity_of(mapped.file);
  mapped.file.reset();
  cr_assert_eq(mapped.open(), 0);
  cr_assert(is_same(mapped, file));
  cr_assert(mapped.writable);
}

Test(mapped_file, one_without_a_name_through_a_descriptor) {
  Mapped mapped(nameless_file(1));
  cr_assert_eq(mapped.open(), 0);
  cr_assert(is_same(mapped, identity_of(mapped.file)));
  cr_assert(mapped.writable);
}

Test(mapped_file, one_that_lost_its_name_likewise) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("named");
  Mapped mapped(named_file(path.c_str(), 1));
  const FileIdentity file = identity_of(mapped.file);
  cr_assert_eq(::unlink(path.c_str()), 0);
  const UniqueFd another = named_file(path.c_str(), 1);
  mapped.look();
  cr_assert_eq(mapped.open(), 0);
  cr_assert(is_same(mapped, file));
}

Test(mapped_file, without_name_and_descriptor_only_the_privileged_get_it) {
  Mapped mapped(nameless_file(1));
  const FileIdentity file = identity_of(mapped.file);
  mapped.file.reset();
  const int error = mapped.open();
  cr_assert(error == -ENOENT || (error == 0 && is_same(mapped, file)));
}

Test(mapped_file, what_stands_in_its_place_is_not_opened) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("named"), other = scratch.file("other");
  Mapped mapped(named_file(path.c_str(), 1));
  mapped.span.start = mapped.span.end = 0;  // nor through the mapping
  cr_assert_eq(::rename(path.c_str(), other.c_str()), 0);
  mapped.file.reset();
  cr_assert_eq(mapped.open(), -ENOENT);
  cr_assert_eq(::symlink(other.c_str(), path.c_str()), 0);
  cr_assert_eq(mapped.open(), -ENOENT, "no links are followed");
  cr_assert_eq(::unlink(path.c_str()), 0);
  cr_assert_eq(::mkfifo(path.c_str(), 0600), 0);
  cr_assert_eq(mapped.open(), -ENOENT, "and nobody waits for who else opens it");
  cr_assert_not(mapped.opened);
}

Test(mapped_file, what_its_process_may_only_read_is_opened_for_reading) {
  Mapped mapped(nameless_file(1), PROT_READ);
  cr_assert_eq(mapped.open(), 0);
  cr_assert_not(mapped.writable);
  cr_assert_eq(::fcntl(mapped.opened.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

Test(mapped_file, record_locks_are_not_given_up_for_it) {
  const ScratchDirectory scratch;
  Mapped mapped(named_file(scratch.file("named").c_str(), 1));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_len = 10;
  cr_assert_eq(::fcntl(mapped.file.get(), F_SETLK, &lock), 0);
  cr_assert_eq(mapped.open(), -EBUSY);
  cr_assert(holds_record_locks(identity_of(mapped.file)));
}

Test(mapped_file, no_file_system_that_may_keep_us_waiting) {
  Mapped mapped(nameless_file(1));
  // Of those there is none at hand but /proc, whose files cannot be mapped: a file is claimed to be one of them.
  const UniqueFd strange(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  mapped.span.file = identity_of(strange);
  std::strcpy(mapped.span.path, ("/proc/" + std::to_string(::getpid()) + "/status").c_str());
  cr_assert_eq(mapped.open(), -EOPNOTSUPP);
}

Test(mapped_file, no_descriptor_is_left_behind) {
  Mapped mapped(nameless_file(1));
  const std::size_t before = open_descriptors();
  cr_assert_eq(mapped.open(), 0);
  mapped.opened.reset();
  mapped.span.file.inode += 1'000'000;
  cr_assert_eq(mapped.open(), -ENOENT);
  cr_assert_eq(open_descriptors(), before);
}
