// SPDX-License-Identifier: BSD-2-Clause
// Opening the file that another process has mapped, so that it can be mapped here, too.
//
// By its name; or, if that leads elsewhere or nowhere (memfd_create(2), unlinked), through a descriptor that the
// process still has of it; or through the mapping itself, which the kernel allows to the privileged only. Whatever is
// found is looked at before it is opened in earnest: a name or a number may have come to stand for something whose
// opening has side effects. Thread-safe, stateless.
#pragma once

#include "os/process_maps.h"
#include "os/unique_fd.h"

namespace anchor {

// `process` as in find_shared_span(), which gave `span`. For writing, if the process may and we may; `*writable` says
// so. -ENOENT: it cannot be found; -EOPNOTSUPP: not a regular file, or on a file system that may keep us waiting;
// -EBUSY: this process has record locks on it, which closing any descriptor of the file would give up (fcntl(2));
// -EMFILE, -ENFILE; otherwise why it cannot be opened.
int open_mapped_file(int process, const SharedSpan& span, UniqueFd* file, bool* writable) noexcept;

}  // namespace anchor
