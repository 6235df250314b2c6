// SPDX-License-Identifier: BSD-2-Clause
// A client of kv_server, told what to do by lines on its standard input; each is answered by a line. The end of the
// input ends it.
//
//   kv_client --control PORT [--provider NAME] [--source ADDRESS]
//
//   put KEY TEXT          gives a key, which is a number, a value
//   get KEY               says its value
//   load KEY COUNT SIZE   COUNT times puts a value of SIZE bytes under one of 16 keys from KEY on, reads another's, and
//                         checks it; says how many requests that were, how many answers were wrong, and how long it
//                         took
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <vector>

#include "connection.h"
#include "options.h"

namespace anchor::examples {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kKeys = 16;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Tells keys, turns and positions apart.
std::string value_for(std::uint64_t key, std::uint64_t turn, std::size_t size) {
  const std::string word = std::to_string(key) + '/' + std::to_string(turn) + ' ';
  std::string value;
  while (value.size() < size) value += word;
  value.resize(size);
  return value;
}

class Load {
 public:
  Load(Connection& connection, std::uint64_t first, std::size_t size)
      : connection_(connection), first_(first), size_(std::min(size, kLongestText)) {}

  std::string run(std::uint64_t count) {
    const auto start = Clock::now();
    for (std::uint64_t turn = 0; turn < count; ++turn) {
      const std::uint64_t put = turn % kKeys;
      values_[put] = value_for(first_ + put, turn, size_);
      ask(Code::kPut, put, values_[put], {});
      const std::uint64_t got = turn * 7 % std::min(turn + 1, kKeys);
      ask(Code::kGet, got, {}, values_[got]);
    }
    return report(microseconds_since(start) * 1e-6);
  }

 private:
  void ask(Code code, std::uint64_t key, std::string_view text, std::string_view expected) {
    const auto start = Clock::now();
    const Message& answer = connection_.ask(code, first_ + key, text);
    latencies_.push_back(microseconds_since(start));
    if (answer.code != Code::kDone || answer.key != first_ + key || answer.words() != expected) ++wrong_;
  }

  std::string report(double seconds) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](std::size_t percent) {
      return latencies_.empty() ? 0.0 : latencies_[(latencies_.size() - 1) * percent / 100];
    };
    std::ostringstream line;
    line << "requests " << latencies_.size() << " wrong " << wrong_ << " seconds " << seconds << " median_us " << at(50)
         << " p99_us " << at(99);
    return line.str();
  }

  Connection& connection_;
  std::uint64_t first_;
  std::size_t size_;
  std::array<std::string, kKeys> values_;
  std::vector<double> latencies_;
  std::uint64_t wrong_ = 0;
};

std::string carry_out(Connection& connection, const std::string& line) {
  std::istringstream words(line);
  std::string command, text;
  std::uint64_t key = 0, count = 0;
  std::size_t size = 0;
  words >> command >> key;
  if (command == "put" && std::getline(words >> std::ws, text))
    return connection.ask(Code::kPut, key, text).code == Code::kDone ? "done" : "refused";
  if (command == "get" && words) {
    const Message& answer = connection.ask(Code::kGet, key);
    return answer.code == Code::kDone ? std::string(answer.words()) : "no such key";
  }
  if (command == "load" && words >> count >> size) return Load(connection, key, size).run(count);
  return "put KEY TEXT, get KEY, or load KEY COUNT SIZE; a KEY is a number";
}

void obey(Connection& connection) {
  std::string input;
  for (;;) {
    connection.wait_for(STDIN_FILENO);
    char text[4096];
    const ssize_t got = read(STDIN_FILENO, text, sizeof(text));
    if (got <= 0) return;
    input.append(text, static_cast<std::size_t>(got));
    for (std::size_t end; (end = input.find('\n')) != std::string::npos; input.erase(0, end + 1)) {
      std::puts(carry_out(connection, input.substr(0, end)).c_str());
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace anchor::examples

int main(int argc, char** argv) {
  using namespace anchor::examples;
  const Options options(argc, argv, {"control", "provider", "source"});
  Connection connection(options.text("provider", "anchor"), options.text("source", ""),
                        static_cast<std::uint16_t>(options.number("control", 0)));
  std::puts("connected");
  std::fflush(stdout);
  obey(connection);
}
