// SPDX-License-Identifier: BSD-2-Clause
// What becomes of a SIGBUS that is not meant for a guarded mapping.
#include <criterion/criterion.h>
#include <sys/mman.h>

#include <cerrno>
#include <csignal>

#include "child_process.h"
#include "guarded_file.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

int foreign_faults = 0;
void count_and_exit(int) { ::_exit(++foreign_faults == 1 ? 42 : 43); }
void exit_with_details(int, siginfo_t* cause, void*) { ::_exit(cause->si_code == BUS_ADRERR ? 44 : 45); }
void count(int) { ++foreign_faults; }

using Handler = void (*)(int);
Handler current_handler() {
  struct sigaction action {};
  ::sigaction(SIGBUS, nullptr, &action);
  return action.sa_handler;
}

// Touches a cut file that is not guarded.
void fault_elsewhere(const ScratchDirectory& scratch) {
  const UniqueFd file(::open(scratch.path().c_str(), O_TMPFILE | O_RDWR, 0600));
  auto* const bare = static_cast<volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0));
  (void)bare[0];
}

}  // namespace

Test(guarded_mapping_handlers, the_earlier_handler_comes_back_with_the_last_mapping) {
  const ScratchDirectory scratch;
  ::signal(SIGBUS, count);
  {
    const Guarded first(scratch);
    { const Guarded second(scratch); }
    cr_assert_neq(current_handler(), count);
  }
  cr_assert_eq(current_handler(), count);
  const Guarded again(scratch);
  again.cut();
  cr_assert_eq(again.at(0), 0);
  cr_assert_eq(foreign_faults, 0);
}

Test(guarded_mapping_handlers, a_handler_put_on_top_stays) {
  const ScratchDirectory scratch;
  {
    const Guarded guarded(scratch), other(scratch);
    ::signal(SIGBUS, count);
  }
  cr_assert_eq(current_handler(), count);
}

Test(guarded_mapping_handlers, a_foreign_fault_goes_to_the_earlier_handler) {
  const ScratchDirectory scratch;
  Child simple([&](const Meeting&) {
    ::signal(SIGBUS, count_and_exit);
    const Guarded guarded(scratch);
    fault_elsewhere(scratch);
    return 1;
  });
  cr_assert_eq(simple.join(), 42);
  Child detailed([&](const Meeting&) {
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = exit_with_details;
    ::sigaction(SIGBUS, &action, nullptr);
    const Guarded guarded(scratch);
    fault_elsewhere(scratch);
    return 1;
  });
  cr_assert_eq(detailed.join(), 44);
}

Test(guarded_mapping_handlers, a_foreign_fault_without_a_handler_ends_the_process) {
  const ScratchDirectory scratch;
  for (const Handler before : {SIG_DFL, SIG_IGN}) {
    Child child([&](const Meeting&) {
      ::signal(SIGBUS, before);
      const Guarded guarded(scratch);
      fault_elsewhere(scratch);
      return 1;
    });
    cr_assert_eq(child.join(), -SIGBUS);
  }
}

Test(guarded_mapping_handlers, a_signal_that_was_sent_keeps_its_meaning) {
  const ScratchDirectory scratch;
  const auto sent_after = [&scratch](Handler before) {
    Child child([&](const Meeting&) {
      ::signal(SIGBUS, before);
      const Guarded guarded(scratch);
      ::raise(SIGBUS);
      return foreign_faults;
    });
    return child.join();
  };
  cr_assert_eq(sent_after(SIG_DFL), -SIGBUS);
  cr_assert_eq(sent_after(SIG_IGN), 0);
  cr_assert_eq(sent_after(count), 1);
}

Test(guarded_mapping_handlers, a_handler_meant_for_one_signal_gets_one) {
  const ScratchDirectory scratch;
  Child child([&](const Meeting&) {
    struct sigaction action {};
    action.sa_handler = count;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGBUS, &action, nullptr);
    const Guarded guarded(scratch);
    ::raise(SIGBUS);
    if (foreign_faults != 1) return 1;
    ::raise(SIGBUS);
    return 2;
  });
  cr_assert_eq(child.join(), -SIGBUS);
}

Test(guarded_mapping_handlers, says_why_it_cannot_map) {
  const Handler before = current_handler();
  LostFlag lost{false};
  std::byte* address = nullptr;
  cr_assert_eq(map_guarded(-1, 0, 4096, &lost, &address), -EBADF);
  cr_assert_null(address);
  cr_assert_eq(current_handler(), before);
}
