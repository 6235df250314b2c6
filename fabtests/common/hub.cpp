// SPDX-License-Identifier: BSD-2-Clause
#include "hub.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "frame.h"

namespace anchor::fabtests {

namespace {

Bytes make_frame(int peer, const std::byte* bytes, std::size_t size) {
  const FrameHeader header{peer, static_cast<std::uint32_t>(size)};
  Bytes frame(sizeof(header) + size);
  std::memcpy(frame.data(), &header, sizeof(header));
  if (size > 0) std::memcpy(frame.data() + sizeof(header), bytes, size);
  return frame;
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return std::string("killed by ") + strsignal(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Hub::Hub(const Test& test, const RunSettings& settings)
    : test_(test),
      settings_(settings),
      ranks_(test.options.ranks),
      restarts_left_(test.options.restarts),
      deadline_(test.options.seconds) {}

Hub::~Hub() { kill_everyone(); }

Outcome Hub::run() {
  for (int i = 0; i < test_.options.ranks; ++i) {
    ranks_[i].number = i;
    start(ranks_[i]);
  }
  while (anyone_running()) {
    step();
    if (deadline_.expired()) conclude(Verdict::kFailed, "time limit passed");
  }
  outcome_.seconds = deadline_.elapsed();
  return outcome_;
}

void Hub::step() {
  std::vector<pollfd> watched;
  for (const Rank& rank : ranks_) {
    const short writable = rank.outbox.empty() ? 0 : POLLOUT;
    watched.push_back({rank.socket, static_cast<short>(POLLIN | writable), 0});
    watched.push_back({rank.output, POLLIN, 0});
    watched.push_back({rank.exit_watch, POLLIN, 0});
  }
  constexpr int kLookAtTheClock = 100;  // milliseconds
  poll(watched.data(), watched.size(), kLookAtTheClock);
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    serve(ranks_[i], watched[3 * i].revents, watched[3 * i + 1].revents, watched[3 * i + 2].revents);
  }
}

void Hub::serve(Rank& rank, short socket_events, short output_events, short exit_events) {
  if (rank.pid < 0) return;
  if ((socket_events & POLLIN) != 0) read_frames(rank);
  if ((socket_events & POLLOUT) != 0) flush_outbox(rank);
  if ((output_events & POLLIN) != 0) read_output(rank);
  if (exit_events != 0) handle_exit(rank);
}

void Hub::read_frames(Rank& rank) {
  Bytes buffer(sizeof(FrameHeader) + kMaxFrame);
  for (;;) {
    const ssize_t got = recv(rank.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < static_cast<ssize_t>(sizeof(FrameHeader))) return;
    take_frame(rank, Bytes(buffer.begin(), buffer.begin() + got));
  }
}

void Hub::take_frame(Rank& rank, const Bytes& frame) {
  FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof(header));
  const std::byte* body = frame.data() + sizeof(header);
  if (header.peer == kEveryone) {
    rank.gathering = true;
    rank.gathered.assign(body, body + header.size);
    finish_gather();
  } else if (header.peer >= 0 && header.peer < test_.options.ranks) {
    Rank& receiver = ranks_[header.peer];
    receiver.outbox.push_back(make_frame(rank.number, body, header.size));
    flush_outbox(receiver);
  }
}

// Answers once every living rank has come.
void Hub::finish_gather() {
  const auto missing = [](const Rank& rank) { return rank.pid >= 0 && !rank.gathering; };
  if (std::any_of(ranks_.begin(), ranks_.end(), missing)) return;
  Bytes all;
  for (Rank& rank : ranks_) {
    const auto size = static_cast<std::uint32_t>(rank.gathered.size());
    const auto* raw = reinterpret_cast<const std::byte*>(&size);
    all.insert(all.end(), raw, raw + sizeof(size));
    all.insert(all.end(), rank.gathered.begin(), rank.gathered.end());
    rank.gathered.clear();
  }
  for (Rank& rank : ranks_) {
    if (!rank.gathering) continue;
    rank.gathering = false;
    rank.outbox.push_back(make_frame(kEveryone, all.data(), all.size()));
    flush_outbox(rank);
  }
}

void Hub::flush_outbox(Rank& rank) {
  while (rank.socket >= 0 && !rank.outbox.empty()) {
    const Bytes& frame = rank.outbox.front();
    if (send(rank.socket, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
    rank.outbox.pop_front();
  }
}

void Hub::read_output(Rank& rank) {
  char text[4096];
  for (ssize_t got; (got = read(rank.output, text, sizeof(text))) > 0;) {
    rank.partial_line.append(text, static_cast<std::size_t>(got));
    for (std::size_t end; (end = rank.partial_line.find('\n')) != std::string::npos;) {
      take_line(rank, rank.partial_line.substr(0, end));
      rank.partial_line.erase(0, end + 1);
    }
  }
}

void Hub::take_line(Rank& rank, const std::string& line) {
  constexpr std::string_view kSkip = "SKIP: ";
  if (line.compare(0, kSkip.size(), kSkip) == 0) rank.skip_reason = line.substr(kSkip.size());
  outcome_.output.push_back("[rank " + std::to_string(rank.number) + "] " + line);
}

void Hub::handle_exit(Rank& rank) {
  read_frames(rank);  // what it told before its end still counts
  read_output(rank);
  if (!rank.partial_line.empty()) take_line(rank, rank.partial_line);
  rank.partial_line.clear();
  kill(-rank.pid, SIGKILL);  // its own children, while the zombie still holds the group's number
  int status = 0;
  waitpid(rank.pid, &status, 0);
  rank.pid = -1;
  rank.gathering = false;
  close_descriptors(rank);
  judge_exit(rank, status);
  finish_gather();
}

void Hub::judge_exit(Rank& rank, int status) {
  const bool may_die = (test_.options.mortal >> rank.number & 1u) != 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipStatus) {
    conclude(Verdict::kSkipped, rank.skip_reason);
  } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && may_die) {
    if (restarts_left_ == 0) return;
    --restarts_left_;
    ++rank.generation;
    start(rank);
  } else {
    conclude(Verdict::kFailed, "rank " + std::to_string(rank.number) + ": " + describe_status(status));
  }
}

// The first verdict stands: what comes later is its consequence.
void Hub::conclude(Verdict verdict, const std::string& reason) {
  if (outcome_.verdict == Verdict::kPassed) {
    outcome_.verdict = verdict;
    outcome_.reason = reason;
  }
  kill_everyone();
}

void Hub::kill_everyone() {
  for (Rank& rank : ranks_) {
    if (rank.pid < 0) continue;
    kill(-rank.pid, SIGKILL);
    kill(rank.pid, SIGKILL);  // it may not have reached its setpgid yet
    read_output(rank);
    waitpid(rank.pid, nullptr, 0);
    read_output(rank);
    rank.pid = -1;
    close_descriptors(rank);
  }
}

bool Hub::anyone_running() const {
  return std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return rank.pid >= 0; });
}

void Hub::close_descriptors(Rank& rank) {
  for (int* fd : {&rank.socket, &rank.output, &rank.exit_watch}) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }
}

}  // namespace anchor::fabtests
