// SPDX-License-Identifier: BSD-2-Clause
#include "options.h"

#include <getopt.h>
#include <sched.h>

#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "test.h"

namespace anchor::bench {
namespace {

constexpr const char* kUsage =
    "usage: anchor_bench --provider NAME --tests A,B,... [options]\n"
    "  --source NODE        bind to this node (tcp: 127.0.0.1)\n"
    "  --hosts FILE,FILE    on anchor's window device alone, as two hosts with these configuration files\n"
    "  --sizes A,B,...      bytes\n"
    "  --cores A,B          cores of the two processes\n"
    "  --milliseconds N     length of one measured point (20)\n"
    "  --ahead N            receives or messages ahead in the matching tests (10000)\n"
    "  --idle-peers N       (500)\n"
    "  --memory-peers N     (64)\n"
    "  --timeout SECONDS    of one test (30)\n"
    "  --version            libfabric's version, and nothing else\n"
    "tests:";

constexpr option kOptions[] = {
    {"provider", required_argument, nullptr, 'p'},     {"source", required_argument, nullptr, 's'},
    {"hosts", required_argument, nullptr, 'h'},        {"tests", required_argument, nullptr, 't'},
    {"sizes", required_argument, nullptr, 'z'},        {"cores", required_argument, nullptr, 'c'},
    {"milliseconds", required_argument, nullptr, 'm'}, {"ahead", required_argument, nullptr, 'a'},
    {"idle-peers", required_argument, nullptr, 'i'},   {"memory-peers", required_argument, nullptr, 'e'},
    {"timeout", required_argument, nullptr, 'o'},      {nullptr, 0, nullptr, 0},
};

std::vector<std::string> words_of(const char* list) {
  std::vector<std::string> words;
  std::stringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

unsigned number_of(const std::string& text) {
  std::size_t used = 0;
  const unsigned long value = std::stoul(text, &used);
  if (used != text.size()) throw std::runtime_error("not a number: " + text);
  return static_cast<unsigned>(value);
}

[[noreturn]] void fail_with_usage() {
  std::string message = kUsage;
  for (const Test& test : all_tests()) message += std::string(" ") + test.name;
  throw std::runtime_error(message);
}

void choose_cores(std::array<int, 2>& cores) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  std::size_t next = 0;
  for (int core = 0; core < CPU_SETSIZE && next < cores.size(); ++core)
    if (CPU_ISSET(core, &allowed)) cores[next++] = core;
  if (next == 1) cores[1] = cores[0];
}

void set_cores(std::array<int, 2>& cores, const std::vector<std::string>& words) {
  if (words.size() != 2) throw std::runtime_error("--cores wants two numbers");
  cores = {static_cast<int>(number_of(words[0])), static_cast<int>(number_of(words[1]))};
}

void set_hosts(std::vector<std::string>& hosts, const std::vector<std::string>& words) {
  if (words.size() != 2) throw std::runtime_error("--hosts wants two files");
  hosts = words;
}

void set_option(Options& options, int letter, const char* value) {
  switch (letter) {
    case 'p':
      options.provider = value;
      break;
    case 's':
      options.source = value;
      break;
    case 'h':
      set_hosts(options.hosts, words_of(value));
      break;
    case 't':
      options.tests = words_of(value);
      break;
    case 'z':
      for (const std::string& word : words_of(value)) options.sizes.push_back(number_of(word));
      break;
    case 'c':
      set_cores(options.cores, words_of(value));
      break;
    case 'm':
      options.milliseconds = number_of(value);
      break;
    case 'a':
      options.ahead = number_of(value);
      break;
    case 'i':
      options.idle_peers = number_of(value);
      break;
    case 'e':
      options.memory_peers = number_of(value);
      break;
    case 'o':
      options.seconds = number_of(value);
      break;
    default:
      fail_with_usage();
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  choose_cores(options.cores);
  for (int letter; (letter = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;)
    set_option(options, letter, optarg);
  if (options.tests.empty() || optind != argc) fail_with_usage();
  return options;
}

std::vector<std::size_t> sizes_between(const Options& options, std::size_t first, std::size_t last) {
  std::vector<std::size_t> sizes;
  if (options.sizes.empty())
    for (std::size_t size = first; size <= last; size *= 2) sizes.push_back(size);
  for (std::size_t size : options.sizes)
    if (size >= first && size <= last) sizes.push_back(size);
  return sizes;
}

}  // namespace anchor::bench
