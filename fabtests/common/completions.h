// SPDX-License-Identifier: BSD-2-Clause
// Reads a completion queue opened with FI_CQ_FORMAT_TAGGED and keeps what it read until the test asks for it.
//
// Not thread-safe; does not own the queue.
#pragma once

#include <rdma/fi_eq.h>

#include <deque>
#include <string>

#include "pattern.h"

namespace anchor::fabtests {

// A completion, or an error entry.
struct Entry {
  void* context = nullptr;
  std::uint64_t flags = 0;
  std::size_t length = 0;
  void* buffer = nullptr;
  std::uint64_t data = 0;
  std::uint64_t tag = 0;
  fi_addr_t source = FI_ADDR_NOTAVAIL;
  int error = 0;  // positive; 0: success
  std::size_t overflow = 0;
  Bytes error_data = {};
};

std::string describe(const Entry& entry);

class Completions {
 public:
  Completions() = default;
  Completions(fid_cq* queue, bool with_source) : queue_(queue), with_source_(with_source) {}

  // Reads what there is. False when there was nothing.
  bool poll();
  bool empty() const noexcept { return ready_.empty(); }
  std::size_t size() const noexcept { return ready_.size(); }
  const Entry& front() const { return ready_.front(); }
  Entry take();
  fid_cq* queue() const noexcept { return queue_; }

 private:
  bool read_error();

  fid_cq* queue_ = nullptr;
  bool with_source_ = false;
  std::deque<Entry> ready_;
};

}  // namespace anchor::fabtests
