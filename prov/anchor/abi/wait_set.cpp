// SPDX-License-Identifier: BSD-2-Clause
#include "abi/wait_set.h"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <memory>

#include "abi/cntr.h"
#include "abi/cq.h"
#include "abi/eq.h"
#include "abi/unsupported.h"
#include "abi/wait_object.h"
#include "os/log.h"

namespace anchor {
namespace {

int wait(fid_wait* set, int timeout) noexcept { return WaitSet::from(set).wait(timeout); }

int control(fid* descriptor, int command, void* argument) noexcept {
  WaitSet& set = object_of<WaitSet, fid_wait>(descriptor);
  return wait_object_control(set.wait_object(), set.wait_descriptor(), set.condition(), command, argument);
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<WaitSet, fid_wait>,
    .bind = refuse<-FI_ENOSYS>,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

fi_ops_wait wait_ops{.size = sizeof(fi_ops_wait), .wait = wait};

}  // namespace

int try_wait(fid* object) noexcept {
  switch (object->fclass) {
    case FI_CLASS_CQ:
      return object_of<Cq, fid_cq>(object).try_wait();
    case FI_CLASS_CNTR:
      return object_of<Cntr, fid_cntr>(object).try_wait();
    case FI_CLASS_EQ:
      return object_of<Eq, fid_eq>(object).try_wait();
    case FI_CLASS_WAIT:
      return object_of<WaitSet, fid_wait>(object).try_wait();
    default:
      return -FI_EINVAL;
  }
}

WaitSet::WaitSet(Fabric& fabric, fi_wait_obj object, void* user_context)
    : fid_wait{}, fabric_(fabric), wait_object_(object) {
  fid = {.fclass = FI_CLASS_WAIT, .context = user_context, .ops = &fid_ops};
  ops = &wait_ops;
}

int WaitSet::add(::fid* object, int descriptor) {
  std::lock_guard guard(mutex_);
  members_.push_back({object, descriptor});
  const int error = wait_.add(descriptor);
  if (error != 0) members_.pop_back();
  return error;
}

void WaitSet::remove(const ::fid* object) noexcept {
  std::lock_guard guard(mutex_);
  std::erase_if(members_, [&](const Member& member) {
    if (member.object != object) return false;
    wait_.remove(member.descriptor);
    return true;
  });
}

int WaitSet::try_wait() noexcept {
  std::lock_guard guard(mutex_);
  for (const Member& member : members_)
    if (const int status = anchor::try_wait(member.object)) return status;
  return 0;
}

// Members become readable for reasons of their own too: then they are asked again.
int WaitSet::wait(int timeout) noexcept {
  const TimePoint end = timeout < 0 ? TimePoint::max() : Clock::now() + Milliseconds(timeout);
  for (;;) {
    if (const int status = try_wait()) return status == -FI_EAGAIN ? 0 : status;
    if (Clock::now() >= end) return -FI_ETIMEDOUT;
    wait_.wait_until(end);
  }
}

int open_wait_set(Fabric& fabric, const fi_wait_attr* attr, fid_wait** set) noexcept {
  const fi_wait_obj object = attr != nullptr ? attr->wait_obj : FI_WAIT_UNSPEC;
  if (attr != nullptr && attr->flags != 0) return -FI_EBADFLAGS;
  if (object == FI_WAIT_NONE) return -FI_EINVAL;
  if (const int status = check_wait_object(object)) return status;
  return guarded([&] {
    auto made = std::make_unique<WaitSet>(fabric, object, nullptr);
    if (const int error = made->open_wait()) return error;
    *set = made.release();
    return 0;
  });
}

}  // namespace anchor
