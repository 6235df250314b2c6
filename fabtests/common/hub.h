// SPDX-License-Identifier: BSD-2-Clause
// Runs one test: starts its ranks as processes, carries their out-of-band messages, collects their output, and judges.
//
// A rank ends well by exit status 0, or by SIGKILL where the test allows that; kSkipStatus skips the test; all else,
// and passing the time limit, fails it and kills all of its process groups. Single-threaded. Owns every process it
// starts.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "deadline.h"
#include "pattern.h"
#include "registry.h"

namespace anchor::fabtests {

inline constexpr int kSkipStatus = 77;

struct RunSettings {
  std::vector<std::string> command;  // the test program, behind a wrapper if one is wanted
  std::uint64_t seed = 1;
};

enum class Verdict { kPassed, kFailed, kSkipped };

struct Outcome {
  Verdict verdict = Verdict::kPassed;
  std::string reason;
  std::vector<std::string> output;  // lines, each with its rank
  double seconds = 0;
};

class Hub {
 public:
  Hub(const Test& test, const RunSettings& settings);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  Outcome run();

 private:
  struct Rank {
    int number = 0;
    int generation = 0;
    pid_t pid = -1;  // -1: not running
    int socket = -1;
    int output = -1;
    int exit_watch = -1;
    std::deque<Bytes> outbox;  // frames not sent yet; kept over a restart
    bool gathering = false;
    Bytes gathered;
    std::string partial_line;
    std::string skip_reason;
  };

  void start(Rank& rank);
  [[noreturn]] void become_rank(const Rank& rank, int socket, int output);
  void step();
  void serve(Rank& rank, short socket_events, short output_events, short exit_events);
  void read_frames(Rank& rank);
  void take_frame(Rank& rank, const Bytes& frame);
  void flush_outbox(Rank& rank);
  void finish_gather();
  void read_output(Rank& rank);
  void take_line(Rank& rank, const std::string& line);
  void handle_exit(Rank& rank);
  void judge_exit(Rank& rank, int status);
  void conclude(Verdict verdict, const std::string& reason);
  void kill_everyone();
  bool anyone_running() const;
  static void close_descriptors(Rank& rank);

  const Test& test_;
  const RunSettings& settings_;
  std::vector<Rank> ranks_;
  int restarts_left_;
  Deadline deadline_;
  Outcome outcome_;
};

}  // namespace anchor::fabtests
