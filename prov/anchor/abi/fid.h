// SPDX-License-Identifier: BSD-2-Clause
// What all objects handed to an application share: getting from the C descriptor back to the object, counting who uses
// it, and keeping exceptions inside.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_errno.h>

#include <atomic>
#include <new>
#include <utility>

namespace anchor {

// From the common `struct fid` to the object. Base is the fid_* structure that Object derives from: `fid` is its first
// member, hence the same address.
template <class Object, class Base>
Object& object_of(fid* descriptor) noexcept {
  return static_cast<Object&>(*reinterpret_cast<Base*>(descriptor));
}

// How many other objects refer to one; fi_close of it fails with -FI_EBUSY until that is zero. Thread-safe.
class UseCount {
 public:
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  // Release: what the user did to the object comes before its destruction by another thread (acquire in busy()).
  void drop() noexcept { count_.fetch_sub(1, std::memory_order_release); }
  bool busy() const noexcept { return count_.load(std::memory_order_acquire) != 0; }

 private:
  std::atomic<int> count_{0};
};

// A counted reference to an object with a member `uses`; empty at first.
template <class Object>
class Use {
 public:
  Use() noexcept = default;
  explicit Use(Object& object) noexcept : object_(&object) { object.uses.add(); }
  Use(Use&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Use& operator=(Use&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Use() {
    if (object_ != nullptr) object_->uses.drop();
  }

  Object* get() const noexcept { return object_; }
  Object* operator->() const noexcept { return object_; }
  Object& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  Object* object_ = nullptr;
};

// Runs `body`, which returns a status, and turns an exception into one: none may cross the C ABI.
template <class Body>
auto guarded(Body&& body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return -FI_ENOMEM;
  } catch (...) {
    return -FI_EOTHER;
  }
}

// fi_close of an object that was made by new.
template <class Object, class Base>
int close_object(fid* descriptor) noexcept {
  Object& object = object_of<Object, Base>(descriptor);
  if (object.uses.busy()) return -FI_EBUSY;
  delete &object;
  return 0;
}

}  // namespace anchor
