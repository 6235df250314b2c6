// SPDX-License-Identifier: BSD-2-Clause
#include "report.h"

#include <cstdio>

namespace anchor::bench {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result + '"';
}

}  // namespace

void Report::percentiles(const char* metric, std::size_t key, const Percentiles& values) const {
  std::printf(
      "{\"test\": \"%s\", \"metric\": \"%s\", \"key\": %zu, "
      "\"p50\": %.6g, \"p90\": %.6g, \"p99\": %.6g, \"mean\": %.6g}\n",
      test_, metric, key, values.p50, values.p90, values.p99, values.mean);
  std::fflush(stdout);
}

void Report::value(const char* metric, std::size_t key, double value) const {
  std::printf("{\"test\": \"%s\", \"metric\": \"%s\", \"key\": %zu, \"p50\": %.6g}\n", test_, metric, key, value);
  std::fflush(stdout);
}

void Report::error(const std::string& message) const {
  std::printf("{\"test\": \"%s\", \"error\": %s}\n", test_, quoted(message).c_str());
  std::fflush(stdout);
}

}  // namespace anchor::bench
