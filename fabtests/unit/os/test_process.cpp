// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <thread>
#include <vector>

#include "child_process.h"
#include "os/process.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// Memory that the child has a copy of, at the same address.
struct Private {
  char text[32] = "before";
};
Private shared_address;

}  // namespace

Test(process, copies_from_and_to_another_process) {
  Child child([](const Meeting& meeting) {
    std::strcpy(shared_address.text, "child");
    meeting.tell();
    meeting.await();
    return std::strcmp(shared_address.text, "parent") == 0 ? 0 : 1;
  });
  cr_assert(child.await());
  char local[32] = "";
  const iovec ours{local, sizeof local};
  const iovec theirs{shared_address.text, sizeof shared_address.text};
  cr_assert_eq(read_process_memory(child.pid(), &ours, 1, &theirs, 1), static_cast<ssize_t>(sizeof local));
  cr_assert_str_eq(local, "child");
  cr_assert_str_eq(shared_address.text, "before");
  std::strcpy(local, "parent");
  cr_assert_eq(write_process_memory(child.pid(), &ours, 1, &theirs, 1), static_cast<ssize_t>(sizeof local));
  child.tell();
  cr_assert_eq(child.join(), 0);
}

Test(process, names_no_such_process) {
  Child child([](const Meeting&) { return 0; });
  const pid_t pid = child.pid();
  cr_assert_eq(child.join(), 0);
  char byte = 0;
  const iovec segment{&byte, 1};
  cr_assert_eq(read_process_memory(pid, &segment, 1, &segment, 1), -ESRCH);
  cr_assert_eq(write_process_memory(pid, &segment, 1, &segment, 1), -ESRCH);
}

Test(process, names_a_bad_address_and_moves_what_lies_before_it) {
  char local[8192];
  const iovec ours{local, sizeof local};
  iovec theirs{nullptr, 1};
  cr_assert_eq(read_process_memory(::getpid(), &ours, 1, &theirs, 1), -EFAULT);
  auto* const pages =
      static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  cr_assert_eq(::mprotect(pages + 4096, 4096, PROT_NONE), 0);
  theirs = {pages, 8192};
  cr_assert_eq(read_process_memory(::getpid(), &ours, 1, &theirs, 1), 4096);
}

Test(process, moves_less_than_asked_when_there_are_too_many_segments) {
  std::vector<char> from(2 * IOV_MAX, 'a'), to(2 * IOV_MAX, 'b');
  std::vector<iovec> ours, theirs;
  for (std::size_t i = 0; i < from.size(); ++i) {
    ours.push_back({&to[i], 1});
    theirs.push_back({&from[i], 1});
  }
  cr_assert_eq(read_process_memory(::getpid(), ours.data(), ours.size(), theirs.data(), theirs.size()), IOV_MAX);
  cr_assert_eq(to[IOV_MAX - 1], 'a');
  cr_assert_eq(to[IOV_MAX], 'b');
}

Test(process, our_own_number_and_those_of_our_threads) {
  cr_assert(is_own_process(getpid()));
  cr_assert_not(is_own_process(getppid()));
  cr_assert_not(is_own_process(0));
  cr_assert_not(is_own_process(-1));
  cr_assert_not(is_own_process(std::int64_t{getpid()} + (std::int64_t{1} << 40)));
  std::thread([] { cr_assert(is_own_process(gettid())); }).join();
}
