// SPDX-License-Identifier: BSD-2-Clause
#include "check.h"

#include <rdma/fi_errno.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <utility>

namespace anchor::fabtests {

namespace {

constexpr int kPrintedFailures = 6;  // a broken loop shall not drown the first, telling lines
std::atomic<int> failures{0};

const char* base_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

}  // namespace

void note_failure(Place place, const std::string& text) {
  if (failures.fetch_add(1) >= kPrintedFailures) return;
  std::printf("%s:%d: %s\n", base_name(place.file), place.line, text.c_str());
  std::fflush(stdout);
}

int failure_count() noexcept { return failures.load(); }

void abandon() { throw Abandoned{}; }

void skip(std::string reason) { throw Skipped{std::move(reason)}; }

std::string describe_code(long long value) {
  std::string text = std::to_string(value);
  if (value < 0 && value > -1000) text += std::string(" (") + fi_strerror(static_cast<int>(-value)) + ")";
  return text;
}

bool check_true(Place place, std::string_view text, bool holds) {
  if (!holds) note_failure(place, std::string(text) + ": expected true, got false");
  return holds;
}

bool check_success(Place place, std::string_view text, long long code) {
  if (code >= 0) return true;
  note_failure(place, std::string(text) + ": expected success, got " + describe_code(code));
  return false;
}

}  // namespace anchor::fabtests
