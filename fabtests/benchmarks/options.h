// SPDX-License-Identifier: BSD-2-Clause
//
// What one run of the worker is asked to measure: filled from the command line once, read-only afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace anchor::bench {

struct Options {
  std::string provider;              // empty for the raw limits
  std::string source;                // node to bind to; empty: the provider's choice
  std::vector<std::string> hosts;    // leader, peer: their windows' configuration files; empty: no window device
  std::vector<std::string> tests;    // in this order
  std::vector<std::size_t> sizes;    // bytes; empty: each test's own range
  std::array<int, 2> cores{-1, -1};  // leader, peer; -1: the first two this process may use
  unsigned milliseconds = 20;        // how long one measured point lasts, about
  unsigned ahead = 10000;            // matching: messages or receives ahead
  unsigned idle_peers = 500;
  unsigned memory_peers = 64;
  unsigned seconds = 30;  // a test that lasts longer is killed
};

// Throws std::runtime_error with a message for the user.
Options parse_options(int argc, char** argv);

// Powers of two (times `first`) from first to last, or what the user asked for instead within that range.
std::vector<std::size_t> sizes_between(const Options& options, std::size_t first, std::size_t last);

}  // namespace anchor::bench
