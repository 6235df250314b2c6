// SPDX-License-Identifier: BSD-2-Clause
// anchor_window(1): sets a window up, shows and checks it, keeps a host's heartbeat, serves its doorbell.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "dma/doorbell_server.h"
#include "dma/window_device.h"
#include "dma/window_inspect.h"
#include "os/log.h"

using namespace anchor;

namespace {

constexpr int kMisuse = 2;

const char* const kUsage =
    "usage: anchor_window init|show|check|keep|serve [CONFIGURATION]\n"
    "  init   empties this host's partition and sets it up\n"
    "  show   what lies in each host's partition\n"
    "  check  whether this host and all others can use the window: exit status 0\n"
    "  keep   sends this host's heartbeat until it is ended, so that the death of processes is noticed sooner\n"
    "  serve  the same, and serves this host's doorbell to its processes\n"
    "CONFIGURATION: a file as in anchor_window(1); if it is not given, what FI_ANCHOR_WINDOW says\n";

bool warnings_only(LogLevel level, LogArea) noexcept { return level == LogLevel::kWarn; }
void print_warning(LogLevel, LogArea, const char*, int, const char* message) noexcept {
  std::fprintf(stderr, "anchor_window: %s\n", message);
}
constexpr LogSink kSink{warnings_only, print_warning};

int fail(const std::string& reason) {
  std::fprintf(stderr, "anchor_window: %s\n", reason.c_str());
  return EXIT_FAILURE;
}

std::string directory() {
  const char* given = std::getenv("FI_ANCHOR_SHM_DIR");
  return given != nullptr && *given != '\0' ? given : WindowSettings().directory;
}

int init(const WindowConfig& config, const std::string& path) {
  std::string reason;
  if (empty_partition(config, directory(), &reason) != 0) return fail(reason);
  // Set up at once, so that what is wrong with it is told now.
  if (WindowDevice::open({path, directory()}) == nullptr) return EXIT_FAILURE;
  const WindowPlace& place = config.partitions[config.host];
  std::printf("host %u of %zu: %llu bytes from %llu of %s\n", config.host, config.partitions.size(),
              static_cast<unsigned long long>(place.size), static_cast<unsigned long long>(place.offset),
              place.path.c_str());
  return EXIT_SUCCESS;
}

const char* describe(const PartitionReport& report) {
  switch (report.state) {
    case PartitionState::kNew:
      return "empty";
    case PartitionState::kValid:
      if (!report.beats) return "set up, its host is silent";
      return report.has_doorbell ? "in use, has a doorbell" : "in use";
    default:
      return "unusable";
  }
}

bool print_report(const WindowConfig& config, std::uint32_t host, const PartitionReport& report) {
  const WindowPlace& place = config.partitions[host];
  std::printf("host %u%s: %s; %llu bytes from %llu of %s\n", host, host == config.host ? " (this one)" : "",
              describe(report), static_cast<unsigned long long>(place.size),
              static_cast<unsigned long long>(place.offset), place.path.c_str());
  if (!report.reason.empty()) std::printf("  %s\n", report.reason.c_str());
  if (report.state != PartitionState::kValid) return report.state == PartitionState::kNew;
  std::printf("  generation %016llx, %zu endpoints\n", static_cast<unsigned long long>(report.generation),
              report.endpoints.size());
  return true;
}

int show(const WindowConfig& config) {
  std::vector<PartitionReport> reports;
  std::string reason;
  if (!inspect_window(config, &reports, &reason)) return fail(reason);
  for (std::uint32_t host = 0; host < reports.size(); ++host) {
    print_report(config, host, reports[host]);
    for (const std::string& name : reports[host].endpoints) std::printf("    %s\n", name.c_str());
  }
  return EXIT_SUCCESS;
}

int check(const WindowConfig& config) {
  std::vector<PartitionReport> reports;
  std::string reason;
  if (!inspect_window(config, &reports, &reason)) return fail(reason);
  bool usable = true;
  for (std::uint32_t host = 0; host < reports.size(); ++host) usable &= print_report(config, host, reports[host]);
  if (!usable) return fail("not all hosts agree: see above");
  return EXIT_SUCCESS;
}

// Readable once the process is to end; none, with a word, if that cannot be had.
UniqueFd take_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, number);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  UniqueFd signals(signalfd(-1, &ends, SFD_CLOEXEC));
  if (!signals) fail(std::string("signals cannot be waited for: ") + std::strerror(errno));
  return signals;
}

bool ends_within(const UniqueFd& signals, int milliseconds) {
  pollfd wanted{signals.get(), POLLIN, 0};
  return poll(&wanted, 1, milliseconds) > 0;
}

void say(const char* what) {
  std::printf("%s\n", what);
  std::fflush(stdout);
}

int keep(const std::string& path) {
  const UniqueFd signals = take_signals();
  if (!signals) return EXIT_FAILURE;
  const auto device = WindowDevice::open({path, directory()});
  if (device == nullptr || device->keep() != 0) return EXIT_FAILURE;
  say("kept");
  while (!ends_within(signals, -1)) continue;
  return EXIT_SUCCESS;
}

// The device stays with processes that a former server had given it to, until they end. -EINTR: we are to end before.
int wait_for_device(const WindowConfig& config, const UniqueFd& signals, std::unique_ptr<DoorbellDevice>* device) {
  int error = open_doorbell(config.doorbell, config.host, device);
  if (error == -EBUSY)
    std::fprintf(stderr, "anchor_window: %s: processes that a former one has served still have it: waiting for them\n",
                 config.doorbell.c_str());
  while (error == -EBUSY) {
    if (ends_within(signals, 200)) return -EINTR;
    error = open_doorbell(config.doorbell, config.host, device);
  }
  return error;
}

int serve(const WindowConfig& config, const std::string& path) {
  if (config.doorbell.empty()) return fail(path + ": doorbell = ... is missing");
  const UniqueFd signals = take_signals();
  if (!signals) return EXIT_FAILURE;
  const auto device = WindowDevice::open({path, directory()});
  if (device == nullptr || device->keep() != 0) return EXIT_FAILURE;
  std::unique_ptr<DoorbellDevice> doorbell;
  DoorbellServer server(device->window());
  if (server.claim() != 0) return EXIT_FAILURE;
  const int error = wait_for_device(config, signals, &doorbell);
  if (error == -EINTR) return EXIT_SUCCESS;
  if (error != 0 || server.open(*doorbell) != 0) return EXIT_FAILURE;
  say("served");
  return server.run(signals.get()) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(std::string_view command, const std::string& path) {
  WindowConfig config;
  std::string reason;
  if (!read_window_config(path, &config, &reason)) return fail(reason);
  if (command == "init") return init(config, path);
  if (command == "show") return show(config);
  if (command == "check") return check(config);
  if (command == "keep") return keep(path);
  if (command == "serve") return serve(config, path);
  std::fputs(kUsage, stderr);
  return kMisuse;
}

}  // namespace

int main(int argc, char** argv) {
  const char* path = argc > 2 ? argv[2] : std::getenv("FI_ANCHOR_WINDOW");
  const char* const commands[] = {"init", "show", "check", "keep", "serve"};
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const bool known = std::find(std::begin(commands), std::end(commands), command) != std::end(commands);
  if (!known || argc > 3 || path == nullptr) {
    if (known && path == nullptr) fail("no CONFIGURATION is given, and FI_ANCHOR_WINDOW is not set");
    std::fputs(kUsage, stderr);
    return kMisuse;
  }
  set_log_sink(&kSink);
  return run(argv[1], path);
}
