// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "child_process.h"
#include "os/file_lock.h"
#include "os/process_fd.h"
#include "os/unique_fd.h"
#include "scratch_directory.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr int kCreate = O_RDWR | O_CREAT;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

}  // namespace

Test(process_fd, opens_close_on_exec_and_closes) {
  const ScratchDirectory scratch;
  int number = -1;
  {
    ProcessFd file;
    cr_assert_not(static_cast<bool>(file));
    cr_assert_eq(file.open(scratch.file("f").c_str(), kCreate, 0600), 0);
    number = file.get();
    cr_assert(::fcntl(number, F_GETFD) & FD_CLOEXEC);
  }
  cr_assert_not(is_open(number));
}

Test(process_fd, adopts_what_is_open) {
  const ScratchDirectory scratch;
  const std::size_t before = open_descriptors();
  {
    ProcessFd file;
    cr_assert_eq(file.adopt(::open(scratch.file("f").c_str(), kCreate | O_CLOEXEC, 0600)), 0);
    const int number = file.get();
    cr_assert(is_open(number));
    Child child([&file, number](const Meeting&) { return file.get() == -1 && !is_open(number) ? 0 : 1; });
    cr_assert_eq(child.join(), 0);
  }
  cr_assert_eq(open_descriptors(), before);
}

Test(process_fd, says_why_it_cannot_open) {
  ProcessFd file;
  cr_assert_eq(file.open("/nowhere/at/all", O_RDONLY), -ENOENT);
  cr_assert_eq(file.get(), -1);
}

Test(process_fd, opening_again_closes_the_first) {
  const ScratchDirectory scratch;
  const std::size_t before = open_descriptors();
  ProcessFd file;
  for (int i = 0; i < 5; ++i) cr_assert_eq(file.open(scratch.file("f").c_str(), kCreate, 0600), 0);
  cr_assert_eq(open_descriptors(), before + 1);
}

Test(process_fd, any_order_of_closing_leaves_the_list_whole) {
  const ScratchDirectory scratch;
  const std::size_t before = open_descriptors();
  std::vector<std::unique_ptr<ProcessFd>> files;
  for (int i = 0; i < 6; ++i) {
    files.push_back(std::make_unique<ProcessFd>());
    cr_assert_eq(files.back()->open(scratch.file("f").c_str(), kCreate, 0600), 0);
  }
  for (const int gone : {2, 0, 5, 3}) files[gone]->reset();
  const int survivors[] = {files[1]->get(), files[4]->get()};
  const auto look_from_a_child = [&](const Meeting&) {
    const bool closed = !is_open(survivors[0]) && !is_open(survivors[1]);
    const bool forgotten = files[1]->get() == -1 && files[4]->get() == -1;
    files.clear();
    return closed && forgotten ? 0 : 1;
  };
  cr_assert_eq(Child(look_from_a_child).join(), 0);
  cr_assert(is_open(survivors[0]) && is_open(survivors[1]), "the parent keeps its own");
  files.clear();
  cr_assert_eq(open_descriptors(), before);
}

Test(process_fd, a_child_does_not_close_what_took_the_number) {
  const ScratchDirectory scratch;
  ProcessFd file;
  cr_assert_eq(file.open(scratch.file("f").c_str(), kCreate, 0600), 0);
  const int number = file.get();
  Child child([&](const Meeting&) {
    if (::dup2(0, number) != number) return 1;
    file.reset();
    return is_open(number) ? 0 : 2;
  });
  cr_assert_eq(child.join(), 0);
}

Test(process_fd, a_sleeping_grandchild_does_not_hold_its_dead_parents_lock) {
  const ScratchDirectory scratch;
  Child parent([&](const Meeting& meeting) {
    ProcessFd file;
    if (file.open(scratch.file("f").c_str(), kCreate, 0600) != 0 || try_lock_byte(file.get(), 7) != 0) return 1;
    if (::fork() == 0) {
      meeting.tell();
      meeting.await();  // until the test has looked
      ::_exit(0);
    }
    sleep_for_ever();
  });
  cr_assert(parent.await());
  const UniqueFd looking(::open(scratch.file("f").c_str(), O_RDWR));
  cr_assert_eq(byte_locked(looking.get(), 7), 1);
  cr_assert_eq(parent.kill(), -SIGKILL);
  cr_assert_eq(byte_locked(looking.get(), 7), 0);
  parent.tell();
}

// Children forked at any moment must find none of the descriptors that another thread opens and closes.
Test(process_fd, no_fork_falls_between_opening_and_listing) {
  const ScratchDirectory scratch;
  const std::string path = scratch.file("f");
  std::atomic<bool> stop{false};
  std::thread opener([&] {
    while (!stop) {
      ProcessFd file;
      if (file.open(path.c_str(), kCreate, 0600) != 0) std::abort();
    }
  });
  const int lowest = ::dup(0);
  ::close(lowest);
  int inherited = 0;
  for (int i = 0; i < 300; ++i) {
    Child child([&](const Meeting&) {
      char link[256];
      for (int fd = 3; fd < lowest + 8; ++fd) {
        const std::string name = "/proc/self/fd/" + std::to_string(fd);
        const ssize_t length = ::readlink(name.c_str(), link, sizeof link);
        if (length > 0 && path == std::string(link, static_cast<std::size_t>(length))) return 1;
      }
      return 0;
    });
    inherited += child.join();
  }
  stop = true;
  opener.join();
  cr_assert_eq(inherited, 0);
}

Test(process_fd, knows_files_of_its_own_process) {
  ScratchDirectory scratch;
  const std::string path = scratch.file("file");
  const FileIdentity other{1, 2};
  ProcessFd file;
  cr_assert_eq(file.open(path.c_str(), kCreate, 0600), 0);
  struct stat status {};
  cr_assert_eq(::fstat(file.get(), &status), 0);
  const FileIdentity identity = identity_of(status);
  cr_assert_not(ProcessFd::is_own(identity));
  file.mark_own(identity);
  cr_assert(ProcessFd::is_own(identity));
  cr_assert_not(ProcessFd::is_own(other));
  Child child([&](const Meeting&) { return ProcessFd::is_own(identity) ? 1 : 0; });
  cr_assert_eq(child.join(), 0, "a child has not made it");
  file.reset();
  cr_assert_not(ProcessFd::is_own(identity));
}
