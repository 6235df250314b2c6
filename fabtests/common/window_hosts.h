// SPDX-License-Identifier: BSD-2-Clause
// Tests on the window device: two "hosts" on one machine, which differ in their number only, over one file in memory.
// On the window alone, ranks with an even number are of host 0, the others of host 1.
#pragma once

#include <string>
#include <vector>

namespace anchor::fabtests {

// FABTESTS_DEVICE=window, or both: ranks 0 and 1 are of host 0, 2 and 3 of host 1, and so on, and reach those of their
// own host as on the shm device. FABTESTS_WINDOW_MEMORY says what kind of memory it is taken for, as in the
// configuration file; coherent if it is not set.
bool on_window();

// FABTESTS_WINDOW_MEMORY=simulated: each host's cache is played by this machine, which takes locks and time.
bool on_simulated_memory();

// FABTESTS_WINDOW_DOORBELL=1: each host has a doorbell, by sockets where nothing else is prepared, and its server,
// whose number is in the file beside the configuration that ends in ".server".
bool with_doorbell();

// Whether there is a place for it that nobody else uses: a /dev/shm of our own, or the FABTESTS_WINDOW_FOLDER.
bool can_prepare_window();

// Makes the file and the two configurations unless they are there, and starts a process for each host that keeps its
// heartbeat (anchor_window keep), so that a host does not fall silent with its only rank. Throws std::runtime_error.
void prepare_window();

// What has the plugin use them, for a rank.
std::vector<std::string> window_environment(int rank);

}  // namespace anchor::fabtests
