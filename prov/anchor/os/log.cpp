// SPDX-License-Identifier: BSD-2-Clause
#include "os/log.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>

namespace anchor {
namespace {

// Longer messages are cut: what matters (which value, what to do) is put first by every caller.
constexpr std::size_t kMessageSize = 1024;

// R: set_log_sink releases the sink's contents; A: the two readers acquire them.
std::atomic<const LogSink*> current_sink{nullptr};

}  // namespace

void set_log_sink(const LogSink* sink) noexcept { current_sink.store(sink, std::memory_order_release); }

bool log_enabled(LogLevel level, LogArea area) noexcept {
  const LogSink* sink = current_sink.load(std::memory_order_acquire);
  return sink != nullptr && sink->enabled(level, area);
}

void log_write(LogLevel level, LogArea area, const char* function, int line, const char* format, ...) noexcept {
  const LogSink* sink = current_sink.load(std::memory_order_acquire);
  if (sink == nullptr) return;
  char message[kMessageSize];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  // A format that cannot be written out (an encoding error) must not leave the line out: the format itself says most.
  sink->write(level, area, function, line, length < 0 ? format : message);
}

}  // namespace anchor
