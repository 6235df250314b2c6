// SPDX-License-Identifier: BSD-2-Clause
// While one exists, its thread may read another host's memory: something is being set up, or has ended. In steady state
// nobody does; checked memory (checked_memory.h) holds everybody to it.
#pragma once

namespace anchor {

class Retrieval {
 public:
  Retrieval() noexcept { ++depth(); }
  ~Retrieval() { --depth(); }
  Retrieval(const Retrieval&) = delete;
  Retrieval& operator=(const Retrieval&) = delete;

  static bool under_way() noexcept { return depth() != 0; }

 private:
  static int& depth() noexcept {
    static thread_local int count = 0;
    return count;
  }
};

}  // namespace anchor
