// SPDX-License-Identifier: BSD-2-Clause
// One endpoint used by four threads at once: each sends, receives, cancels, makes progress, and takes whatever has
// completed, be it its own or another thread's. A partner with a thread of its own sends every message back.
#include <sched.h>

#include <array>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "common/random.h"
#include "near_device.h"
#include "party.h"
#include "threads_sizes.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr unsigned kThreads = 4;
constexpr unsigned kRounds = 40;
constexpr std::uint64_t kNobodySends = 1ull << 63;
constexpr const char* kShared = "anchor://threads-shared";
constexpr const char* kPartner = "anchor://threads-partner";

std::uint64_t tag_of(unsigned thread, unsigned round) noexcept { return std::uint64_t{thread} << 32 | round; }

void cancel_one(Party& party) {
  std::byte byte{};
  Call call;
  expect(party.receive({.bytes = &byte, .length = 1, .tag = kNobodySends}, &call) == 0, "a receive is taken");
  expect(party.endpoint().cancel(&call) == 0, "a receive that nobody fills can be cancelled");
  if (expect(party.wait(call), "a cancelled receive completes"))
    expect(call.error == ECANCELED, "cancelled", call.error);
}

void one_thread(Party& party, std::uint64_t partner, unsigned thread) {
  fabtests::Random random(seed(), thread);
  std::vector<std::byte> out(kLongest), in(kLongest);
  for (unsigned round = 0; round < kRounds; ++round) {
    const std::size_t length = any_length(random);
    const std::uint64_t tag = tag_of(thread, round);
    fill(out.data(), length, tag);
    Call sent, received;
    // An unexpected answer every other time.
    const bool late = random.one_in(2);
    const Message answer{.bytes = in.data(), .length = in.size(), .tag = tag};
    if (!late) expect(party.receive(answer, &received) == 0, "a receive is taken");
    expect(party.send({.bytes = out.data(), .length = length, .address = partner, .tag = tag}, &sent) == 0,
           "a send is taken");
    if (random.one_in(4)) cancel_one(party);
    if (late) expect(party.receive(answer, &received) == 0, "a receive is taken");
    if (!expect(party.wait(sent) && party.wait(received), "a round ends", round)) return;
    expect(sent.error == 0 && received.error == 0, "a round succeeds", sent.error + received.error);
    expect(received.length == length && is_filled(in.data(), length, tag), "the answer is what was sent", round);
    if (random.one_in(8)) sched_yield();
  }
}

// Answers until `total` messages have come.
void answer(Party& party, std::uint64_t peer, unsigned total) {
  struct Buffer {
    std::vector<std::byte> bytes = std::vector<std::byte>(kLongest);
    Call received, sent;
    bool answering = false;
  };
  std::array<Buffer, kThreads> buffers;
  const auto listen = [&](Buffer& buffer) {
    buffer.received.done = false;
    buffer.answering = false;
    party.receive({.bytes = buffer.bytes.data(), .length = kLongest, .ignore = ~0ull}, &buffer.received);
  };
  for (Buffer& buffer : buffers) listen(buffer);
  const Deadline deadline(100);
  for (unsigned answered = 0; answered < total && expect(!deadline.expired(), "all are answered", answered);) {
    party.poll();
    for (Buffer& buffer : buffers) {
      if (!buffer.answering && buffer.received.done) {
        buffer.answering = true;
        buffer.sent.done = false;
        party.send({.bytes = buffer.bytes.data(),
                    .length = buffer.received.length,
                    .address = peer,
                    .tag = buffer.received.tag},
                   &buffer.sent);
      } else if (buffer.answering && buffer.sent.done) {
        ++answered;
        listen(buffer);
      }
    }
  }
}

void share_an_endpoint(bool direct_copy) {
  NearDevice device;
  EndpointSettings settings;
  settings.direct_copy = direct_copy;
  Party shared(device, settings), partner(device, settings);
  if (!expect(shared.open(kShared) == 0 && partner.open(kPartner) == 0, "endpoints open")) return;
  const std::uint64_t to_partner = shared.meet(kPartner), to_shared = partner.meet(kShared);
  std::vector<std::thread> threads;
  threads.emplace_back([&] { answer(partner, to_shared, kThreads * kRounds); });
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { one_thread(shared, to_partner, i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("four threads share an endpoint", [] { anchor::stress::share_an_endpoint(true); });
  verdicts.run("four threads share an endpoint, nothing read directly",
               [] { anchor::stress::share_an_endpoint(false); });
  return verdicts.finish();
}
