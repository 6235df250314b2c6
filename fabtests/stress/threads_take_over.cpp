// SPDX-License-Identifier: BSD-2-Clause
// A target's thread that attends at random moments, and an initiator's that does by itself what the target has not
// begun. Copies within this process are made where ThreadSanitizer sees them, so that a write of one side that is not
// ordered with the other's is a data race; totals tell whether anything was done twice or not at all.
#include <sched.h>

#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "common/random.h"
#include "near_device.h"
#include "os/gather.h"
#include "party.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr std::uint64_t kKey = 3;
constexpr unsigned kOperations = 4000;
constexpr std::size_t kWords = 1000;

// As the kernel would, but in view.
class VisibleCopy final : public DirectCopy {
 public:
  std::ptrdiff_t read(const iovec* local, std::size_t local_count, const iovec* remote,
                      std::size_t remote_count) noexcept override {
    return move(remote, remote_count, local, local_count);
  }
  std::ptrdiff_t write(const iovec* local, std::size_t local_count, const iovec* remote,
                       std::size_t remote_count) noexcept override {
    return move(local, local_count, remote, remote_count);
  }

 private:
  static std::ptrdiff_t move(const iovec* from, std::size_t from_count, const iovec* to,
                             std::size_t to_count) noexcept {
    std::byte bytes[8 * kWords];
    const std::size_t length = gather(bytes, from, from_count, 0, sizeof bytes);
    return static_cast<std::ptrdiff_t>(scatter(to, to_count, 0, bytes, length));
  }
};

class VisibleDevice final : public NearDevice {
 public:
  int open_direct_copy(const DirectCopyOffer&, std::unique_ptr<DirectCopy>* direct) noexcept override {
    *direct = std::make_unique<VisibleCopy>();
    return 0;
  }
};

struct Memory {
  explicit Memory(Party& party) : owner(party) {
    region.key = kKey;
    region.rights = kRemoteRead | kRemoteWrite;
    region.segment_count = 1;
    region.segments[0] = {words.data(), words.size() * sizeof words[0]};
    expect(owner.memory().reserve(&region) == 0 && owner.memory().enable(&region) == 0, "memory is registered");
  }
  ~Memory() { owner.memory().remove(&region); }

  Party& owner;
  MemoryRegion region;
  std::vector<std::uint64_t> words = std::vector<std::uint64_t>(kWords);
};

// Each operation adds to a word what a read of it has brought: read, then write, then the next. So every one of them
// counts, once.
void count_up(Party& initiator, std::uint64_t target, unsigned* rounds) {
  fabtests::Random random(seed(), 1);
  std::vector<std::uint64_t> expected(kWords);
  for (unsigned i = 0; i < kOperations; ++i) {
    const std::uint64_t index = random.below(kWords);
    std::uint64_t word = ~0ull, next = expected[index] + 1, again = ~0ull;
    auto* bytes = reinterpret_cast<std::byte*>(&word);
    Call calls[3];
    // All three are on their way at once.
    const auto begin = [&](WorkType type, void* at, Call* call) {
      return initiator.access(type, {.bytes = static_cast<std::byte*>(at), .length = 8, .address = target}, kKey,
                              8 * index, call) == 0;
    };
    expect(begin(WorkType::kRead, bytes, &calls[0]) && begin(WorkType::kWrite, &next, &calls[1]) &&
               begin(WorkType::kRead, &again, &calls[2]),
           "operations are taken");
    for (Call& call : calls) {
      if (!expect(initiator.wait(call), "it ends")) return;
      expect(call.error == 0, "it goes well", call.error);
    }
    expect(word == expected[index], "a read sees all before it", static_cast<long long>(word));
    expect(again == next, "and the write just before", static_cast<long long>(again));
    expected[index] = next;
    ++*rounds;
    if (random.one_in(8)) sched_yield();
  }
}

void attend(Party& target, const std::atomic<bool>& done) {
  fabtests::Random random(seed(), 2);
  while (!done) {
    for (std::uint64_t passes = random.below(200); passes > 0 && !done; --passes) target.poll();
    if (random.one_in(3)) std::this_thread::sleep_for(std::chrono::microseconds(random.below(300)));
    sched_yield();
  }
}

void words_are_counted() {
  VisibleDevice device;
  EndpointSettings settings;
  settings.locked = false;
  Party initiator(device, settings), target(device, settings);
  if (!expect(initiator.open("anchor://initiator") == 0 && target.open("anchor://target") == 0, "both open")) return;
  unsigned rounds = 0;
  Memory memory(target);
  std::atomic<bool> done{false};
  std::thread progress([&] { attend(target, done); });
  count_up(initiator, initiator.meet("anchor://target"), &rounds);
  done = true;
  progress.join();
  std::uint64_t total = 0;
  for (const std::uint64_t word : memory.words) total += word;
  expect(total == rounds, "every write counts once", static_cast<long long>(total));
}

// A message behind a write: its receiver looks at the memory, and writes there itself, before it answers.
void messages_hand_over() {
  VisibleDevice device;
  EndpointSettings settings;
  settings.locked = false;
  Party initiator(device, settings), target(device, settings);
  if (!expect(initiator.open("anchor://initiator") == 0 && target.open("anchor://target") == 0, "both open")) return;
  Memory memory(target);
  const std::uint64_t to_target = initiator.meet("anchor://target"), to_initiator = target.meet("anchor://initiator");
  constexpr std::uint64_t kRounds = 1500;
  std::thread other([&] {
    fabtests::Random random(seed(), 4);
    for (std::uint64_t i = 1; i <= kRounds; ++i) {
      std::uint64_t number = 0;
      Call call, answer;
      expect(target.receive({.bytes = reinterpret_cast<std::byte*>(&number), .length = 8}, &call) == 0, "a receive");
      while (!call.done) {
        target.poll();
        if (random.one_in(50)) std::this_thread::sleep_for(std::chrono::microseconds(random.below(300)));
        sched_yield();
      }
      expect(number == i && memory.words[0] == 2 * i, "the write came first", static_cast<long long>(memory.words[0]));
      memory.words[0] = 2 * i + 1;
      expect(target.send({.bytes = reinterpret_cast<std::byte*>(&number), .length = 8, .address = to_initiator},
                         &answer) == 0 &&
                 target.wait(answer),
             "an answer");
    }
  });
  for (std::uint64_t i = 1; i <= kRounds; ++i) {
    std::uint64_t word = 2 * i, number = i, answered = 0, back = 0;
    Call write, send, receive, read;
    expect(initiator.access(WorkType::kWrite,
                            {.bytes = reinterpret_cast<std::byte*>(&word), .length = 8, .address = to_target}, kKey, 0,
                            &write) == 0,
           "a write is taken");
    expect(
        initiator.send({.bytes = reinterpret_cast<std::byte*>(&number), .length = 8, .address = to_target}, &send) == 0,
        "a send is taken");
    expect(initiator.receive({.bytes = reinterpret_cast<std::byte*>(&answered), .length = 8}, &receive) == 0,
           "a receive is taken");
    if (!expect(initiator.wait(write) && initiator.wait(send) && initiator.wait(receive), "all end")) break;
    expect(initiator.access(WorkType::kRead,
                            {.bytes = reinterpret_cast<std::byte*>(&back), .length = 8, .address = to_target}, kKey, 0,
                            &read) == 0 &&
               initiator.wait(read),
           "a read");
    expect(back == 2 * i + 1, "nothing is written again over what the target wrote", static_cast<long long>(back));
  }
  other.join();
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("reads and writes of a target that comes and goes", [] { anchor::stress::words_are_counted(); });
  verdicts.run("messages hand the memory over", [] { anchor::stress::messages_hand_over(); });
  return verdicts.finish();
}
