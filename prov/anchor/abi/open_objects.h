// SPDX-License-Identifier: BSD-2-Clause
// The fabrics, resp. domains, that are open now: hints may name one of them, and fi_getinfo(3) points to the first.
//
// Thread-safe. Holds no reference: whoever opens and closes keeps it true.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <mutex>
#include <new>

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
    objects_.remove(object);
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
  std::list<Object*> objects_;  // has no memory while it is empty: a plugin that is unloaded leaves none behind
};

// Never destroyed: exit handlers that the application registered before its first call to us run after our static
// destructors, and may close what is open.
template <class Object>
OpenObjects<Object>& open_objects() noexcept {
  alignas(OpenObjects<Object>) static std::byte storage[sizeof(OpenObjects<Object>)];
  static auto* const instance = new (storage) OpenObjects<Object>;
  return *instance;
}

}  // namespace anchor
