// SPDX-License-Identifier: BSD-2-Clause
#include "abi/log_sink.h"

#include <rdma/providers/fi_log.h>

#include <cerrno>

#include "abi/provider.h"
#include "os/log.h"

namespace anchor {
namespace {

fi_log_level fabric_level(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kWarn:
      return FI_LOG_WARN;
    case LogLevel::kInfo:
      return FI_LOG_INFO;
    case LogLevel::kDebug:
      break;
  }
  return FI_LOG_DEBUG;
}

fi_log_subsys fabric_subsystem(LogArea area) noexcept {
  switch (area) {
    case LogArea::kFabric:
      return FI_LOG_FABRIC;
    case LogArea::kDomain:
      return FI_LOG_DOMAIN;
    case LogArea::kEndpoint:
      return FI_LOG_EP_CTRL;
    case LogArea::kAddressVector:
      return FI_LOG_AV;
    case LogArea::kCompletion:
      return FI_LOG_CQ;
    case LogArea::kEvent:
      return FI_LOG_EQ;
    case LogArea::kCore:
      break;
  }
  return FI_LOG_CORE;
}

bool enabled(LogLevel level, LogArea area) noexcept {
  return fi_log_enabled(&provider(), fabric_level(level), fabric_subsystem(area)) != 0;
}

void write(LogLevel level, LogArea area, const char* function, int line, const char* message) noexcept {
  const int saved = errno;
  fi_log(&provider(), fabric_level(level), fabric_subsystem(area), function, line, "%s\n", message);
  errno = saved;
}

constexpr LogSink kSink{.enabled = enabled, .write = write};

}  // namespace

void install_log_sink() noexcept { set_log_sink(&kSink); }

}  // namespace anchor
