// SPDX-License-Identifier: BSD-2-Clause
// write(2) of one byte into a pipe, without SIGPIPE where nobody reads it any more: that signal is the application's
// affair, and ends it by default. 0 or a negated errno value, -EPIPE there. Thread-safe.
#pragma once

namespace anchor {

// One system call.
int write_byte(int pipe) noexcept;
// The same by three, for kernels before 6.18, where there is no RWF_NOSIGNAL; write_byte() turns to it by itself.
int write_byte_signal_held(int pipe) noexcept;

}  // namespace anchor
