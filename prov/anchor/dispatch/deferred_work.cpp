// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/deferred_work.h"

#include <cerrno>

namespace anchor {

DeferredWork::Completion::Completion(DeferredWork& owner, const Endpoint* endpoint) noexcept
    : owner_(owner), endpoint_(endpoint) {
  const std::lock_guard guard(owner_.started_lock_);
  owner_.started_.push_back(this);
}

DeferredWork::Completion::~Completion() {
  const std::lock_guard guard(owner_.started_lock_);
  owner_.started_.remove(this);
}

void DeferredWork::Completion::ended(bool success) noexcept {
  if (counter != nullptr) {
    if (success) counter->add();
    if (!success) counter->add_error();
  }
  delete this;
}

DeferredWork::~DeferredWork() { forget(nullptr); }

void DeferredWork::queue(std::unique_ptr<DeferredTask> task) {
  const std::lock_guard guard(lock_);
  const Place place{task->threshold, next_number_++};
  Tasks& tasks = tasks_[task->trigger];
  tasks.emplace(place, std::move(task));
  waiting_.fetch_add(1, std::memory_order_relaxed);
}

template <class Condition>
std::size_t DeferredWork::drop_tasks(Condition&& condition) noexcept {
  std::size_t dropped = 0;
  {
    const std::lock_guard guard(lock_);
    for (auto& [counter, tasks] : tasks_)
      dropped += std::erase_if(tasks, [&](const Tasks::value_type& placed) { return condition(*placed.second); });
    std::erase_if(tasks_, [](const auto& entry) { return entry.second.empty(); });
    waiting_.fetch_sub(dropped, std::memory_order_relaxed);
  }
  // Who found the lock taken meanwhile has gone, and may be asleep by now.
  if (wanted_.load(std::memory_order_seq_cst)) start_due();
  return dropped;
}

bool DeferredWork::cancel(const void* name) noexcept {
  return drop_tasks([&](const DeferredTask& task) { return task.name == name; }) != 0;
}

void DeferredWork::flush(const Counter* trigger) noexcept {
  drop_tasks([&](const DeferredTask& task) { return trigger == nullptr || task.trigger == trigger; });
}

void DeferredWork::forget(const Endpoint* endpoint) noexcept {
  drop_tasks([&](const DeferredTask& task) { return endpoint == nullptr || task.endpoint == endpoint; });
  for (;;) {
    Completion* found = nullptr;
    {
      const std::lock_guard guard(started_lock_);
      started_.for_each([&](Completion* completion) {
        if (endpoint == nullptr || completion->endpoint_ == endpoint) found = completion;
        return found == nullptr;
      });
    }
    if (found == nullptr) return;
    delete found;
  }
}

// Each task that is started may let a counter reach the value that another one waits for.
void DeferredWork::start_due() noexcept {
  wanted_.store(true, std::memory_order_seq_cst);
  do {
    const std::unique_lock guard(lock_, std::try_to_lock);
    if (!guard) return;  // another thread is at it, and sees that more is wanted
    while (wanted_.exchange(false, std::memory_order_seq_cst))
      while (start_one_round()) continue;
  } while (wanted_.load(std::memory_order_seq_cst));
}

bool DeferredWork::start_one_round() noexcept {
  bool started = false;
  for (auto entry = tasks_.begin(); entry != tasks_.end();) {
    const Counter& counter = *entry->first;
    Tasks& tasks = entry->second;
    while (!tasks.empty() && tasks.begin()->first.first <= counter.value() + counter.errors()) {
      if (tasks.begin()->second->start() == -EAGAIN) break;
      tasks.erase(tasks.begin());
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      started = true;
    }
    entry = tasks.empty() ? tasks_.erase(entry) : std::next(entry);
  }
  return started;
}

}  // namespace anchor
