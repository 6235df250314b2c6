// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "child_process.h"
#include "os/hangup_watch.h"
#include "os/unique_fd.h"
#include "scratch_directory.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Watched {
  Watched() : path(scratch.path() + "/pipe") {
    cr_assert_eq(::mkfifo(path.c_str(), 0600), 0);
    owner = open(O_RDWR);
    writer = open(O_WRONLY);
    cr_assert_eq(open_hangup_watch(&watch), 0);
    cr_assert_eq(watch_hangup(watch.get(), writer.get(), 5), 0);
  }
  UniqueFd open(int flags) const {
    UniqueFd end(::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC));
    cr_assert(end);
    return end;
  }
  bool readable() const {
    pollfd wanted{watch.get(), POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1;
  }
  bool told() {
    std::uint64_t key = 0;
    const std::size_t count = take_hangups(watch.get(), &key, 1);
    return count == 1 && key == 5;
  }

  ScratchDirectory scratch;
  std::string path;
  UniqueFd owner, writer;
  ProcessFd watch;
};

}  // namespace

Test(hangup_watch, what_goes_through_the_pipe_is_not_told) {
  Watched pipe;
  char bytes[4096] = {};
  while (::write(pipe.writer.get(), bytes, sizeof bytes) > 0) {
  }
  while (::read(pipe.owner.get(), bytes, sizeof bytes) > 0) {
  }
  pipe.open(O_WRONLY).reset();
  pipe.open(O_RDONLY).reset();
  cr_assert_not(pipe.readable());
  cr_assert_not(pipe.told());
}

Test(hangup_watch, tells_once_of_a_pipe_that_lost_its_reader) {
  Watched pipe;
  pipe.owner.reset();
  cr_assert(pipe.readable());
  cr_assert(pipe.told());
  cr_assert_not(pipe.readable());
  cr_assert_not(pipe.told());
}

Test(hangup_watch, tells_again_when_another_reader_has_come_and_gone) {
  Watched pipe;
  pipe.owner.reset();
  cr_assert(pipe.told());
  pipe.open(O_RDONLY).reset();
  cr_assert(pipe.told());
}

Test(hangup_watch, tells_of_an_owner_that_is_killed) {
  Watched pipe;
  Child owner([&](const Meeting& meeting) { return meeting.tell(), meeting.await(), 0; });
  cr_assert(owner.await());
  pipe.owner.reset();
  cr_assert_not(pipe.readable(), "the child has it still");
  owner.kill();
  cr_assert(pipe.told());
}

Test(hangup_watch, tells_of_what_was_so_before) {
  Watched pipe;
  UniqueFd second = pipe.open(O_WRONLY);
  pipe.owner.reset();
  cr_assert(pipe.told());
  cr_assert_eq(watch_hangup(pipe.watch.get(), second.get(), 5), 0);
  cr_assert(pipe.told());
}

Test(hangup_watch, says_nothing_of_pipes_that_were_closed_here) {
  Watched pipe;
  pipe.writer.reset();
  pipe.owner.reset();
  cr_assert_not(pipe.readable());
}

Test(hangup_watch, many_at_once_are_told_some_at_a_time) {
  constexpr std::uint64_t kWriters = kHangupsAtOnce;
  Watched pipe;
  std::vector<UniqueFd> writers;
  for (std::uint64_t key = 0; key < kWriters; ++key) {
    writers.push_back(pipe.open(O_WRONLY));
    cr_assert_eq(watch_hangup(pipe.watch.get(), writers.back().get(), 1000 + key), 0);
  }
  pipe.owner.reset();
  std::uint64_t keys[kWriters + 1];
  cr_assert_eq(take_hangups(pipe.watch.get(), keys, 10), 10u);
  cr_assert(pipe.readable());
  cr_assert_eq(take_hangups(pipe.watch.get(), keys, kWriters + 1), kWriters + 1 - 10);
  cr_assert_not(pipe.readable());
}

Test(hangup_watch, a_forked_child_has_none) {
  Watched pipe;
  Child child([&](const Meeting&) { return pipe.watch.get() == -1 ? 0 : 1; });
  cr_assert_eq(child.join(), 0);
}

Test(hangup_watch, refuses_what_it_cannot_watch) {
  Watched pipe;
  cr_assert_eq(watch_hangup(pipe.watch.get(), -1, 1), -EBADF);
  cr_assert_eq(watch_hangup(-1, pipe.writer.get(), 1), -EBADF);
}
