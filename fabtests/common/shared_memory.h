// SPDX-License-Identifier: BSD-2-Clause
// A /dev/shm of one's own, so that tests neither see nor disturb anything else on the machine and what a test leaves
// behind is known exactly. Needs root; without it the tests run in the machine's own /dev/shm and leftovers go
// unchecked.
#pragma once

#include <string>
#include <vector>

namespace anchor::fabtests {

// Moves this process, and those it starts from now on, into a mount namespace with an empty /dev/shm. `options` are
// those of tmpfs, e.g. "size=1m". False when that is not permitted.
bool enter_private_shared_memory(const std::string& options = {});
bool shared_memory_is_private();

// Removes everything from it; does nothing in the machine's own.
void empty_private_shared_memory();

// Names in /dev/shm that begin with "anchor-".
std::vector<std::string> regions_in_shared_memory();

}  // namespace anchor::fabtests
