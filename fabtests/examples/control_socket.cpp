// SPDX-License-Identifier: BSD-2-Clause
#include "control_socket.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "endpoint.h"

namespace anchor::examples {
namespace {

constexpr int kBacklog = 128;
constexpr std::size_t kLongestLine = 256;

sockaddr* generic(sockaddr_in* address) { return reinterpret_cast<sockaddr*>(address); }

int listen_on(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(listener, generic(&address), sizeof(address)) != 0 || listen(listener, kBacklog) != 0)
    require(-errno, "the control socket");
  return listener;
}

}  // namespace

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) require(-errno, "epoll_ctl");
}

ControlSocket::ControlSocket(int epoll, std::uint16_t port, Answer answer)
    : epoll_(epoll), listener_(listen_on(port)), answer_(std::move(answer)) {
  watch(epoll_, listener_);
}

ControlSocket::~ControlSocket() {
  close(listener_);
  for (const auto& [descriptor, line] : connections_) close(descriptor);
}

std::uint16_t ControlSocket::port() const {
  sockaddr_in address{};
  socklen_t length = sizeof(address);
  getsockname(listener_, generic(&address), &length);
  return ntohs(address.sin_port);
}

void ControlSocket::serve(int descriptor) {
  if (descriptor == listener_) return welcome();
  const auto connection = connections_.find(descriptor);
  if (connection == connections_.end() || talk(descriptor, connection->second)) return;
  close(descriptor);  // and with it leaves the epoll set
  connections_.erase(connection);
}

void ControlSocket::welcome() {
  const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return;
  watch(epoll_, descriptor);
  connections_.emplace(descriptor, std::string());
}

bool ControlSocket::talk(int descriptor, std::string& line) {
  char text[kLongestLine];
  const ssize_t got = recv(descriptor, text, sizeof(text), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  line.append(text, static_cast<std::size_t>(got));
  return got > 0 && answer_lines(descriptor, line) && line.size() <= kLongestLine;
}

bool ControlSocket::answer_lines(int descriptor, std::string& line) {
  for (std::size_t end; (end = line.find('\n')) != std::string::npos; line.erase(0, end + 1)) {
    const std::string answer = answer_(std::string_view(line).substr(0, end)) + '\n';
    const ssize_t sent = send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(answer.size())) return false;
  }
  return true;
}

}  // namespace anchor::examples
