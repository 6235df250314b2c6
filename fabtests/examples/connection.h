// SPDX-License-Identifier: BSD-2-Clause
// A client's side: knows the server, asks it one thing at a time, and sleeps until the answer is there.
//
// The end of the server, where the provider reports it, ends the program, and so does an answer that does not come.
// Single-threaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "endpoint.h"
#include "key_value.h"

namespace anchor::examples {

class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // Asks the control socket at this port of this host for the server's name, then greets the server.
  Connection(const std::string& provider, const std::string& source, std::uint16_t control_port);
  // Takes leave; nobody answers that.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The answer is valid until the next request.
  const Message& ask(Code code, std::uint64_t key = 0, std::string_view text = {});

  // Sleeps until `descriptor` is readable; renews the lease meanwhile, and hears of the server's end.
  void wait_for(int descriptor);

 private:
  void expect_answer();
  void send(std::uint64_t tag, Code code, std::uint64_t key, std::string_view text);
  const Message& answer();
  // Until the lease is to be renewed: milliseconds as poll(2) has them, -1 for never.
  int patience() const;
  void take_next(int patience);
  void take(const fi_cq_tagged_entry& entry);

  Endpoint endpoint_;
  fi_addr_t server_ = FI_ADDR_NOTAVAIL;
  Message out_, in_, answer_;
  bool sending_ = false, answered_ = false;
  std::chrono::milliseconds renewal_{0};  // silence after which the lease is renewed; 0: there is none
  Clock::time_point asked_ = Clock::now();
};

}  // namespace anchor::examples
