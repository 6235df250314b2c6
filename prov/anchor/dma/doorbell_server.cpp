// SPDX-License-Identifier: BSD-2-Clause
#include "dma/doorbell_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/log.h"

namespace anchor {
namespace {

constexpr std::size_t kMostClients = kUserRows;
constexpr int kBacklog = 64;
constexpr int kRest = 1000;  // ms until a descriptor may be free
enum Source : std::size_t { kEnd, kDevice, kListener, kFirstClient };

int refuse(const std::string& path, int error) noexcept {
  ANCHOR_WARN(kDomain, "the doorbell cannot be served at %s: %s", path.c_str(), std::strerror(-error));
  return error;
}

}  // namespace

DoorbellServer::~DoorbellServer() {
  if (!listener_) return;
  window_.home().shared().doorbell.store(0, std::memory_order_relaxed);
  window_.speak_to_all();
  ::unlink(doorbell_path(window_.home()).c_str());
}

int DoorbellServer::claim() noexcept {
  const int error = window_.home().take_doorbell(&lock_);
  if (error == -EBUSY) {
    ANCHOR_WARN(kDomain, "window %s: another process serves the doorbell of host %u", window_.own().path().c_str(),
                window_.host());
  }
  // What one that was killed has said does not hold for us yet.
  if (error == 0) window_.home().shared().doorbell.store(0, std::memory_order_relaxed);
  return error;
}

int DoorbellServer::open(DoorbellDevice& device) {
  device_ = &device;
  // Nobody can connect before listen(2), so the permissions are there in time.
  if (const int error = bind_doorbell(doorbell_path(window_.home()), SOCK_SEQPACKET, &listener_))
    return refuse(doorbell_path(window_.home()), error);
  // The other hosts first: who comes for it relies on them from then on.
  window_.home().shared().doorbell.store(DoorbellWord::make(device_->word()), std::memory_order_relaxed);
  window_.speak_to_all();
  return ::listen(listener_.get(), kBacklog) == 0 ? 0 : refuse(doorbell_path(window_.home()), -errno);
}

int DoorbellServer::run(int end) {
  std::vector<pollfd> sources;
  for (;;) {
    sources.assign(
        {{end, POLLIN, 0}, {device_->descriptor(), POLLIN, 0}, {resting_ ? -1 : listener_.get(), POLLIN, 0}});
    for (const Client& client : clients_) sources.push_back({client.socket.get(), POLLIN, 0});
    if (::poll(sources.data(), sources.size(), resting_ ? kRest : -1) < 0 && errno != EINTR)
      return refuse(doorbell_path(window_.home()), -errno);
    resting_ = false;
    if (sources[kEnd].revents != 0) return 0;
    if (sources[kDevice].revents != 0) pass_on();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (sources[kFirstClient + i].revents != 0 && !hear(clients_[i])) continue;
      if (kept != i) clients_[kept] = std::move(clients_[i]);
      ++kept;
    }
    clients_.resize(kept);
    if (sources[kListener].revents != 0) welcome();
  }
}

void DoorbellServer::pass_on() noexcept {
  device_->take_rings();
  for (const Client& client : clients_) static_cast<void>(::eventfd_write(client.event.get(), 1));
}

void DoorbellServer::welcome() {
  Client client;
  client.socket.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.socket) {
    resting_ = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
    return;
  }
  if (!is_of_our_user(client.socket.get()) || clients_.size() >= kMostClients) return;
  client.event.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!client.event) return;
  DoorbellMessage message;
  const int fds[kMostDoorbellFds] = {client.event.get(), device_->shared(&message.offset)};
  const std::size_t count = fds[1] < 0 ? 1 : 2;
  if (send_doorbell_message(client.socket.get(), message, fds, count) != 0) return;
  clients_.push_back(std::move(client));
}

// False: it has gone, or says what it has no business to say.
bool DoorbellServer::hear(Client& client) {
  DoorbellMessage message;
  UniqueFd fds[kMostDoorbellFds];
  std::size_t count = 0;
  const int error = receive_doorbell_message(client.socket.get(), &message, fds, &count);
  if (error == -EAGAIN) return true;
  if (error != 0 || message.saying != DoorbellSaying::kRing) return false;
  if (const int unreached = device_->ring(message.word)) warn(message.word, unreached);
  return true;
}

// Once for each host. One that has just taken its doorbell away, or a word of nobody's, is nothing to speak of.
void DoorbellServer::warn(std::uint32_t word, int error) {
  for (std::uint32_t host = 0; host < window_.hosts(); ++host) {
    const std::uint64_t told = window_.doorbell_of(host);
    if (!DoorbellWord::is_there(told) || DoorbellWord::ring(told) != word || (warned_ >> host & 1) != 0) continue;
    warned_ |= 1u << host;
    ANCHOR_WARN(kDomain, "host %u has a doorbell that cannot be rung, so its sleepers wake late: %s", host,
                device_->unreachable(word, error).c_str());
  }
}

}  // namespace anchor
