// SPDX-License-Identifier: BSD-2-Clause
// The list of tests linked into a program.
//
//   TEST(name, .ranks = 2) { ... team.rank() ... }
//
// The body is run by every rank, each in a process of its own that was started by exec. Filled before main, read-only
// afterwards.
#pragma once

#include <string>
#include <vector>

namespace anchor::fabtests {

class Team;

struct TestOptions {
  int ranks = 1;
  double seconds = 20;                        // for the whole test; then its processes are killed and it has failed
  unsigned mortal = 0;                        // bit mask of ranks that may die by SIGKILL
  int restarts = 0;                           // how often a mortal rank is started anew after its death
  bool anchor_only = false;                   // tests what other providers do not promise
  bool root_only = false;                     // needs mount namespaces or other users
  bool shm_only = false;                      // of files in /dev/shm, or of what needs the target's memory in reach
  bool window_only = false;                   // of memory in the window
  std::vector<std::string> environment = {};  // "NAME=value" for every rank
};

using TestBody = void (*)(Team&);

struct Test {
  std::string name;
  TestOptions options;
  TestBody body;
};

std::vector<Test>& all_tests();

struct Registration {
  Registration(const char* name, TestOptions options, TestBody body) {
    all_tests().push_back({name, std::move(options), body});
  }
};

}  // namespace anchor::fabtests

#define TEST(name, ...)                                                                                 \
  static void body_##name(::anchor::fabtests::Team&);                                                   \
  static const ::anchor::fabtests::Registration registration_##name(#name, {__VA_ARGS__}, body_##name); \
  static void body_##name([[maybe_unused]] ::anchor::fabtests::Team& team)

// One body under another name and other options.
#define TEST_AGAIN(name, body_of, ...) \
  static const ::anchor::fabtests::Registration registration_##name(#name, {__VA_ARGS__}, body_##body_of)
