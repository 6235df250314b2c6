// SPDX-License-Identifier: BSD-2-Clause
// A window of two hosts over one file, in a directory of its own; each host's own file lies there, too.
#pragma once

#include <criterion/criterion.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>

#include "../os/child_process.h"
#include "../os/log_capture.h"
#include "../os/scratch_directory.h"
#include "dma/window_device.h"
#include "shm_place.h"

namespace anchor::unit {

struct WindowPlaces {
  explicit WindowPlaces(long bytes = 16 << 20) {
    std::ofstream(scratch.file("memory")).flush();
    cr_assert_eq(::truncate(scratch.file("memory").c_str(), bytes), 0);
    for (int host = 0; host < 2; ++host)
      write_config(host, "hosts = 2\nhost = " + std::to_string(host) + "\ntimeout = 30000\n");
  }

  std::string config_file(int host) const { return scratch.file("host" + std::to_string(host)); }
  void write_config(int host, const std::string& lines) const {
    std::ofstream file(config_file(host));
    file << "path = " << scratch.file("memory") << "\n" << lines;
  }
  WindowConfig config(int host) const {
    WindowConfig config;
    std::string reason;
    cr_assert(read_window_config(config_file(host), &config, &reason), "%s", reason.c_str());
    return config;
  }
  std::unique_ptr<WindowDevice> device(int host) const {
    return WindowDevice::open({config_file(host), scratch.path()});
  }

  ScratchDirectory scratch;
};

inline std::unique_ptr<LocalRegion> region_on(WindowDevice& device, const std::string& name,
                                              std::size_t header_size = kPageSize) {
  std::unique_ptr<LocalRegion> region;
  const int error = device.create(named(name), header_size, &region);
  return error == 0 && region->publish() == 0 ? std::move(region) : nullptr;
}

// Until the heartbeat has told the device of it.
inline std::unique_ptr<RemoteRegion> attached_to(WindowDevice& device, const std::string& name) {
  std::unique_ptr<RemoteRegion> region;
  const TimePoint end = Clock::now() + Milliseconds(20000);
  while (device.attach(named(name), &region) != 0 && Clock::now() < end) ::usleep(1000);
  return region;
}

template <class Condition>
bool comes_true(Condition condition) {
  const TimePoint end = Clock::now() + Milliseconds(20000);
  while (!condition()) {
    if (Clock::now() > end) return false;
    ::usleep(1000);
  }
  return true;
}

}  // namespace anchor::unit
