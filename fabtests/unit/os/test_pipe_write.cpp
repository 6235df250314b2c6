// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "os/pipe_write.h"
#include "os/unique_fd.h"

using namespace anchor;

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    cr_assert_eq(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader, writer;
};

using Write = int (*)(int);
constexpr Write kWays[] = {write_byte, write_byte_signal_held};

volatile sig_atomic_t signals = 0;

bool pending() {
  sigset_t waiting;
  return ::sigpending(&waiting) == 0 && ::sigismember(&waiting, SIGPIPE) == 1;
}

}  // namespace

Test(pipe_write, one_byte_goes_through) {
  for (const Write write : kWays) {
    Pipe pipe;
    char bytes[2];
    cr_assert_eq(write(pipe.writer.get()), 0);
    cr_assert_eq(::read(pipe.reader.get(), bytes, sizeof bytes), 1);
  }
}

Test(pipe_write, a_full_pipe_says_so) {
  for (const Write write : kWays) {
    Pipe pipe;
    int error;
    while ((error = write(pipe.writer.get())) == 0) {
    }
    cr_assert_eq(error, -EAGAIN);
  }
}

// By default it would end the test.
Test(pipe_write, without_a_reader_there_is_an_error_and_no_signal) {
  Pipe pipe;
  pipe.reader.reset();
  for (const Write write : kWays) cr_assert_eq(write(pipe.writer.get()), -EPIPE);
  ::signal(SIGPIPE, [](int) { signals = signals + 1; });
  for (const Write write : kWays) cr_assert_eq(write(pipe.writer.get()), -EPIPE);
  cr_assert_eq(signals, 0);
  ::raise(SIGPIPE);
  cr_assert_eq(signals, 1, "it is the application's again");
}

Test(pipe_write, an_application_that_holds_the_signal_keeps_its_own) {
  Pipe pipe;
  pipe.reader.reset();
  sigset_t held;
  ::sigemptyset(&held);
  ::sigaddset(&held, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
  for (const Write write : kWays) {
    cr_assert_eq(write(pipe.writer.get()), -EPIPE);
    cr_assert_not(pending());
  }
  ::raise(SIGPIPE);
  for (const Write write : kWays) {
    cr_assert_eq(write(pipe.writer.get()), -EPIPE);
    cr_assert(pending());
  }
}
