// SPDX-License-Identifier: BSD-2-Clause
// Collects what the code under test logs. One at a time; not thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "os/log.h"

namespace anchor::unit {

struct LoggedLine {
  LogLevel level;
  LogArea area;
  std::string text;
};

class LogCapture {
 public:
  LogCapture() {
    lines().clear();
    set_log_sink(&kSink);
  }
  ~LogCapture() { set_log_sink(nullptr); }
  LogCapture(const LogCapture&) = delete;

  static std::vector<LoggedLine>& lines() {
    static std::vector<LoggedLine> collected;
    return collected;
  }
  static std::size_t warnings() {
    return static_cast<std::size_t>(std::count_if(
        lines().begin(), lines().end(), [](const LoggedLine& line) { return line.level == LogLevel::kWarn; }));
  }
  static bool warned_of(const std::string& text) {
    return std::any_of(lines().begin(), lines().end(), [&text](const LoggedLine& line) {
      return line.level == LogLevel::kWarn && line.text.find(text) != std::string::npos;
    });
  }

 private:
  static bool enabled(LogLevel level, LogArea) noexcept { return level != LogLevel::kDebug; }
  static void write(LogLevel level, LogArea area, const char*, int, const char* message) noexcept {
    lines().push_back({level, area, message});
  }
  static constexpr LogSink kSink{enabled, write};
};

}  // namespace anchor::unit
