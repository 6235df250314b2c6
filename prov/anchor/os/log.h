// SPDX-License-Identifier: BSD-2-Clause
// Logging without a fabric header: abi/ installs a sink that forwards to fi_log(3).
//
// The macros format nothing unless the sink wants the level, and none stands on a per-message path.
#pragma once

#include <cstdint>

namespace anchor {

enum class LogLevel : std::uint8_t { kWarn, kInfo, kDebug };
enum class LogArea : std::uint8_t { kCore, kFabric, kDomain, kEndpoint, kAddressVector, kCompletion, kEvent };

struct LogSink {
  bool (*enabled)(LogLevel, LogArea) noexcept;
  void (*write)(LogLevel, LogArea, const char* function, int line, const char* message) noexcept;
};

// Thread-safe; the sink must live as long as the library.
void set_log_sink(const LogSink* sink) noexcept;
bool log_enabled(LogLevel level, LogArea area) noexcept;
void log_write(LogLevel level, LogArea area, const char* function, int line, const char* format, ...) noexcept
    __attribute__((format(printf, 5, 6)));

}  // namespace anchor

#define ANCHOR_LOG(level, area, ...)                                                                            \
  do {                                                                                                          \
    if (::anchor::log_enabled(::anchor::LogLevel::level, ::anchor::LogArea::area))                              \
      ::anchor::log_write(::anchor::LogLevel::level, ::anchor::LogArea::area, __func__, __LINE__, __VA_ARGS__); \
  } while (0)
#define ANCHOR_WARN(area, ...) ANCHOR_LOG(kWarn, area, __VA_ARGS__)
#define ANCHOR_INFO(area, ...) ANCHOR_LOG(kInfo, area, __VA_ARGS__)
#define ANCHOR_DEBUG(area, ...) ANCHOR_LOG(kDebug, area, __VA_ARGS__)
