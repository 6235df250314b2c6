// SPDX-License-Identifier: BSD-2-Clause
// Announced messages, several of which are found by one pass.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "node.h"

namespace anchor::unit {

// Counts the calls, and refuses those that it is told to.
class Counting final : public DirectCopy {
 public:
  explicit Counting(std::unique_ptr<DirectCopy> direct) noexcept : direct_(std::move(direct)) {}
  std::ptrdiff_t read(const iovec* local, std::size_t local_count, const iovec* remote,
                      std::size_t remote_count) noexcept override {
    ++reads;
    for (const TimePoint end = Clock::now() + takes; Clock::now() < end;) {
    }
    return refuses != 0 ? -refuses : direct_->read(local, local_count, remote, remote_count);
  }
  std::ptrdiff_t write(const iovec* local, std::size_t local_count, const iovec* remote,
                       std::size_t remote_count) noexcept override {
    return direct_->write(local, local_count, remote, remote_count);
  }
  unsigned reads = 0;
  int refuses = 0;  // an errno value
  Clock::duration takes{};

 private:
  const std::unique_ptr<DirectCopy> direct_;
};

// Messages from a that b has not looked at yet, and would rather copy directly.
struct MessageStream : Couple {
  static constexpr unsigned kMessages = 6;  // none of them is a trial of the other way

  MessageStream(std::size_t length, std::size_t room) {
    direct = new Counting(std::move(at_b().direct));
    at_b().direct.reset(direct);
    prefer(at_b(), true, length);
    for (unsigned i = 0; i < kMessages; ++i) {
      sent.push_back(bytes_of(length, i));
      received.emplace_back(room);
    }
    for (unsigned i = 0; i < kMessages; ++i) {
      cr_assert_eq(b.receive(received[i].data(), room, i), 0);
      cr_assert_eq(a.send(to_b, sent[i].data(), length, i), 0);
    }
  }
  IncomingTransfer& transfer(unsigned number) {
    IncomingTransfer* found = b.exchange.incoming.front();
    while (number-- > 0) found = b.exchange.incoming.after(found);
    return *found;
  }
  // Returns their tags in the order in which they ended.
  std::vector<std::uint64_t> expect_all(int error = 0) {
    std::vector<std::uint64_t> tags;
    for (unsigned i = 0; i < kMessages; ++i) {
      const Event event = await(b, a);
      cr_assert_eq(event.error, error);
      tags.push_back(event.completion.tag);
      cr_assert_eq(await(a, b).error, 0);
    }
    cr_assert_eq(b.exchange.transfers.in_use() + a.exchange.sends.in_use(), 0u);
    for (const std::uint32_t count : at_b().arriving) cr_assert_eq(count, 0u);
    return tags;
  }

  Counting* direct;
  std::vector<std::vector<unsigned char>> sent, received;
};

}  // namespace anchor::unit
