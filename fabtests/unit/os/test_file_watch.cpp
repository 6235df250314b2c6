// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "child_process.h"
#include "os/file_watch.h"
#include "os/unique_fd.h"
#include "scratch_directory.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Watched {
  Watched() : path(scratch.path() + "/file"), owner(::open(path.c_str(), O_CREAT | O_RDWR, 0600)) {
    cr_assert(owner);
    cr_assert_eq(open_file_watch(&watch), 0);
    cr_assert_eq(watch_file(watch.get(), path.c_str()), 0);
  }
  bool told() { return drain_file_watch(watch.get()); }

  ScratchDirectory scratch;
  std::string path;
  UniqueFd owner;
  ProcessFd watch;
};

}  // namespace

Test(file_watch, a_watched_file_that_nobody_leaves_is_silent) {
  Watched file;
  UniqueFd reader(::open(file.path.c_str(), O_RDONLY));
  reader.reset();
  cr_assert_eq(::pwrite(file.owner.get(), "", 0, 0), 0);
  cr_assert_not(file.told());
}

Test(file_watch, tells_of_an_owner_that_closes_and_does_so_once) {
  Watched file;
  file.owner.reset();
  pollfd wanted{file.watch.get(), POLLIN, 0};
  cr_assert_eq(::poll(&wanted, 1, 0), 1);
  cr_assert(file.told());
  cr_assert_not(file.told());
  cr_assert_eq(::poll(&wanted, 1, 0), 0);
}

Test(file_watch, tells_of_an_owner_that_is_killed) {
  Watched file;
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  file.owner.reset();
  cr_assert_not(file.told(), "the child has it still");
  ::kill(child, SIGKILL);
  cr_assert_eq(::waitpid(child, nullptr, 0), child);
  cr_assert(file.told());
}

Test(file_watch, tells_of_a_file_that_is_cut_renamed_or_removed) {
  Watched file;
  cr_assert_eq(::ftruncate(file.owner.get(), 10), 0);
  cr_assert(file.told());
  const std::string elsewhere = file.path + "-else";
  cr_assert_eq(::rename(file.path.c_str(), elsewhere.c_str()), 0);
  cr_assert(file.told());
  cr_assert_eq(::unlink(elsewhere.c_str()), 0);
  cr_assert(file.told());
}

Test(file_watch, a_forked_child_has_none) {
  Watched file;
  Child child([&](const Meeting&) { return file.watch.get() == -1 ? 0 : 1; });
  cr_assert_eq(child.join(), 0);
}

Test(file_watch, may_be_asked_twice_but_not_for_what_is_not_there) {
  Watched file;
  cr_assert_eq(watch_file(file.watch.get(), file.path.c_str()), 0);
  cr_assert_eq(watch_file(file.watch.get(), (file.path + "-not").c_str()), -ENOENT);
  cr_assert_eq(watch_file(-1, file.path.c_str()), -EBADF);
}
