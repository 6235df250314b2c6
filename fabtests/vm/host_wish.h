// SPDX-License-Identifier: BSD-2-Clause
// What a test in a guest asks of the machine that emulates it: to kill another guest, or to boot it anew.
#pragma once

#include <string>

namespace anchor::fabtests {

// "kill 1", "boot 1": returns once the host has done so; a guest that is being booted takes its time afterwards. Skips
// the test where there is no such host (FABTESTS_JOB, the folder that guest and host share).
void ask_host(const std::string& wish);

}  // namespace anchor::fabtests
