// SPDX-License-Identifier: BSD-2-Clause
#include "connection.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace anchor::examples {
namespace {

constexpr int kLongestWait = 60'000;  // milliseconds
constexpr int kRenewalsInLease = 4;

std::string server_name(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  constexpr std::string_view kQuestion = "address\n";
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      write(descriptor, kQuestion.data(), kQuestion.size()) < 0)
    require(-errno, "kv_server's control socket, port " + std::to_string(port) + " (--control)");
  std::string answer;
  for (char byte = 0; read(descriptor, &byte, 1) == 1 && byte != '\n';) answer += byte;
  close(descriptor);
  return from_digits(answer);
}

}  // namespace

Connection::Connection(const std::string& provider, const std::string& source, std::uint16_t control_port)
    : endpoint_(provider, source), server_(endpoint_.insert(server_name(control_port))) {
  if (server_ == FI_ADDR_NOTAVAIL) give_up("the server's name", "not one of this provider's");
  expect_answer();
  send(kGreeting, Code::kGreet, 0, endpoint_.name());
  renewal_ = std::chrono::milliseconds(answer().key) / kRenewalsInLease;
}

Connection::~Connection() {
  send(kRequest, Code::kLeave, 0, {});
  while (sending_) take_next(kLongestWait);
  endpoint_.close();
}

const Message& Connection::ask(Code code, std::uint64_t key, std::string_view text) {
  send(kRequest, code, key, text);
  return answer();
}

void Connection::wait_for(int descriptor) {
  for (;;) {
    pollfd wanted[] = {{descriptor, POLLIN, 0}, {endpoint_.descriptor(), POLLIN, 0}};
    const int ready = poll(wanted, 2, endpoint_.may_sleep() ? patience() : 0);
    if (ready > 0 && wanted[0].revents != 0) return;
    if (patience() == 0) ask(Code::kStillHere);
    take_next(0);
  }
}

int Connection::patience() const {
  if (renewal_.count() == 0) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(asked_ + renewal_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

// From the server alone: its death ends this receive.
void Connection::expect_answer() {
  require(fi_trecv(endpoint_.ep(), &in_, sizeof(in_), nullptr, server_, kReply, 0, &in_), "fi_trecv");
}

void Connection::send(std::uint64_t tag, Code code, std::uint64_t key, std::string_view text) {
  compose(out_, code, key, text);
  asked_ = Clock::now();
  long rc;
  while ((rc = fi_tsend(endpoint_.ep(), &out_, out_.size(), nullptr, server_, tag, &out_)) == -FI_EAGAIN) take_next(1);
  require(rc, "fi_tsend");
  sending_ = true;
}

const Message& Connection::answer() {
  while (sending_ || !answered_) take_next(kLongestWait);
  answered_ = false;
  return answer_;
}

void Connection::take_next(int patience) {
  fi_cq_tagged_entry entry;
  fid_cq* queue = endpoint_.queue();
  const ssize_t got = patience == 0 ? fi_cq_read(queue, &entry, 1) : fi_cq_sread(queue, &entry, 1, nullptr, patience);
  if (got == 1) return take(entry);
  if (got == -FI_EAVAIL) {
    fi_cq_err_entry error{};
    fi_cq_readerr(queue, &error, 0);
    give_up("the server", fi_strerror(error.err));
  }
  if (got != -FI_EAGAIN && got != -FI_EINTR) require(got, "fi_cq_sread");
  if (got == -FI_EAGAIN && patience == kLongestWait) give_up("the server", "it does not answer");
}

void Connection::take(const fi_cq_tagged_entry& entry) {
  if (entry.op_context == &out_) {
    sending_ = false;
    return;
  }
  if (!in_.fits(entry.len)) give_up("the server", "an answer that makes no sense");
  answer_ = in_;
  answered_ = true;
  expect_answer();
}

}  // namespace anchor::examples
