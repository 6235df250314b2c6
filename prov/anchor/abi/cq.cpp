// SPDX-License-Identifier: BSD-2-Clause
#include "abi/cq.h"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "abi/cq_format.h"
#include "abi/parameters.h"
#include "abi/unsupported.h"
#include "abi/wait_object.h"
#include "os/log.h"

namespace anchor {
namespace {

int control(fid* descriptor, int command, void* argument) noexcept {
  Cq& cq = object_of<Cq, fid_cq>(descriptor);
  return wait_object_control(cq.wait_object(), cq.group().wait_descriptor(), cq.condition(), command, argument);
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Cq, fid_cq>,
    .bind = refuse<-FI_ENOSYS>,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

// Where fi_cq_err_entry::src_addr lies. It came with libfabric 1.20; the headers we build with may be older.
constexpr std::size_t kErrorSourceOffset = 80;
constexpr std::uint32_t kErrorSourceVersion = FI_VERSION(1, 20);
static_assert(offsetof(fi_cq_err_entry, err_data_size) + sizeof(std::size_t) == kErrorSourceOffset);

}  // namespace

Cq::Cq(Domain& domain, const fi_cq_attr& attr, std::size_t capacity, void* user_context)
    : fid_cq{},
      queue_(capacity, domain.locked()),
      group_(domain.locked(), &queue_, domain.deferred()),
      domain_(domain),
      wait_object_(attr.wait_obj),
      waits_for_threshold_(attr.wait_cond == FI_CQ_COND_THRESHOLD),
      lent_lock_(domain.locked()) {
  fid = {.fclass = FI_CLASS_CQ, .context = user_context, .ops = &fid_ops};
  ops = cq_ops_for(attr.format);
}

int Cq::try_wait() noexcept {
  return group_.prepare_to_wait([this] { return !queue_.empty(); });
}

bool Cq::signalled(std::uint32_t seen) noexcept {
  const std::uint32_t now = signals_.load(std::memory_order_seq_cst);
  if (now == seen) return false;
  signals_seen_.store(now, std::memory_order_relaxed);
  return true;
}

// fi_cq(3): into the application's buffer if it gave one, else a buffer of ours is lent until the next read. Before 1.5
// there was no size, neither to be read nor to be written.
void Cq::give_error_data(const CompletionError& error, fi_cq_err_entry* entry) noexcept {
  const bool sized = domain_->version() >= FI_VERSION(1, 5);
  const Address source =
      error.source_name.empty() ? Address{} : address_of(domain_->address_format(), error.source_name);
  if (!sized || entry->err_data_size == 0) {
    entry->err_data = source.size != 0 ? lend(source) : nullptr;
    if (sized) entry->err_data_size = source.size;
    return;
  }
  entry->err_data_size = std::min(entry->err_data_size, source.size);
  std::memcpy(entry->err_data, source.bytes.data(), entry->err_data_size);
}

void* Cq::lend(const Address& source) noexcept {
  LockGuard guard(lent_lock_);
  lent_ = source;
  return lent_.bytes.data();
}

ssize_t Cq::read_error(fi_cq_err_entry* entry) noexcept {
  CompletionError error;
  int status = queue_.read_error(&error);
  if (status != 0) {
    group_.progress();
    status = queue_.read_error(&error);
  }
  if (status != 0) return status;
  write_entry(error, entry);
  give_error_data(error, entry);
  if (domain_->version() >= kErrorSourceVersion) {
    const fi_addr_t source = error.completion.source;
    std::memcpy(reinterpret_cast<std::byte*>(entry) + kErrorSourceOffset, &source, sizeof(source));
  }
  return 1;
}

int open_completion_queue(Domain& domain, fi_cq_attr* attr, fid_cq** cq, void* context) noexcept {
  const fi_cq_attr defaults{};
  const fi_cq_attr& wanted = attr != nullptr ? *attr : defaults;
  if ((wanted.flags & ~FI_AFFINITY) != 0) return -FI_EBADFLAGS;
  if (cq_ops_for(wanted.format) == nullptr) return -FI_EINVAL;
  const int status = check_member_wait_object(wanted.wait_obj);
  if (status != 0) return status;
  const int opened = guarded([&] {
    auto made = std::make_unique<Cq>(domain, wanted, wanted.size != 0 ? wanted.size : parameters().cq_size, context);
    if (const int error = open_waiting(*made, wanted.wait_obj, wanted.wait_set)) return error;
    *cq = made.release();
    if (attr != nullptr && attr->format == FI_CQ_FORMAT_UNSPEC) attr->format = FI_CQ_FORMAT_CONTEXT;
    return 0;
  });
  if (opened == -FI_ENOMEM) ANCHOR_WARN(kCompletion, "no memory for a queue of %zu entries", wanted.size);
  return opened;
}

}  // namespace anchor
