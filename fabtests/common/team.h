// SPDX-License-Identifier: BSD-2-Clause
// A rank's view of its test: who it is, and an out-of-band way to exchange names and to meet the others.
//
// All waiting calls run the progress function meanwhile (libfabric's progress is the application's duty), and give up
// with a failure after the test's time limit (the hub kills the process). Not thread-safe: main thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pattern.h"
#include "random.h"

namespace anchor::fabtests {

class Team {
 public:
  struct Identity {
    int rank = 0;
    int size = 1;
    int generation = 0;  // how often this rank was restarted
    int fd = -1;         // to the hub
    std::uint64_t seed = 0;
  };

  explicit Team(Identity identity) : identity_(identity) {}

  int rank() const noexcept { return identity_.rank; }
  int size() const noexcept { return identity_.size; }
  int generation() const noexcept { return identity_.generation; }
  std::uint64_t seed() const noexcept { return identity_.seed; }
  Random random() const noexcept { return Random(identity_.seed, static_cast<std::uint64_t>(identity_.rank)); }

  // Every living rank's bytes, by rank; a dead rank's are empty. Every living rank must call it.
  std::vector<Bytes> gather(const Bytes& mine);
  void barrier();

  // A message to one rank; it may be told before that rank was (re)started.
  void tell(int rank, const Bytes& message);
  void tell(int rank, const std::string& message);
  Bytes hear(int rank);
  std::string hear_text(int rank);

  // Stays, without any progress, until somebody kills this process.
  [[noreturn]] void await_death();

  // Name of the provider under test, and whether it is the one that must do everything.
  static std::string provider();
  static bool provider_is_anchor();

  // Work to be done while waiting for the others. Returns a key for remove_progress.
  int add_progress(std::function<void()> work);
  void remove_progress(int key);

 private:
  struct Message {
    int from;
    Bytes bytes;
  };
  Message take_from(int rank);
  Message receive_frame();
  void send_frame(int to, const Bytes& bytes);
  void wait_readable();

  Identity identity_;
  int next_key_ = 0;
  std::map<int, std::function<void()>> progress_;
  std::deque<Message> stash_;  // came while another rank was listened to
};

Bytes to_bytes(const std::string& text);
std::string to_text(const Bytes& bytes);

}  // namespace anchor::fabtests
