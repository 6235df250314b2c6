// SPDX-License-Identifier: BSD-2-Clause
#include "key_value_server.h"

#include <algorithm>
#include <utility>

namespace anchor::examples {
namespace {

constexpr std::size_t kGreetings = 16;  // receives; more greetings wait with the provider
constexpr std::size_t kBatch = 32;
constexpr int kRetryMilliseconds = 1;

}  // namespace

KeyValueServer::KeyValueServer(Endpoint& endpoint, std::chrono::milliseconds lease)
    : endpoint_(endpoint), lease_(lease) {
  for (std::size_t i = 0; i < kGreetings; ++i) start(greetings_.emplace_back(Operation{Kind::kGreeting, nullptr}));
  start_all();
}

bool KeyValueServer::progress() {
  fi_cq_tagged_entry entries[kBatch];
  const ssize_t got = fi_cq_read(endpoint_.queue(), entries, kBatch);
  if (got == -FI_EAVAIL) {
    take_error();
  } else if (got != -FI_EAGAIN) {
    require(got, "fi_cq_read");
    for (ssize_t i = 0; i < got; ++i) take(*static_cast<Operation*>(entries[i].op_context), entries[i].len);
  }
  start_all();
  if (lease_.count() != 0) end_leases();
  return got == -FI_EAGAIN;
}

int KeyValueServer::patience() const {
  if (!to_start_.empty()) return kRetryMilliseconds;
  if (lease_.count() == 0 || clients_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(clients_.front().heard + lease_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

std::string KeyValueServer::statistics() const {
  return "clients " + std::to_string(clients_.size()) + " greeted " + std::to_string(greeted_) + " left " +
         std::to_string(left_) + " lost " + std::to_string(lost_) + " requests " + std::to_string(requests_) +
         " keys " + std::to_string(values_.size());
}

void KeyValueServer::start(Operation& operation) {
  if (operation.client != nullptr) ++operation.client->outstanding;
  to_start_.push_back(&operation);
}

// In order. The provider has no room (-FI_EAGAIN), or refuses, which for a client's operation is the client's end.
void KeyValueServer::start_all() {
  while (!to_start_.empty()) {
    Operation& operation = *to_start_.front();
    const bool useless = operation.client != nullptr && operation.client->leaving;
    const long rc = useless ? -FI_ECANCELED : submit(operation);
    if (rc == -FI_EAGAIN) return;
    to_start_.pop_front();
    if (rc == 0) continue;
    if (operation.client == nullptr) require(rc, "a receive for greetings");
    --operation.client->outstanding;
    lose(*operation.client);
  }
}

long KeyValueServer::submit(Operation& operation) {
  Message& message = operation.message;
  switch (operation.kind) {
    case Kind::kGreeting:
      return fi_trecv(endpoint_.ep(), &message, sizeof(message), nullptr, FI_ADDR_UNSPEC, kGreeting, 0, &operation);
    case Kind::kRequest:
      return fi_trecv(endpoint_.ep(), &message, sizeof(message), nullptr, operation.client->address, kRequest, 0,
                      &operation);
    default:
      return fi_tsend(endpoint_.ep(), &message, message.size(), nullptr, operation.client->address, kReply, &operation);
  }
}

void KeyValueServer::take(Operation& operation, std::size_t length) {
  if (operation.client == nullptr) {
    welcome(operation.message, length);
    return start(operation);
  }
  Client& client = *operation.client;
  --client.outstanding;
  if (operation.kind == Kind::kRequest) client.asked = length;
  if (operation.kind == Kind::kReply) client.replying = false;
  if (client.leaving) return forget_if_done(client);
  if (client.asked && !client.replying) serve(client);
}

void KeyValueServer::take_error() {
  fi_cq_err_entry error{};
  if (fi_cq_readerr(endpoint_.queue(), &error, 0) != 1 || error.op_context == nullptr) return;
  Operation& operation = *static_cast<Operation*>(error.op_context);
  if (operation.client == nullptr) return start(operation);  // a greeting that was too long
  --operation.client->outstanding;
  lose(*operation.client);
}

void KeyValueServer::welcome(const Message& greeting, std::size_t length) {
  const bool sound = greeting.fits(length) && greeting.code == Code::kGreet;
  if (!sound || greeting.length != endpoint_.name().size()) return;  // names of one provider are equally long
  const fi_addr_t address = endpoint_.insert(greeting.words());
  if (address == FI_ADDR_NOTAVAIL) return;
  Client& client = clients_.emplace_back(address);
  client.place = std::prev(clients_.end());
  ++greeted_;
  start(client.request);
  client.replying = true;
  compose(client.reply.message, Code::kDone, static_cast<std::uint64_t>(lease_.count()));
  start(client.reply);
}

void KeyValueServer::serve(Client& client) {
  const Message& request = client.request.message;
  const bool sound = request.fits(*std::exchange(client.asked, std::nullopt));
  client.heard = Clock::now();
  clients_.splice(clients_.end(), clients_, client.place);
  ++requests_;
  if (sound && request.code == Code::kLeave) {
    ++left_;
    return let_go(client);
  }
  client.replying = true;
  if (sound) {
    reply_to(request, client.reply.message);
  } else {
    compose(client.reply.message, Code::kBadRequest);
  }
  start(client.request);
  start(client.reply);
}

void KeyValueServer::reply_to(const Message& request, Message& reply) {
  const auto found = values_.find(request.key);
  switch (request.code) {
    case Code::kPut:
      values_[request.key] = request.words();
      compose(reply, Code::kDone, request.key);
      break;
    case Code::kGet:
      if (found == values_.end()) {
        compose(reply, Code::kNoSuchKey, request.key);
      } else {
        compose(reply, Code::kDone, request.key, found->second);
      }
      break;
    default:
      compose(reply, request.code == Code::kStillHere ? Code::kDone : Code::kBadRequest, request.key);
  }
}

void KeyValueServer::lose(Client& client) {
  if (!client.leaving) ++lost_;
  let_go(client);
}

void KeyValueServer::let_go(Client& client) {
  if (!client.leaving) fi_cancel(&endpoint_.ep()->fid, &client.request);
  client.leaving = true;
  forget_if_done(client);
}

void KeyValueServer::forget_if_done(Client& client) {
  if (client.outstanding != 0) return;
  fi_av_remove(endpoint_.addresses(), &client.address, 1, 0);
  clients_.erase(client.place);
}

void KeyValueServer::end_leases() {
  const auto oldest = Clock::now() - lease_;
  while (!clients_.empty() && clients_.front().heard < oldest) {
    Client& client = clients_.front();
    client.heard = Clock::now();  // to come to the end of the list, if something of it is still outstanding
    clients_.splice(clients_.end(), clients_, client.place);
    lose(client);
  }
}

}  // namespace anchor::examples
