// SPDX-License-Identifier: BSD-2-Clause
#include "window_hosts.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "deadline.h"

namespace anchor::fabtests {

namespace {

constexpr long kWindowBytes = 256L << 20;  // what endpoints do not use takes no memory but is reserved
constexpr int kHosts = 2;
constexpr double kTimeout = 2000;  // ms

std::string folder() {
  const char* given = std::getenv("FABTESTS_WINDOW_FOLDER");
  return given != nullptr ? given : "/dev/shm/fabtests-window";
}

std::string configuration(int host) { return folder() + "/host" + std::to_string(host); }

}  // namespace

bool on_window() {
  const char* device = std::getenv("FABTESTS_DEVICE");
  return device != nullptr && std::strcmp(device, "window") == 0;
}

void prepare_window() {
  const std::string memory = folder() + "/memory";
  if (std::filesystem::exists(memory)) return;
  std::filesystem::create_directories(folder());
  std::ofstream(memory).flush();
  if (truncate(memory.c_str(), kWindowBytes) != 0) throw std::runtime_error("cannot make " + memory);
  for (int host = 0; host < kHosts; ++host) {
    std::ofstream file(configuration(host));
    file << "path = " << memory << "\nhosts = " << kHosts << "\nhost = " << host
         << "\ntimeout = " << static_cast<long>(kTimeout * time_scale()) << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + configuration(host));
  }
}

std::vector<std::string> window_environment(int rank) {
  return {"FI_ANCHOR_DEVICES=window", "FI_ANCHOR_WINDOW=" + configuration(rank % kHosts)};
}

}  // namespace anchor::fabtests
