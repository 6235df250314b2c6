// SPDX-License-Identifier: BSD-2-Clause
#include "abi/eq.h"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "abi/unsupported.h"
#include "abi/wait_object.h"
#include "os/clock.h"

namespace anchor {
namespace {

constexpr std::size_t kDefaultSize = 256;

std::span<std::byte> writable_bytes(void* buffer, std::size_t size) noexcept {
  return {static_cast<std::byte*>(buffer), size};
}

ssize_t read(fid_eq* eq, std::uint32_t* event, void* buf, std::size_t len, std::uint64_t flags) noexcept {
  return Eq::from(eq).read(event, writable_bytes(buf, len), flags);
}

ssize_t readerr(fid_eq* eq, fi_eq_err_entry* buf, std::uint64_t flags) noexcept {
  return Eq::from(eq).read_error(buf, flags);
}

ssize_t write(fid_eq* eq, std::uint32_t event, const void* buf, std::size_t len, std::uint64_t flags) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;
  return Eq::from(eq).write(event, {static_cast<const std::byte*>(buf), len});
}

ssize_t sread(fid_eq* eq, std::uint32_t* event, void* buf, std::size_t len, int timeout, std::uint64_t flags) noexcept {
  if (Eq::from(eq).wait_object() == FI_WAIT_NONE) return -FI_EINVAL;
  return Eq::from(eq).wait(event, writable_bytes(buf, len), timeout, flags);
}

const char* strerror(fid_eq*, int prov_errno, const void*, char* buf, std::size_t len) noexcept {
  return provider_error_text(prov_errno, buf, len);
}

int control(fid* descriptor, int command, void* argument) noexcept {
  Eq& eq = object_of<Eq, fid_eq>(descriptor);
  return wait_object_control(eq.wait_object(), eq.wait_descriptor(), eq.condition(), command, argument);
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Eq, fid_eq>,
    .bind = refuse<-FI_ENOSYS>,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

fi_ops_eq eq_ops{
    .size = sizeof(fi_ops_eq),
    .read = read,
    .readerr = readerr,
    .write = write,
    .sread = sread,
    .strerror = strerror,
};

}  // namespace

Eq::Eq(Fabric& fabric, const fi_eq_attr& attr, void* user_context)
    : fid_eq{},
      fabric_(fabric),
      writable_((attr.flags & FI_WRITE) != 0),
      wait_object_(attr.wait_obj),
      queue_(attr.size != 0 ? attr.size : kDefaultSize) {
  fid = {.fclass = FI_CLASS_EQ, .context = user_context, .ops = &fid_ops};
  ops = &eq_ops;
}

void Eq::post(std::uint32_t type, const fi_eq_entry& entry) {
  std::lock_guard guard(mutex_);
  held_.push_back({type, entry});
  release_held();
  announce();
}

void Eq::post_error(const EventError& error) {
  std::lock_guard guard(mutex_);
  if (queue_.write_error(error) != 0) throw std::bad_alloc();
  announce();
}

void Eq::announce() noexcept {
  arrived_.notify_all();
  wait_.signal();  // nothing where no descriptor was asked for
}

int Eq::try_wait() noexcept {
  std::lock_guard guard(mutex_);
  if (!wait_.is_open()) return -FI_EINVAL;
  if (!queue_.empty()) return -FI_EAGAIN;
  wait_.clear();
  return 0;
}

void Eq::release_held() noexcept {
  while (!held_.empty()) {
    const auto payload = std::as_bytes(std::span(&held_.front().entry, 1));
    if (queue_.write(held_.front().type, payload) != 0) return;
    held_.pop_front();
  }
}

ssize_t Eq::write(std::uint32_t type, std::span<const std::byte> payload) noexcept {
  if (!writable_) return -FI_EINVAL;
  std::lock_guard guard(mutex_);
  const int status = queue_.write(type, payload);
  if (status != 0) return status;
  announce();
  return static_cast<ssize_t>(payload.size());
}

ssize_t Eq::read_locked(std::uint32_t* type, std::span<std::byte> payload, bool peek) noexcept {
  const ssize_t result = queue_.read(type, payload, peek);
  if (result >= 0 && !peek) release_held();
  return result;
}

ssize_t Eq::read(std::uint32_t* type, std::span<std::byte> payload, std::uint64_t flags) noexcept {
  if ((flags & ~FI_PEEK) != 0) return -FI_EBADFLAGS;
  std::lock_guard guard(mutex_);
  return read_locked(type, payload, (flags & FI_PEEK) != 0);
}

ssize_t Eq::wait(std::uint32_t* type, std::span<std::byte> payload, int timeout, std::uint64_t flags) noexcept {
  if ((flags & ~FI_PEEK) != 0) return -FI_EBADFLAGS;
  ssize_t result = -FI_EAGAIN;
  const auto arrived = [&] {
    result = read_locked(type, payload, (flags & FI_PEEK) != 0);
    return result != -FI_EAGAIN;
  };
  std::unique_lock lock(mutex_);
  if (timeout < 0) arrived_.wait(lock, arrived);
  if (timeout >= 0) arrived_.wait_for(lock, Milliseconds(timeout), arrived);
  return result;
}

// Our errors carry no data of the provider's own.
ssize_t Eq::read_error(fi_eq_err_entry* entry, std::uint64_t flags) noexcept {
  if ((flags & ~FI_PEEK) != 0) return -FI_EBADFLAGS;
  std::lock_guard guard(mutex_);
  EventError error;
  const int status = queue_.read_error(&error, (flags & FI_PEEK) != 0);
  if (status != 0) return status;
  entry->fid = static_cast<fid_t>(error.fid);
  entry->context = error.context;
  entry->data = error.data;
  entry->err = error.error;
  entry->prov_errno = error.provider_error;
  const bool sized = version() >= FI_VERSION(1, 5);  // the field did not exist before
  if (!sized || entry->err_data_size == 0) entry->err_data = nullptr;
  if (sized) entry->err_data_size = 0;
  return sizeof(*entry);
}

int open_event_queue(Fabric& fabric, const fi_eq_attr* attr, fid_eq** eq, void* context) noexcept {
  const fi_eq_attr defaults{};
  const fi_eq_attr& wanted = attr != nullptr ? *attr : defaults;
  if ((wanted.flags & ~(FI_WRITE | FI_AFFINITY)) != 0) return -FI_EBADFLAGS;
  const int status = check_member_wait_object(wanted.wait_obj);
  if (status != 0) return status;
  return guarded([&] {
    auto made = std::make_unique<Eq>(fabric, wanted, context);
    if (const int error = open_waiting(*made, wanted.wait_obj, wanted.wait_set)) return error;
    *eq = made.release();
    return 0;
  });
}

}  // namespace anchor
