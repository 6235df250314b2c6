// SPDX-License-Identifier: BSD-2-Clause
#include "scratch_directory.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>

#include <cstdlib>
#include <system_error>

namespace anchor::unit {
namespace {

constexpr const char* kFolder = "/dev/shm";
constexpr const char* kRun = "ANCHOR_UNIT_RUN";

// Before anything else in the program, and again in each of its children, which have it from there.
[[gnu::constructor]] void name_run() { ::setenv(kRun, std::to_string(::getpid()).c_str(), 0); }

std::string prefix() { return std::string("unit-test-") + std::getenv(kRun) + "-"; }

}  // namespace

ScratchDirectory::ScratchDirectory() : path_(std::string(kFolder) + "/" + prefix() + "XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

ScratchDirectory::~ScratchDirectory() {
  if (::getpid() == maker_) std::filesystem::remove_all(path_);
}

}  // namespace anchor::unit

ReportHook(POST_ALL)(criterion_global_stats*) {
  std::error_code error;  // a child that was left behind may be at it still
  for (const auto& entry : std::filesystem::directory_iterator(anchor::unit::kFolder, error))
    if (entry.path().filename().string().starts_with(anchor::unit::prefix()))
      std::filesystem::remove_all(entry.path(), error);
}
