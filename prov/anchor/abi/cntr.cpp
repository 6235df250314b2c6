// SPDX-License-Identifier: BSD-2-Clause
#include "abi/cntr.h"

#include <rdma/fi_errno.h>
#include <sched.h>

#include <memory>

#include "abi/patience.h"
#include "abi/unsupported.h"
#include "abi/wait_object.h"

namespace anchor {
namespace {

std::uint64_t read(fid_cntr* descriptor) noexcept { return Cntr::from(descriptor).read(); }

std::uint64_t readerr(fid_cntr* descriptor) noexcept { return Cntr::from(descriptor).read_errors(); }

// What waits for the counter need not wait for the next progress.
void start_due(Cntr& cntr) noexcept {
  DeferredWork* deferred = cntr.domain().deferred();
  if (deferred != nullptr && deferred->waiting()) deferred->start_due();
}

int add(fid_cntr* descriptor, std::uint64_t value) noexcept {
  Cntr::from(descriptor).counter().add(value);
  start_due(Cntr::from(descriptor));
  return 0;
}

int set(fid_cntr* descriptor, std::uint64_t value) noexcept {
  Cntr::from(descriptor).counter().set(value);
  start_due(Cntr::from(descriptor));
  return 0;
}

int adderr(fid_cntr* descriptor, std::uint64_t value) noexcept {
  Cntr::from(descriptor).counter().add_error(value);
  start_due(Cntr::from(descriptor));
  return 0;
}

int seterr(fid_cntr* descriptor, std::uint64_t value) noexcept {
  Cntr::from(descriptor).counter().set_error(value);
  start_due(Cntr::from(descriptor));
  return 0;
}

// fi_cntr(3) forbids applications to wait where FI_WAIT_NONE was asked for; libfabric's own tests do it all the same,
// and polling needs no wait object.
int wait(fid_cntr* descriptor, std::uint64_t threshold, int timeout) noexcept {
  return Cntr::from(descriptor).wait(threshold, timeout);
}

// fi_cntr(3) lets the operational flags of a counter be asked and set, but has none that a counter could have.
int control(fid* descriptor, int command, void* argument) noexcept {
  if (command == FI_GETOPSFLAG) {
    *static_cast<std::uint64_t*>(argument) = 0;
    return 0;
  }
  if (command == FI_SETOPSFLAG) return *static_cast<std::uint64_t*>(argument) == 0 ? 0 : -FI_EBADFLAGS;
  Cntr& cntr = object_of<Cntr, fid_cntr>(descriptor);
  return wait_object_control(cntr.wait_object(), cntr.group().wait_descriptor(), cntr.condition(), command, argument);
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Cntr, fid_cntr>,
    .bind = refuse<-FI_ENOSYS>,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

fi_ops_cntr cntr_ops{
    .size = sizeof(fi_ops_cntr),
    .read = read,
    .readerr = readerr,
    .add = add,
    .set = set,
    .wait = wait,
    .adderr = adderr,
    .seterr = seterr,
#ifdef FI_XPU  // libfabric 2.6
    .export_xpu = refuse<-FI_ENOSYS>,
#endif
};

}  // namespace

Cntr::Cntr(Domain& domain, const fi_cntr_attr& attr, void* user_context)
    : fid_cntr{}, group_(domain.locked(), &counter_, domain.deferred()), domain_(domain), wait_object_(attr.wait_obj) {
  fid = {.fclass = FI_CLASS_CNTR, .context = user_context, .ops = &fid_ops};
  ops = &cntr_ops;
}

std::uint64_t Cntr::read() noexcept {
  group_.progress();
  const std::uint64_t value = counter_.value();
  known_value_.store(value, std::memory_order_relaxed);
  return value;
}

std::uint64_t Cntr::read_errors() noexcept {
  group_.progress();
  const std::uint64_t errors = counter_.errors();
  known_errors_.store(errors, std::memory_order_relaxed);
  return errors;
}

bool Cntr::changed() const noexcept {
  return counter_.value() != known_value_.load(std::memory_order_relaxed) ||
         counter_.errors() != known_errors_.load(std::memory_order_relaxed);
}

int Cntr::try_wait() noexcept {
  return group_.prepare_to_wait([this] { return changed(); });
}

int Cntr::wait(std::uint64_t threshold, int timeout) noexcept {
  const std::uint64_t errors = counter_.errors();
  const auto ended = [&] { return counter_.value() >= threshold || counter_.errors() != errors; };
  Patience patience(timeout);
  for (;;) {
    const bool last = patience.over();
    group_.progress();
    if (counter_.value() >= threshold) return 0;
    if (counter_.errors() != errors) return -FI_EAVAIL;
    if (last) return -FI_ETIMEDOUT;
    if (!patience.sleeps()) continue;
    if (wait_object_ == FI_WAIT_YIELD) {
      ::sched_yield();
    } else {
      group_.sleep_until(patience.end(), ended);
      patience.woke();
    }
  }
}

int open_counter(Domain& domain, const fi_cntr_attr* attr, fid_cntr** cntr, void* context) noexcept {
  const fi_cntr_attr defaults{};
  const fi_cntr_attr& wanted = attr != nullptr ? *attr : defaults;
  if (wanted.flags != 0) return -FI_EBADFLAGS;
  if (wanted.events != FI_CNTR_EVENTS_COMP) return -FI_ENOSYS;
  const int status = check_member_wait_object(wanted.wait_obj);
  if (status != 0) return status;
  return guarded([&] {
    auto made = std::make_unique<Cntr>(domain, wanted, context);
    if (const int error = open_waiting(*made, wanted.wait_obj, wanted.wait_set)) return error;
    *cntr = made.release();
    return 0;
  });
}

}  // namespace anchor
