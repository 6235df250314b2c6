// SPDX-License-Identifier: BSD-2-Clause
#include "abi/poll_set.h"

#include <rdma/fi_errno.h>

#include <algorithm>

#include "abi/unsupported.h"

namespace anchor {
namespace {

int poll(fid_poll* set, void** contexts, int count) noexcept { return PollSet::from(set).poll(contexts, count); }

int poll_add(fid_poll* set, fid* object, std::uint64_t flags) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;
  return guarded([&] { return PollSet::from(set).add(object); });
}

int poll_del(fid_poll* set, fid* object, std::uint64_t flags) noexcept {
  return flags == 0 ? PollSet::from(set).remove(object) : -FI_EBADFLAGS;
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<PollSet, fid_poll>,
    .bind = refuse<-FI_ENOSYS>,
    .control = refuse<-FI_ENOSYS>,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

fi_ops_poll poll_ops{.size = sizeof(fi_ops_poll), .poll = poll, .poll_add = poll_add, .poll_del = poll_del};

}  // namespace

PollSet::PollSet(Domain& domain) : fid_poll{}, domain_(domain) {
  fid = {.fclass = FI_CLASS_POLL, .context = nullptr, .ops = &fid_ops};
  ops = &poll_ops;
}

int PollSet::add(::fid* object) {
  Member member{object, {}, {}, 0, 0};
  if (object->fclass == FI_CLASS_CQ) {
    member.queue = Use<Cq>(object_of<Cq, fid_cq>(object));
  } else if (object->fclass == FI_CLASS_CNTR) {
    member.counter = Use<Cntr>(object_of<Cntr, fid_cntr>(object));
  } else {
    return -FI_EINVAL;
  }
  std::lock_guard guard(mutex_);
  members_.push_back(std::move(member));
  return 0;
}

int PollSet::remove(const ::fid* object) {
  std::lock_guard guard(mutex_);
  const auto found =
      std::find_if(members_.begin(), members_.end(), [&](const Member& member) { return member.object == object; });
  if (found == members_.end()) return -FI_EINVAL;
  members_.erase(found);
  return 0;
}

bool PollSet::has_something(Member& member) noexcept {
  if (member.queue) {
    if (member.queue->queue().empty()) member.queue->group().progress();
    return !member.queue->queue().empty();
  }
  member.counter->group().progress();
  const std::uint64_t value = member.counter->counter().value(), errors = member.counter->counter().errors();
  const bool changed = value != member.value || errors != member.errors;
  member.value = value;
  member.errors = errors;
  return changed;
}

int PollSet::poll(void** contexts, int count) noexcept {
  std::lock_guard guard(mutex_);
  int found = 0;
  for (Member& member : members_) {
    if (found == count) break;
    if (has_something(member)) contexts[found++] = member.object->context;
  }
  return found;
}

int open_poll_set(Domain& domain, const fi_poll_attr* attr, fid_poll** set) noexcept {
  if (attr != nullptr && attr->flags != 0) return -FI_EBADFLAGS;
  return guarded([&] {
    *set = new PollSet(domain);
    return 0;
  });
}

}  // namespace anchor
