// SPDX-License-Identifier: BSD-2-Clause
// Tests on the window device: two "hosts" on one machine, which differ in their number only, over one file in memory.
// Ranks with an even number are of host 0, the others of host 1.
#pragma once

#include <string>
#include <vector>

namespace anchor::fabtests {

// FABTESTS_DEVICE=window.
bool on_window();

// Whether there is a place for it that nobody else uses: a /dev/shm of our own, or the FABTESTS_WINDOW_FOLDER.
bool can_prepare_window();

// Makes the file and the two configurations unless they are there, and starts a process for each host that keeps its
// heartbeat (anchor_window keep), so that a host does not fall silent with its only rank. Throws std::runtime_error.
void prepare_window();

// What has the plugin use them, for a rank.
std::vector<std::string> window_environment(int rank);

}  // namespace anchor::fabtests
