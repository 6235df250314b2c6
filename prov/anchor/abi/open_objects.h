// SPDX-License-Identifier: BSD-2-Clause
// The fabrics, resp. domains, that are open now: hints may name one of them, and fi_getinfo(3) points to the first.
//
// Thread-safe. Holds no reference: whoever opens and closes keeps it true.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

namespace anchor {

template <class Object>
class OpenObjects {
 public:
  void add(Object* object) {
    std::lock_guard guard(mutex_);
    objects_.push_back(object);
  }
  void remove(Object* object) noexcept {
    std::lock_guard guard(mutex_);
    objects_.erase(std::remove(objects_.begin(), objects_.end(), object), objects_.end());
  }
  // The first for which `test(const Object&)` holds; nullptr: none.
  template <class Test>
  Object* first(Test&& test) noexcept {
    std::lock_guard guard(mutex_);
    const auto found = std::find_if(objects_.begin(), objects_.end(), [&](Object* object) { return test(*object); });
    return found != objects_.end() ? *found : nullptr;
  }

 private:
  std::mutex mutex_;
  std::vector<Object*> objects_;
};

}  // namespace anchor
