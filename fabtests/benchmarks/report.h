// SPDX-License-Identifier: BSD-2-Clause
//
// Report: the results of one test on standard output, one JSON object a line, for the driver to read.
// A metric is named once here and keeps its name up to the table and the chart. One thread; not owned.
#pragma once

#include <cstddef>
#include <string>

#include "stopwatch.h"

namespace anchor::bench {

class Report {
 public:
  explicit Report(const char* test) : test_(test) {}

  // `key` is what the metric depends on: bytes of a message, or how many were ahead.
  void percentiles(const char* metric, std::size_t key, const Percentiles& values) const;
  void value(const char* metric, std::size_t key, double value) const;
  void error(const std::string& message) const;

 private:
  const char* test_;
};

}  // namespace anchor::bench
