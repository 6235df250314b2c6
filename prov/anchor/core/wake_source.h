// SPDX-License-Identifier: BSD-2-Clause
// Something in this process that a sleeper waits for beside what peers send: entries that any thread puts into a queue,
// or additions to a counter.
//
// arm() and disarm() come from whoever goes to sleep; what is waited for may happen on any thread at any time. Who
// armed looks afterwards whether it has happened already: an event that arm() does not announce was there before it
// returned.
#pragma once

#include "os/wait_fd.h"

namespace anchor {

class WakeSource {
 public:
  // The next event signals `wake`, once.
  virtual void arm(WaitFd& wake) noexcept = 0;
  virtual void disarm() noexcept = 0;

 protected:
  ~WakeSource() = default;
};

}  // namespace anchor
