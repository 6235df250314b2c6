// SPDX-License-Identifier: BSD-2-Clause
// A TCP socket that answers lines with lines, in somebody else's epoll set. Level-triggered, never blocks, trusts
// nobody: who sends too long a line, or takes no answers, is dropped. Single-threaded; owns its sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace anchor::examples {

// Level-triggered; data.fd is the descriptor.
void watch(int epoll, int descriptor);

class ControlSocket {
 public:
  using Answer = std::function<std::string(std::string_view line)>;

  // Listens on this host alone; port 0: a free one. Its descriptors go into `epoll`, each with itself as data.fd.
  ControlSocket(int epoll, std::uint16_t port, Answer answer);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  std::uint16_t port() const;
  // To be called for each descriptor that is readable; others than its own are ignored.
  void serve(int descriptor);

 private:
  void welcome();
  // False: nothing more is to be expected.
  bool talk(int descriptor, std::string& line);
  bool answer_lines(int descriptor, std::string& line);

  int epoll_;
  int listener_;
  Answer answer_;
  std::map<int, std::string> connections_;  // with the beginning of a line
};

}  // namespace anchor::examples
