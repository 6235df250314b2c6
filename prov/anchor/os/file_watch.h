// SPDX-License-Identifier: BSD-2-Clause
// A descriptor that becomes readable when somebody who could write to one of several files has closed it, by dying too,
// or when one of them was cut, renamed or removed: inotify(7).
//
// A forked child has no copy: closing one does not take the original out of the sets it stands in.
//
// It says that something has happened, not what: whoever is told looks at the files. Thread-safe.
#pragma once

#include "os/process_fd.h"

namespace anchor {

// 0 or a negated errno value: -EMFILE is also said when this user has as many as it may have.
int open_file_watch(ProcessFd* watch) noexcept;
// The file is watched until it is gone and nobody has it any more. 0 or a negated errno value; 0 as well when it is
// watched already.
int watch_file(int watch, const char* path) noexcept;
// Whether something has happened since the last call; the descriptor is unreadable until the next time.
bool drain_file_watch(int watch) noexcept;

}  // namespace anchor
