// SPDX-License-Identifier: BSD-2-Clause
// Work that waits until a counter has reached a value (fi_trigger(3)), and the completions of what has been started.
//
// One for each domain. Thread-safe by its own locks. Lock order: DeferredWork -> Endpoint -> its list of completions.
// The counters that work waits for outlive it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "core/atomic_work.h"
#include "core/counter.h"
#include "core/deferred_completion.h"
#include "core/intrusive_list.h"
#include "core/work_request.h"

namespace anchor {

class Endpoint;

class DeferredTask {
 public:
  virtual ~DeferredTask() = default;
  // 0: on its way, or done. -EAGAIN: not now. Anything else: it never will be, and that has been told.
  virtual int start() noexcept = 0;

  const Counter* trigger = nullptr;
  std::uint64_t threshold = 0;   // of successes and errors together
  const void* name = nullptr;    // that cancel() knows it by
  Endpoint* endpoint = nullptr;  // nullptr: none takes part
  std::shared_ptr<void> keeps;   // whatever must not go before it
};

class DeferredWork {
 public:
  // The completion of something that was started. Made by new; ended() counts, and deletes it.
  class Completion : public DeferredCompletion {
   public:
    explicit Completion(DeferredWork& owner, const Endpoint* endpoint) noexcept;
    ~Completion() override;
    void ended(bool success) noexcept final;

    Counter* counter = nullptr;  // nullptr: nobody counts
    std::shared_ptr<void> keeps;

   private:
    friend class DeferredWork;
    DeferredWork& owner_;
    const Endpoint* const endpoint_;
    Links<Completion> links_{};
  };

  DeferredWork() = default;
  DeferredWork(const DeferredWork&) = delete;
  DeferredWork& operator=(const DeferredWork&) = delete;
  ~DeferredWork();

  // May throw std::bad_alloc.
  void queue(std::unique_ptr<DeferredTask> task);
  // Whether there was a task of that name that had not been started.
  bool cancel(const void* name) noexcept;
  // Cancels all tasks that wait for this counter; nullptr: all tasks.
  void flush(const Counter* trigger) noexcept;
  // The endpoint is gone: so are its tasks and completions.
  void forget(const Endpoint* endpoint) noexcept;

  // Starts what is due: in the order of thresholds, and of queue() where those are equal.
  void start_due() noexcept;
  bool waiting() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }

 private:
  using Place = std::pair<std::uint64_t, std::uint64_t>;  // threshold, number
  using Tasks = std::map<Place, std::unique_ptr<DeferredTask>>;

  bool start_one_round() noexcept;
  template <class Condition>
  std::size_t drop_tasks(Condition&& condition) noexcept;

  std::mutex lock_;
  std::map<const Counter*, Tasks> tasks_;
  std::uint64_t next_number_ = 0;
  std::atomic<bool> wanted_{false};      // sequentially consistent: who finds the lock taken has said so before
  std::atomic<std::size_t> waiting_{0};  // relaxed: a hint for who makes progress; what it misses is found next time

  std::mutex started_lock_;
  IntrusiveList<Completion, &Completion::links_> started_;
};

// The tasks there are. What their works point to is copied.
std::unique_ptr<DeferredTask> defer(Endpoint& endpoint, const WorkRequest& work,
                                    std::unique_ptr<DeferredWork::Completion> completion);
std::unique_ptr<DeferredTask> defer(Endpoint& endpoint, const RemoteWork& work,
                                    std::unique_ptr<DeferredWork::Completion> completion);
std::unique_ptr<DeferredTask> defer(Endpoint& endpoint, const AtomicWork& work,
                                    std::unique_ptr<DeferredWork::Completion> completion);

// Sets the counter, or adds to it.
std::unique_ptr<DeferredTask> defer(Counter& counter, std::uint64_t value, bool adds);

}  // namespace anchor
