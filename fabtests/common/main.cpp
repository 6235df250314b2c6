// SPDX-License-Identifier: BSD-2-Clause
// The main program of every multi-process test: lists tests, runs them, speaks TAP (https://testanything.org).
//
//   PROGRAM [--list] [--verbose] [--provider NAME] [--seed N] [--repeat N] [PATTERN ...]
//
// Environment: FI_PROVIDER (the provider under test, default anchor), FABTESTS_SEED, FABTESTS_TIME_SCALE,
// FABTESTS_DEVICE (window, both) and FABTESTS_WINDOW_MEMORY: see window_hosts.h,
// FABTESTS_NAMES (patterns of tests' names, if there are none on the command line),
// FABTESTS_WRAPPER (words put before each rank's command, e.g. a program that chooses another libfabric).
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "check.h"
#include "hub.h"
#include "shared_memory.h"
#include "team.h"
#include "window_hosts.h"

namespace anchor::fabtests {

namespace {

struct CommandLine {
  bool list = false;
  bool verbose = false;
  int repeat = 1;
  std::uint64_t seed = 1;
  std::vector<std::string> patterns;
  std::string role;  // we are a rank of this test
  Team::Identity identity;
};

std::string own_path() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

void take_value(CommandLine& line, const std::string& option, const char* value) {
  if (option == "--provider") setenv("FI_PROVIDER", value, 1);
  if (option == "--seed") line.seed = std::strtoull(value, nullptr, 0);
  if (option == "--repeat") line.repeat = std::atoi(value);
  if (option == "--role") line.role = value;
  if (option == "--rank") line.identity.rank = std::atoi(value);
  if (option == "--generation") line.identity.generation = std::atoi(value);
  if (option == "--fd") line.identity.fd = std::atoi(value);
}

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  if (const char* seed = std::getenv("FABTESTS_SEED")) line.seed = std::strtoull(seed, nullptr, 0);
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--list") {
      line.list = true;
    } else if (word == "--verbose") {
      line.verbose = true;
    } else if (word.compare(0, 2, "--") == 0 && i + 1 < argc) {
      take_value(line, word, argv[++i]);
    } else {
      line.patterns.push_back(word);
    }
  }
  const char* names = std::getenv("FABTESTS_NAMES");
  if (names != nullptr && line.patterns.empty()) {
    std::istringstream words{names};
    for (std::string word; words >> word;) line.patterns.push_back(word);
  }
  return line;
}

bool selected(const Test& test, const CommandLine& line) {
  const auto matches = [&](const std::string& p) { return fnmatch(p.c_str(), test.name.c_str(), 0) == 0; };
  return line.patterns.empty() || std::any_of(line.patterns.begin(), line.patterns.end(), matches);
}

int finish_rank() { return failure_count() == 0 ? EXIT_SUCCESS : EXIT_FAILURE; }

int run_rank(const Test& test, const CommandLine& line) {
  Team::Identity identity = line.identity;
  identity.size = test.options.ranks;
  identity.seed = line.seed;
  try {
    Team team(identity);
    test.body(team);
  } catch (const Abandoned&) {
    return EXIT_FAILURE;
  } catch (const Skipped& skipped) {
    if (failure_count() > 0) return EXIT_FAILURE;
    std::printf("SKIP: %s\n", skipped.reason.c_str());
    return kSkipStatus;
  } catch (const std::exception& error) {
    std::printf("exception: %s\n", error.what());
    return EXIT_FAILURE;
  }
  return finish_rank();
}

std::string reason_to_leave_out(const Test& test) {
  if (test.options.anchor_only && !Team::provider_is_anchor()) return "asks for more than this provider promises";
  if (test.options.shm_only && on_window()) return "not of the window device";
  if (test.options.window_only && !on_window()) return "of the window device";
  if (on_window() && !can_prepare_window()) return "a window of its own needs root";
  if (test.options.root_only && geteuid() != 0) return "needs to be root";
  return {};
}

void print_outcome(int number, const Test& test, std::uint64_t seed, const Outcome& outcome, bool verbose) {
  const bool failed = outcome.verdict == Verdict::kFailed;
  if (failed || verbose) {
    for (const std::string& text : outcome.output) std::printf("# %s\n", text.c_str());
  }
  std::string note;
  if (outcome.verdict == Verdict::kSkipped) note = " # SKIP " + outcome.reason;
  if (failed) {
    std::printf("# %s (seed %llu): %s\n", test.name.c_str(), static_cast<unsigned long long>(seed),
                outcome.reason.c_str());
  }
  std::printf("%s %d - %s%s\n", failed ? "not ok" : "ok", number, test.name.c_str(), note.c_str());
  if (verbose) std::printf("# %.2f s\n", outcome.seconds);
  std::fflush(stdout);
}

RunSettings settings_for(const CommandLine& line) {
  RunSettings settings;
  if (const char* wrapper = std::getenv("FABTESTS_WRAPPER")) {
    std::istringstream words(wrapper);
    for (std::string word; words >> word;) settings.command.push_back(word);
  }
  settings.command.push_back(own_path());
  settings.seed = line.seed;
  return settings;
}

// Who ends in order leaves nothing behind. What killed ranks left is the next start's affair, and what a failed test
// left is no longer anybody's.
Outcome judge_leftovers(const Test& test, Outcome outcome) {
  if (!shared_memory_is_private()) return outcome;
  if (outcome.verdict == Verdict::kPassed && test.options.mortal == 0) {
    for (const std::string& name : regions_in_shared_memory()) {
      outcome.verdict = Verdict::kFailed;
      outcome.reason = "left behind: /dev/shm/" + name;
    }
  }
  if (outcome.verdict != Verdict::kPassed) empty_private_shared_memory();
  return outcome;
}

Outcome run_one(const Test& test, const RunSettings& settings) {
  const std::string left_out = reason_to_leave_out(test);
  if (left_out.empty() && on_window()) prepare_window();
  if (left_out.empty()) return judge_leftovers(test, Hub(test, settings).run());
  Outcome outcome;
  outcome.verdict = Verdict::kSkipped;
  outcome.reason = left_out;
  return outcome;
}

int run_all(const std::vector<Test>& tests, const CommandLine& line) {
  // Our own path first: in a chroot, a new mount namespace makes the kernel tell it as it is outside.
  RunSettings settings = settings_for(line);
  enter_private_shared_memory();
  int counts[3] = {0, 0, 0};
  int number = 0;
  std::printf("1..%zu\n# provider %s, seed %llu\n", tests.size() * static_cast<std::size_t>(line.repeat),
              Team::provider().c_str(), static_cast<unsigned long long>(line.seed));
  for (int round = 0; round < line.repeat; ++round) {
    for (const Test& test : tests) {
      const Outcome outcome = run_one(test, settings);
      ++counts[static_cast<int>(outcome.verdict)];
      print_outcome(++number, test, settings.seed, outcome, line.verbose);
    }
    ++settings.seed;  // each round is another one, and can be had alone by its seed
  }
  std::printf("# passed %d, failed %d, skipped %d\n", counts[0], counts[1], counts[2]);
  return counts[1] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(int argc, char** argv) {
  const CommandLine line = parse(argc, argv);
  setenv("FI_PROVIDER", Team::provider().c_str(), 0);
  std::vector<Test> tests;
  for (const Test& test : all_tests()) {
    if (test.name == line.role) return run_rank(test, line);
    if (selected(test, line)) tests.push_back(test);
  }
  // The order of registration depends on the linker; the order of names does not.
  std::sort(tests.begin(), tests.end(), [](const Test& a, const Test& b) { return a.name < b.name; });
  if (!line.list) return run_all(tests, line);
  for (const Test& test : tests) std::printf("%s\n", test.name.c_str());
  return EXIT_SUCCESS;
}

}  // namespace

double time_scale() noexcept {
  static const char* text = std::getenv("FABTESTS_TIME_SCALE");
  static const double scale = text != nullptr ? std::atof(text) : 1.0;
  return scale > 0 ? scale : 1.0;
}

}  // namespace anchor::fabtests

int main(int argc, char** argv) { return anchor::fabtests::run(argc, argv); }
