// SPDX-License-Identifier: BSD-2-Clause
#include "window_hosts.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "deadline.h"
#include "shared_memory.h"

namespace anchor::fabtests {

namespace {

constexpr long kWindowBytes = 256L << 20;  // what endpoints do not use takes no memory but is reserved
constexpr int kHosts = 2;
constexpr double kTimeout = 5000;  // ms: a busy machine is no dead host

std::string device() {
  const char* given = std::getenv("FABTESTS_DEVICE");
  return given != nullptr ? given : "";
}

std::string memory_type() {
  const char* given = std::getenv("FABTESTS_WINDOW_MEMORY");
  return given != nullptr ? given : "coherent";
}

std::string folder() {
  const char* given = std::getenv("FABTESTS_WINDOW_FOLDER");
  return given != nullptr ? given : "/dev/shm/fabtests-window";
}

std::string configuration(int host) { return folder() + "/host" + std::to_string(host); }

// Beside the plugin's folder in the build tree, unless FABTESTS_WINDOW_TOOL says where.
std::string tool() {
  if (const char* given = std::getenv("FABTESTS_WINDOW_TOOL")) return given;
  const char* plugins = std::getenv("FI_PROVIDER_PATH");
  return std::string(plugins != nullptr ? plugins : ".") + "/../../../tools/anchor_window";
}

pid_t keepers[kHosts] = {};  // ours

// Returns once it is at it. It ends with us.
void keep_host(int host) {
  int output[2];
  if (pipe(output) != 0) throw std::runtime_error("pipe");
  const std::string program = tool(), file = configuration(host);
  const pid_t process = fork();
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output[1], STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), with_doorbell() ? "serve" : "keep", file.c_str(), nullptr);
    _exit(127);
  }
  close(output[1]);
  char byte;
  const bool kept = process > 0 && read(output[0], &byte, 1) == 1;
  close(output[0]);
  keepers[host] = process;
  std::ofstream(file + ".server") << process;
  if (!kept) throw std::runtime_error("cannot run " + program);
}

// Those that a test has killed.
void replace_keepers() {
  for (int host = 0; host < kHosts; ++host)
    if (keepers[host] > 0 && waitpid(keepers[host], nullptr, WNOHANG) != 0) keep_host(host);
}

}  // namespace

bool on_window() { return device() == "window" || device() == "both"; }

bool on_simulated_memory() { return on_window() && memory_type() == "simulated"; }

bool with_doorbell() { return on_window() && std::getenv("FABTESTS_WINDOW_DOORBELL") != nullptr; }

bool can_prepare_window() { return shared_memory_is_private() || std::getenv("FABTESTS_WINDOW_FOLDER") != nullptr; }

void prepare_window() {
  const std::string memory = folder() + "/memory";
  if (std::filesystem::exists(memory)) return replace_keepers();
  std::filesystem::create_directories(folder());
  std::ofstream(memory).flush();
  if (truncate(memory.c_str(), kWindowBytes) != 0) throw std::runtime_error("cannot make " + memory);
  for (int host = 0; host < kHosts; ++host) {
    std::ofstream file(configuration(host));
    file << "path = " << memory << "\nmemory = " << memory_type() << "\nhosts = " << kHosts << "\nhost = " << host
         << "\ntimeout = " << static_cast<long>(kTimeout * time_scale()) << "\n";
    if (with_doorbell()) file << "doorbell = socket:" << folder() << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + configuration(host));
    file.close();
    keep_host(host);
  }
}

std::vector<std::string> window_environment(int rank) {
  const bool both = device() == "both";
  const int host = (both ? rank / 2 : rank) % kHosts;
  return {std::string("FI_ANCHOR_DEVICES=") + (both ? "shm,window" : "window"),
          "FI_ANCHOR_WINDOW=" + configuration(host)};
}

}  // namespace anchor::fabtests
