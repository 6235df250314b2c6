// SPDX-License-Identifier: BSD-2-Clause
// fi_poll(3): a wait set, one descriptor for several queues and counters (FI_WAIT_SET). Thread-safe.
#pragma once

#include <rdma/fi_eq.h>

#include <mutex>
#include <vector>

#include "abi/fabric.h"
#include "abi/fid.h"
#include "abi/wait_object.h"
#include "os/wait_condition.h"
#include "os/wait_fd.h"

namespace anchor {

// fi_trywait(3) for one object of any class that can be waited for. -FI_EINVAL: another class, or nothing to wait for.
int try_wait(::fid* object) noexcept;

class WaitSet final : public fid_wait {
 public:
  WaitSet(Fabric& fabric, fi_wait_obj object, void* context);
  WaitSet(const WaitSet&) = delete;
  WaitSet& operator=(const WaitSet&) = delete;

  static WaitSet& from(fid_wait* descriptor) noexcept { return static_cast<WaitSet&>(*descriptor); }

  // An object with its descriptor, until it is removed. May throw std::bad_alloc.
  int add(::fid* object, int descriptor);
  void remove(const ::fid* object) noexcept;

  int try_wait() noexcept;  // of all members
  // 0: a member has something; -FI_ETIMEDOUT. Milliseconds, negative: without end.
  int wait(int timeout) noexcept;

  int open_wait() noexcept { return wait_.open(); }
  int wait_descriptor() const noexcept { return wait_.fd(); }
  WaitCondition& condition() noexcept { return condition_; }
  fi_wait_obj wait_object() const noexcept { return wait_object_; }

  UseCount uses;

 private:
  struct Member {
    ::fid* object;
    int descriptor;
  };

  Use<Fabric> fabric_;
  const fi_wait_obj wait_object_;
  WaitFd wait_;
  std::mutex mutex_;  // guards the members
  std::vector<Member> members_;
  WaitCondition condition_;  // FI_WAIT_MUTEX_COND; follows the descriptor
};

// An object's membership in a wait set, which ends with it.
class Membership {
 public:
  Membership() noexcept = default;
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  ~Membership() {
    if (set_) set_->remove(object_);
  }

  int join(fid_wait* set, ::fid* object, int descriptor) {
    if (set == nullptr || set->fid.fclass != FI_CLASS_WAIT) return -FI_EINVAL;
    if (const int error = WaitSet::from(set).add(object, descriptor)) return error;
    set_ = Use<WaitSet>(WaitSet::from(set));
    object_ = object;
    return 0;
  }

 private:
  Use<WaitSet> set_;
  ::fid* object_ = nullptr;
};

// What a new object needs to be waited for in the way that was asked for. `set`: for FI_WAIT_SET. 0, or a negated errno
// value; may throw std::bad_alloc.
template <class Object>
int open_waiting(Object& object, fi_wait_obj wanted, fid_wait* set) {
  if (!has_descriptor(wanted)) return 0;
  if (const int error = object.open_wait()) return error;
  return wanted == FI_WAIT_SET ? object.membership.join(set, &object.fid, object.wait_descriptor()) : 0;
}

int open_wait_set(Fabric& fabric, const fi_wait_attr* attr, fid_wait** set) noexcept;

}  // namespace anchor
