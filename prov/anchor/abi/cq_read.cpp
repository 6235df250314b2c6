// SPDX-License-Identifier: BSD-2-Clause
// Reading completions: one set of functions for each entry format, so that a read never asks which format it has.
#include <rdma/fi_errno.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "abi/cq.h"
#include "abi/cq_format.h"
#include "abi/patience.h"
#include "abi/unsupported.h"
#include "abi/wait_object.h"

namespace anchor {
namespace {

static_assert(-FI_EAGAIN == -EAGAIN && FI_EAVAIL == kErrorAvailable);  // the queue's results are libfabric's

template <class Entry>
ssize_t read(fid_cq* descriptor, void* buffer, std::size_t count) noexcept {
  auto* entries = static_cast<Entry*>(buffer);
  return Cq::from(descriptor).read(count, [entries](const Completion& completion, std::size_t position) {
    write_entry(completion, entries + position);
  });
}

template <class Entry>
ssize_t read_from(fid_cq* descriptor, void* buffer, std::size_t count, fi_addr_t* sources) noexcept {
  if (sources == nullptr) return read<Entry>(descriptor, buffer, count);
  auto* entries = static_cast<Entry*>(buffer);
  return Cq::from(descriptor).read(count, [entries, sources](const Completion& completion, std::size_t position) {
    write_entry(completion, entries + position);
    sources[position] = completion.source;
  });
}

// How many entries a blocking read waits for. Never more than the queue may hold, or it would wait for ever.
std::size_t entries_wanted(const Cq& cq, const void* condition, std::size_t capacity) noexcept {
  if (!cq.waits_for_threshold() || condition == nullptr) return 1;
  return std::clamp<std::size_t>(*static_cast<const std::size_t*>(condition), 1, capacity);
}

// fi_cq(3) forbids waiting where FI_WAIT_NONE was asked for.
template <class Entry>
ssize_t wait_from(fid_cq* descriptor, void* buffer, std::size_t count, fi_addr_t* sources, const void* condition,
                  int timeout) noexcept {
  Cq& cq = Cq::from(descriptor);
  if (cq.wait_object() == FI_WAIT_NONE) return -FI_EINVAL;
  const std::uint32_t seen = cq.signals_seen();
  const CompletionQueue& queue = cq.queue();
  const std::size_t wanted = entries_wanted(cq, condition, queue.capacity());
  const auto enough = [&] { return queue.size() >= wanted || queue.has_error(); };
  Patience patience(timeout);
  for (;;) {
    if (wanted > 1 && !enough()) cq.group().progress();
    const bool last = cq.signalled(seen) || patience.over();
    if (wanted == 1 || last || enough()) {
      const ssize_t result = read_from<Entry>(descriptor, buffer, count, sources);
      if (result != -FI_EAGAIN) return result;
    }
    if (last) return -FI_EAGAIN;
    if (!patience.sleeps()) continue;
    if (cq.wait_object() == FI_WAIT_YIELD) {
      ::sched_yield();
    } else {
      cq.group().sleep_until(patience.end(), [&] { return enough() || cq.signal_pending(seen); });
      patience.woke();
    }
  }
}

template <class Entry>
ssize_t wait(fid_cq* descriptor, void* buffer, std::size_t count, const void* condition, int timeout) noexcept {
  return wait_from<Entry>(descriptor, buffer, count, nullptr, condition, timeout);
}

// fi_cq_err_entry has no flags to be read with but FI_PEEK's kin, which fi_cq(3) does not define for it.
ssize_t read_error(fid_cq* descriptor, fi_cq_err_entry* entry, std::uint64_t flags) noexcept {
  return flags == 0 ? Cq::from(descriptor).read_error(entry) : -FI_EBADFLAGS;
}

int signal(fid_cq* descriptor) noexcept {
  Cq& cq = Cq::from(descriptor);
  if (cq.wait_object() == FI_WAIT_NONE) return -FI_ENOSYS;
  cq.signal();
  return 0;
}

const char* error_text(fid_cq*, int error, const void*, char* text, std::size_t size) noexcept {
  return provider_error_text(error, text, size);
}

template <class Entry>
fi_ops_cq ops_for{
    .size = sizeof(fi_ops_cq),
    .read = read<Entry>,
    .readfrom = read_from<Entry>,
    .readerr = read_error,
    .sread = wait<Entry>,
    .sreadfrom = wait_from<Entry>,
    .signal = signal,
    .strerror = error_text,
#ifdef FI_XPU  // libfabric 2.6
    .export_xpu = refuse<-FI_ENOSYS>,
#endif
};

}  // namespace

fi_ops_cq* cq_ops_for(fi_cq_format format) noexcept {
  switch (format) {
    case FI_CQ_FORMAT_UNSPEC:
    case FI_CQ_FORMAT_CONTEXT:
      return &ops_for<fi_cq_entry>;
    case FI_CQ_FORMAT_MSG:
      return &ops_for<fi_cq_msg_entry>;
    case FI_CQ_FORMAT_DATA:
      return &ops_for<fi_cq_data_entry>;
    case FI_CQ_FORMAT_TAGGED:
      return &ops_for<fi_cq_tagged_entry>;
  }
  return nullptr;
}

}  // namespace anchor
