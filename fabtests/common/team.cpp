// SPDX-License-Identifier: BSD-2-Clause
#include "team.h"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "check.h"
#include "frame.h"

namespace anchor::fabtests {

Bytes to_bytes(const std::string& text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string to_text(const Bytes& bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string Team::provider() {
  const char* name = std::getenv("FI_PROVIDER");
  return name != nullptr ? name : "anchor";
}

bool Team::provider_is_anchor() { return provider() == "anchor"; }

int Team::add_progress(std::function<void()> work) {
  progress_.emplace(next_key_, std::move(work));
  return next_key_++;
}

void Team::remove_progress(int key) { progress_.erase(key); }

void Team::send_frame(int to, const Bytes& bytes) {
  REQUIRE(bytes.size() <= kMaxFrame);
  FrameHeader header{to, static_cast<std::uint32_t>(bytes.size())};
  iovec parts[2] = {{&header, sizeof(header)}, {const_cast<std::byte*>(bytes.data()), bytes.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  REQUIRE(sendmsg(identity_.fd, &message, MSG_NOSIGNAL) > 0);
}

// Without work to do it blocks; with work it looks in between, often enough for a peer that needs our progress.
void Team::wait_readable() {
  pollfd readable{identity_.fd, POLLIN, 0};
  while (poll(&readable, 1, progress_.empty() ? -1 : 0) <= 0) {
    for (const auto& [key, work] : progress_) work();
    sched_yield();
  }
}

Team::Message Team::receive_frame() {
  wait_readable();
  Bytes buffer(sizeof(FrameHeader) + kMaxFrame);
  const ssize_t got = recv(identity_.fd, buffer.data(), buffer.size(), 0);
  REQUIRE(got >= static_cast<ssize_t>(sizeof(FrameHeader)));  // 0: the hub is gone, and with it the test
  FrameHeader header;
  std::memcpy(&header, buffer.data(), sizeof(header));
  REQUIRE_EQ(static_cast<std::size_t>(got), sizeof(header) + header.size);
  return {header.peer, Bytes(buffer.begin() + sizeof(header), buffer.begin() + got)};
}

Team::Message Team::take_from(int rank) {
  const auto waiting = std::find_if(stash_.begin(), stash_.end(), [rank](const Message& m) { return m.from == rank; });
  if (waiting != stash_.end()) {
    Message message = std::move(*waiting);
    stash_.erase(waiting);
    return message;
  }
  for (;;) {
    Message message = receive_frame();
    if (message.from == rank) return message;
    stash_.push_back(std::move(message));
  }
}

std::vector<Bytes> Team::gather(const Bytes& mine) {
  send_frame(kEveryone, mine);
  const Message all = take_from(kEveryone);
  std::vector<Bytes> parts;
  for (std::size_t at = 0; at < all.bytes.size();) {
    std::uint32_t size;
    std::memcpy(&size, all.bytes.data() + at, sizeof(size));
    const auto start = all.bytes.begin() + static_cast<std::ptrdiff_t>(at + sizeof(size));
    parts.emplace_back(start, start + size);
    at += sizeof(size) + size;
  }
  return parts;
}

void Team::barrier() { gather({}); }

void Team::tell(int rank, const Bytes& message) { send_frame(rank, message); }

void Team::tell(int rank, const std::string& message) { send_frame(rank, to_bytes(message)); }

Bytes Team::hear(int rank) { return take_from(rank).bytes; }

std::string Team::hear_text(int rank) { return to_text(hear(rank)); }

void Team::await_death() {
  for (;;) pause();
}

}  // namespace anchor::fabtests
