// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <cerrno>
#include <csignal>

#include "os/shared_memory.h"
#include "os/unique_fd.h"
#include "scratch_directory.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

UniqueFd nameless(const ScratchDirectory& scratch) {
  return UniqueFd(::open(scratch.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

struct stat status_of(int fd) {
  struct stat status {};
  cr_assert_eq(::fstat(fd, &status), 0);
  return status;
}

}  // namespace

Test(shared_memory, reserves_and_extends) {
  const ScratchDirectory scratch;
  const UniqueFd file = nameless(scratch);
  cr_assert_eq(reserve_file(file.get(), 0, 8192), 0);
  cr_assert_eq(reserve_file(file.get(), 8192, 4096), 0);
  cr_assert_eq(status_of(file.get()).st_size, 12288);
  cr_assert_geq(status_of(file.get()).st_blocks * 512, 12288);
}

Test(shared_memory, refuses_what_does_not_fit_a_file) {
  const ScratchDirectory scratch;
  const UniqueFd file = nameless(scratch);
  cr_assert_eq(reserve_file(file.get(), UINT64_MAX - 10, 100), -EFBIG);
  cr_assert_eq(reserve_file(file.get(), 0, UINT64_MAX / 2 + 100), -EFBIG);
  cr_assert_eq(reserve_file(file.get(), 0, std::uint64_t{1} << 60), -ENOSPC);
  cr_assert_eq(status_of(file.get()).st_size, 0);
}

// SIGXFSZ would end this process.
Test(shared_memory, a_file_size_limit_is_an_error_and_no_signal) {
  const ScratchDirectory scratch;
  const UniqueFd file = nameless(scratch);
  const rlimit limit{8192, 8192};
  cr_assert_eq(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  cr_assert_eq(reserve_file(file.get(), 0, 8192), 0);
  cr_assert_eq(reserve_file(file.get(), 8192, 1), -EFBIG);
}

Test(shared_memory, signals_do_not_interrupt_a_reservation) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  cr_assert_eq(::sigaction(SIGALRM, &action, nullptr), 0);  // without SA_RESTART
  const itimerval often{{0, 200}, {0, 200}};
  cr_assert_eq(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  const ScratchDirectory scratch;
  const UniqueFd file = nameless(scratch);
  for (std::uint64_t i = 0; i < 2000; ++i) cr_assert_eq(reserve_file(file.get(), i * 65536, 65536), 0);
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
}

Test(shared_memory, a_name_appears_with_the_contents_or_not_at_all) {
  const ScratchDirectory scratch;
  const UniqueFd file = nameless(scratch);
  cr_assert(can_link_descriptor(file.get()));
  cr_assert_eq(reserve_file(file.get(), 0, 4096), 0);
  cr_assert_eq(scratch.entries(), 0);
  cr_assert_eq(link_descriptor(file.get(), scratch.file("name").c_str()), 0);
  cr_assert(leads_to(scratch.file("name").c_str(), identity_of(status_of(file.get()))));

  const UniqueFd second = nameless(scratch);
  cr_assert_eq(link_descriptor(second.get(), scratch.file("name").c_str()), -EEXIST);
  cr_assert_not(leads_to(scratch.file("name").c_str(), identity_of(status_of(second.get()))));
}

Test(shared_memory, a_symbolic_link_is_not_the_file) {
  const ScratchDirectory scratch;
  const UniqueFd file(::open(scratch.file("f").c_str(), O_RDWR | O_CREAT, 0600));
  cr_assert_eq(::symlink("f", scratch.file("link").c_str()), 0);
  cr_assert_not(leads_to(scratch.file("link").c_str(), identity_of(status_of(file.get()))));
  cr_assert_not(leads_to(scratch.file("nothing").c_str(), identity_of(status_of(file.get()))));
}

Test(shared_memory, knows_the_free_space) {
  const ScratchDirectory scratch;
  cr_assert_gt(free_space(nameless(scratch).get()), 0);
  cr_assert_eq(free_space(-1), 0);
}
