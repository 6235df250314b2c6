// SPDX-License-Identifier: BSD-2-Clause
// The server's state: its clients, the values, and what is outstanding on the endpoint. It never waits.
//
// Each client always has a receive posted for its next request, from it alone: a provider that reports the death of
// peers ends that receive with an error, and so the client is forgotten, idle as it may be. Over other providers a
// lease does that: who says nothing for so long is forgotten. Single-threaded.
#pragma once

#include <chrono>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "endpoint.h"
#include "key_value.h"

namespace anchor::examples {

class KeyValueServer {
 public:
  using Clock = std::chrono::steady_clock;

  // `lease` zero: clients are kept until the provider reports their death. The endpoint must live longer, and is closed
  // when the server goes.
  KeyValueServer(Endpoint& endpoint, std::chrono::milliseconds lease);

  ~KeyValueServer() { endpoint_.close(); }
  KeyValueServer(const KeyValueServer&) = delete;
  KeyValueServer& operator=(const KeyValueServer&) = delete;

  // Takes what is in the queue and answers it. False: there may be more.
  bool progress();
  // Until something is to be done though nothing comes: milliseconds as epoll_wait(2) has them, -1 for never.
  int patience() const;
  std::string statistics() const;

 private:
  struct Client;
  enum class Kind { kGreeting, kRequest, kReply };
  // Something that completes once, or fails.
  struct Operation {
    Kind kind;
    Client* client;  // null: anybody
    Message message = {};
  };
  struct Client {
    explicit Client(fi_addr_t of) : address(of) {}
    fi_addr_t address;
    Operation request{Kind::kRequest, this};
    Operation reply{Kind::kReply, this};
    int outstanding = 0;               // of its two operations
    bool replying = false;             // the reply's buffer is in use
    std::optional<std::size_t> asked;  // length of a request that waits for that buffer
    bool leaving = false;              // forgotten as soon as nothing is outstanding
    Clock::time_point heard = Clock::now();
    std::list<Client>::iterator place = {};
  };

  // The operation starts in the course of this pass, or when the provider has room for it.
  void start(Operation& operation);
  void start_all();
  long submit(Operation& operation);
  void take(Operation& operation, std::size_t length);
  void take_error();
  void welcome(const Message& greeting, std::size_t length);
  void serve(Client& client);
  void reply_to(const Message& request, Message& reply);
  void lose(Client& client);
  void let_go(Client& client);
  void forget_if_done(Client& client);
  void end_leases();

  Endpoint& endpoint_;
  std::chrono::milliseconds lease_;
  std::deque<Operation> greetings_;
  std::list<Client> clients_;  // who was heard of longest ago comes first
  std::deque<Operation*> to_start_;
  std::unordered_map<std::uint64_t, std::string> values_;
  std::uint64_t greeted_ = 0, left_ = 0, lost_ = 0, requests_ = 0;
};

}  // namespace anchor::examples
