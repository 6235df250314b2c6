// SPDX-License-Identifier: BSD-2-Clause
//
// Solo: repetitions of what one side does to the other's memory alone. The peer keeps its library working, which some
// providers need of it, until it is told in its memory that a stretch is over: no system call disturbs it.
#pragma once

#include <utility>

#include "exchange.h"
#include "window.h"

namespace anchor::bench {

template <typename Work>
class Solo {
 public:
  // `work` is one repetition, after which nothing is pending. `received`: what a trial must leave in this side's
  // memory, if anything.
  Solo(Connection& connection, Window& window, ConstBytes received, Work work)
      : endpoint_(connection.endpoint()), window_(window), received_(received), work_(std::move(work)) {}

  ConstBytes received() const { return received_; }
  void post_first() {}

  void lead(std::uint64_t repetitions, Stopwatch& stopwatch) {
    stopwatch.start();
    for (std::uint64_t i = 1; i <= repetitions; ++i) {
      work_();
      if (i % lap_ == 0) stopwatch.mark();
    }
    window_.tell(++stretch_);
    endpoint_.wait_all();
  }
  void follow(std::uint64_t) { window_.await(++stretch_); }

  void choose_lap(double nanoseconds) { lap_ = lap_for(nanoseconds); }
  std::uint64_t repetitions_in_a_lap() const { return lap_; }

 private:
  Endpoint& endpoint_;
  Window& window_;
  ConstBytes received_;
  Work work_;
  std::uint64_t lap_ = 1;
  std::uint64_t stretch_ = 0;
};

}  // namespace anchor::bench
