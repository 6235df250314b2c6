// SPDX-License-Identifier: BSD-2-Clause
//
// Endpoint: an RDM endpoint with one completion queue, and the few calls of the data path that the tests
// time. Whatever is posted through send() and receive() counts as pending until its completion is read;
// wait_all() is the one place that waits, in the way that was chosen. Owns endpoint, queue and address vector; buffers
// are the caller's until wait_all() returns. One thread. Every failure throws.
#pragma once

#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_tagged.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "fabric.h"

namespace anchor::bench {

enum class Traffic { kTagged, kUntagged };

// fi_cq_read; fi_cq_sread; or epoll_wait on the queue's descriptor after fi_trywait, and then fi_cq_read.
enum class Waiting { kPolling, kBlocking, kDescriptor };

using ConstBytes = std::span<const std::byte>;
using Bytes = std::span<std::byte>;

class Endpoint {
 public:
  explicit Endpoint(const Fabric& fabric, Waiting waiting = Waiting::kPolling);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  std::vector<std::byte> name() const;
  fi_addr_t insert(const std::vector<std::byte>& name);

  // Injects what fits: nothing is pending then, and the buffer is free at once.
  template <Traffic kTraffic>
  void send(fi_addr_t peer, ConstBytes message, std::uint64_t tag) {
    const bool injected = message.size() <= inject_size_;
    for (;;) {
      const ssize_t status =
          injected ? try_inject<kTraffic>(peer, message, tag) : try_send<kTraffic>(peer, message, tag);
      if (status == 0) break;
      retry_later(status, "send");
    }
    pending_ += injected ? 0 : 1;
  }

  template <Traffic kTraffic>
  void receive(Bytes buffer, std::uint64_t tag) {
    for (;;) {
      const ssize_t status = try_receive<kTraffic>(buffer, tag, next_context());
      if (status == 0) break;
      retry_later(status, "receive");
    }
    ++pending_;
  }

  // An operation of any other kind: `call` gets endpoint and context, until it is taken. It is pending then.
  template <typename Call>
  void post(const char* name, Call call) {
    for (;;) {
      const ssize_t status = call(endpoint_, next_context());
      if (status == 0) break;
      retry_later(status, name);
    }
    ++pending_;
  }

  // A tagged receive that nothing will ever match: not pending. Its context lives as long as the endpoint.
  void park_receive(Bytes buffer, std::uint64_t tag);

  // Polling will do with any queue; another way needs the one that the endpoint was made for.
  void wait_by(Waiting waiting) { waiting_ = waiting; }
  bool is_waiting() const { return pending_ > 0; }
  void wait_all() {
    while (pending_ > 0) {
      if (waiting_ == Waiting::kPolling)
        progress();
      else
        wait_asleep();
    }
  }
  void progress() { take(fi_cq_read(queue_, completions_.data(), completions_.size())); }

 private:
  // More operations than any test has under way at once, apart from parked receives.
  static constexpr std::size_t kContexts = 1024;

  template <Traffic kTraffic>
  ssize_t try_inject(fi_addr_t peer, ConstBytes message, std::uint64_t tag) {
    if constexpr (kTraffic == Traffic::kTagged)
      return fi_tinject(endpoint_, message.data(), message.size(), peer, tag);
    else
      return fi_inject(endpoint_, message.data(), message.size(), peer);
  }
  template <Traffic kTraffic>
  ssize_t try_send(fi_addr_t peer, ConstBytes message, std::uint64_t tag) {
    if constexpr (kTraffic == Traffic::kTagged)
      return fi_tsend(endpoint_, message.data(), message.size(), nullptr, peer, tag, next_context());
    else
      return fi_send(endpoint_, message.data(), message.size(), nullptr, peer, next_context());
  }
  template <Traffic kTraffic>
  ssize_t try_receive(Bytes buffer, std::uint64_t tag, void* context) {
    if constexpr (kTraffic == Traffic::kTagged)
      return fi_trecv(endpoint_, buffer.data(), buffer.size(), nullptr, FI_ADDR_UNSPEC, tag, 0, context);
    else
      return fi_recv(endpoint_, buffer.data(), buffer.size(), nullptr, FI_ADDR_UNSPEC, context);
  }

  fi_context2* next_context() { return &contexts_[next_context_++ % kContexts]; }
  void retry_later(ssize_t status, const char* call) {
    if (status != -FI_EAGAIN) require(status, call);
    progress();
  }
  void take(ssize_t count) {
    if (count > 0)
      pending_ -= static_cast<std::size_t>(count);
    else if (count != -FI_EAGAIN)
      fail_completion(count);
  }
  void wait_asleep();
  void open_descriptor();
  [[noreturn]] void fail_completion(ssize_t status);

  fid_ep* endpoint_ = nullptr;
  fid_cq* queue_ = nullptr;
  Waiting waiting_;
  std::size_t inject_size_ = 0;
  std::size_t pending_ = 0;
  std::size_t next_context_ = 0;
  std::array<fi_cq_tagged_entry, 64> completions_{};
  std::vector<fi_context2> contexts_{kContexts};

  fid_av* addresses_ = nullptr;
  fid_fabric* fabric_;
  int set_ = -1;                    // epoll, with the queue's descriptor in it
  std::deque<fi_context2> parked_;  // a deque never moves them
};

}  // namespace anchor::bench
