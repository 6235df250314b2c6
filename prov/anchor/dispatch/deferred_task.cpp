// SPDX-License-Identifier: BSD-2-Clause
// Requests that start later: everything that they point to is kept with them.
#include <algorithm>
#include <cerrno>

#include "dispatch/deferred_work.h"
#include "dispatch/endpoint.h"

namespace anchor {
namespace {

using Completion = DeferredWork::Completion;

// A list of segments of its own.
struct Segments {
  Segments(const iovec* segments, std::uint32_t segment_count) noexcept { std::copy_n(segments, segment_count, list); }
  iovec list[kMaxSegments];
};

class RequestTask : public DeferredTask {
 public:
  RequestTask(Endpoint& with, const WorkRequest& work, std::unique_ptr<Completion> completion) noexcept
      : work_(work), segments_(work.segments, work.segment_count), completion_(std::move(completion)) {
    endpoint = &with;
    work_.segments = segments_.list;
    if (completion_ == nullptr) return;
    completion_->context = work.context;
    work_.context = completion_.get();
    work_.flags |= kDeferred;
  }

  // From the moment that the endpoint has taken it on, the completion is the request's: it may have ended already.
  int start() noexcept final {
    Completion* const completion = completion_.release();
    const int error = submit();
    if (error == -EAGAIN) completion_.reset(completion);
    if (error != 0 && error != -EAGAIN) endpoint->report_failure(work_, -error);
    return error;
  }

 protected:
  virtual int submit() noexcept { return endpoint->submit(work_); }

  WorkRequest work_;

 private:
  Segments segments_;
  std::unique_ptr<Completion> completion_;
};

class RemoteTask : public RequestTask {
 public:
  RemoteTask(Endpoint& with, const RemoteWork& work, std::unique_ptr<Completion> completion) noexcept
      : RequestTask(with, work.base, std::move(completion)), target_count_(work.target_count) {
    std::copy_n(work.targets, work.target_count, targets_);
  }

 protected:
  RemoteWork remote() const noexcept { return {work_, target_count_, targets_}; }
  int submit() noexcept override { return endpoint->submit_remote(remote()); }

 private:
  std::uint32_t target_count_;
  RemoteTarget targets_[kMaxSegments];
};

class AtomicTask final : public RemoteTask {
 public:
  AtomicTask(Endpoint& with, const AtomicWork& work, std::unique_ptr<Completion> completion) noexcept
      : RemoteTask(with, work.remote, std::move(completion)),
        atomic_(work),
        compares_(work.compares, work.compare_count),
        results_(work.results, work.result_count) {}

 private:
  int submit() noexcept override {
    atomic_.remote = remote();
    atomic_.compares = compares_.list;
    atomic_.results = results_.list;
    return endpoint->submit_atomic(atomic_);
  }

  AtomicWork atomic_;
  Segments compares_;
  Segments results_;
};

class CounterTask final : public DeferredTask {
 public:
  CounterTask(Counter& counter, std::uint64_t value, bool adds) noexcept
      : counter_(counter), value_(value), adds_(adds) {}

  int start() noexcept override {
    if (adds_) counter_.add(value_);
    if (!adds_) counter_.set(value_);
    return 0;
  }

 private:
  Counter& counter_;
  const std::uint64_t value_;
  const bool adds_;
};

}  // namespace

std::unique_ptr<DeferredTask> defer(Endpoint& endpoint, const WorkRequest& work,
                                    std::unique_ptr<Completion> completion) {
  return std::make_unique<RequestTask>(endpoint, work, std::move(completion));
}

std::unique_ptr<DeferredTask> defer(Endpoint& endpoint, const RemoteWork& work,
                                    std::unique_ptr<Completion> completion) {
  return std::make_unique<RemoteTask>(endpoint, work, std::move(completion));
}

std::unique_ptr<DeferredTask> defer(Endpoint& endpoint, const AtomicWork& work,
                                    std::unique_ptr<Completion> completion) {
  return std::make_unique<AtomicTask>(endpoint, work, std::move(completion));
}

std::unique_ptr<DeferredTask> defer(Counter& counter, std::uint64_t value, bool adds) {
  return std::make_unique<CounterTask>(counter, value, adds);
}

}  // namespace anchor
