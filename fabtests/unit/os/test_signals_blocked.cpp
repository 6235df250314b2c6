// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "os/signals_blocked.h"

using namespace anchor;

Test(signals_blocked, all_but_faults_and_no_longer_than_it_lives) {
  const auto blocked = [](int number) {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, number) == 1;
  };
  cr_assert_not(blocked(SIGTERM));
  {
    const SignalsBlocked guard;
    cr_assert(blocked(SIGTERM) && blocked(SIGUSR1));
    cr_assert_not(blocked(SIGBUS) || blocked(SIGSEGV));
  }
  cr_assert_not(blocked(SIGTERM));
}
