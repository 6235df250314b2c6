// SPDX-License-Identifier: BSD-2-Clause
// A connected peer that asks for atomic operations which no honest one asks for, and answers those it is asked for
// wrongly: the victim's memory stays as it is, and the victim goes on.
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "common/random.h"
#include "core/memory_region.h"
#include "near_device.h"
#include "party.h"
#include "proto/limits.h"
#include "rogue.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr const char* kVictim = "anchor://victim";
constexpr const char* kRogue = "anchor://rogue";
constexpr std::uint64_t kKey = 1;
constexpr std::size_t kManyPolls = 2000;

EndpointSettings settings() {
  EndpointSettings chosen;
  chosen.locked = false;
  chosen.directed_receive = true;
  chosen.unexpected_limit = 50'000;
  return chosen;
}

// Registered words between words that are not.
struct Memory {
  std::uint64_t before[64] = {}, words[64] = {}, behind[64] = {};

  bool surroundings_untouched() const {
    for (std::size_t i = 0; i < 64; ++i)
      if (before[i] != 0 || behind[i] != 0) return false;
    return true;
  }
};

struct Scene {
  NearDevice device;
  Memory memory;
  MemoryRegistry registry;
  MemoryRegion region;
  Party victim{device, settings()};
  Rogue rogue{device, kRogue};
  std::uint64_t to_rogue = 0;

  Scene() {
    region.key = kKey;
    region.rights = kRemoteRead | kRemoteWrite;
    region.segment_count = 1;
    region.segments[0] = {memory.words, sizeof memory.words};
    expect(registry.reserve(&region) == 0 && registry.enable(&region) == 0, "memory is registered");
    victim.endpoint().bind(&registry);
    expect(victim.open(kVictim) == 0 && rogue.open() == 0, "all open");
    to_rogue = victim.meet(kRogue);
    expect(rogue.find(kVictim) == 0 && rogue.ask() == 0, "the rogue asks");
    for (unsigned i = 0; i < kManyPolls && !rogue.connected(); ++i) victim.poll();
    expect(rogue.connected(), "the rogue is granted a block");
  }
  ~Scene() {
    expect(memory.surroundings_untouched(), "nothing beside the region is touched");
    registry.remove(&region);
  }

  void poll(unsigned times = 16) {
    for (unsigned i = 0; i < times; ++i) victim.poll();
  }
  std::optional<IncomingMessage> answer() {
    std::optional<IncomingMessage> heard;
    for (std::size_t i = 0; i < kManyPolls && !heard; ++i) {
      victim.poll();
      heard = rogue.hear();
    }
    return heard;
  }
  void expect_end(const Call& call, int error) {
    const Deadline deadline(20);
    while (!call.done && !deadline.expired()) victim.poll();
    expect(call.done && call.error == error, "what was outstanding ends", call.error);
  }
};

AtomicBody sum(std::uint32_t length = 8) {
  return {.offset = 0,
          .type = static_cast<std::uint8_t>(AtomicType::kUint64),
          .operation = static_cast<std::uint8_t>(AtomicOperation::kSum),
          .family = static_cast<std::uint8_t>(AtomicClass::kFetch),
          .target_count = 1,
          .length = length,
          .reserved = 0,
          .request = 5};
}

Words asking(const AtomicBody& body, std::uint16_t length) {
  return Words{.operation = Operation::kAtomic, .flags = kInArea, .length = length, .tag = kKey}.with(body);
}

// The victim gives the rogue up.
void offend(const Words& words) {
  Scene scene;
  std::byte byte{};
  Call awaited;
  scene.victim.receive({.bytes = &byte, .length = 1, .address = scene.to_rogue, .tag = 7}, &awaited);
  expect(scene.rogue.say(words), "there is room");
  scene.expect_end(awaited, EPROTO);
  for (const std::uint64_t word : scene.memory.words) expect(word == 0, "nothing is touched");
}

void impossible_requests() {
  AtomicBody body = sum();
  offend(asking(body, 0));
  offend(asking(body, 7));
  offend(asking(body, 16));
  offend(Words{.operation = Operation::kAtomic, .length = 8, .tag = kKey}.with(body));
  offend(asking(sum(0), 0));
  offend(asking(sum(12), 12));
  offend(asking(sum(kMaxAtomicSize + 8), kMaxAtomicSize + 8));
  offend(asking(sum(0xffff'fff8), 0xfff8 % 12'000));
  body.type = 200;
  offend(asking(body, 8));
  body = sum();
  body.operation = static_cast<std::uint8_t>(AtomicOperation::kSwapIfEqual);
  offend(asking(body, 8));
  body = sum();
  body.family = 3;
  offend(asking(body, 8));
  body = sum();
  body.target_count = 0;
  offend(asking(body, 8));
  body.target_count = 5;
  offend(asking(body, 8 + 5 * sizeof(RemoteTarget)));
}

// Wrong keys, ranges and addresses are no offence: they are answered.
void requests_beyond_the_region() {
  Scene scene;
  const std::uint64_t addresses[] = {512, 505, ~0ull, ~0ull - 7, 1ull << 63, 0 - 8ull * 64, 1ull << 32, 508};
  for (const std::uint64_t address : addresses) {
    Words words = asking(sum(), 8);
    words.data = address;
    expect(scene.rogue.say(words), "there is room");
    const auto heard = scene.answer();
    expect(
        heard && heard->operation == Operation::kRemoteFinish && heard->body_as<RemoteFinishBody>().status == -ERANGE,
        "a range is refused", static_cast<long long>(address));
  }
  Words words = asking(sum(), 8);
  words.tag = kKey + 1;
  scene.rogue.say(words);
  const auto heard = scene.answer();
  expect(heard && heard->body_as<RemoteFinishBody>().status == -EKEYREJECTED, "a key is refused");
  for (const std::uint64_t word : scene.memory.words) expect(word == 0, "nothing is touched");
}

// Answers that are not collected: no more than the limit is kept, and the victim's other business goes on.
void a_flood_of_requests() {
  Scene scene;
  unsigned taken = 0;
  for (std::size_t i = 0; i < 2 * kManyPolls; ++i) {
    taken += scene.rogue.say(asking(sum(512), 512));
    scene.poll(1);
  }
  expect(taken >= 50, "some are taken", taken);
  expect(taken <= 50'000 / 512 + 200, "no more is taken than the limit", taken);
}

int begin_fetch(Scene& scene, std::uint64_t* operand, std::uint64_t* result, std::size_t count, Call* call) {
  const iovec operands{operand, 8 * count}, results{result, 8 * count};
  const RemoteTarget target{0, 8 * count, 1};
  AtomicWork work{.remote = {.base = {.type = WorkType::kFetchAtomic,
                                      .flags = kWantCompletion,
                                      .segment_count = 1,
                                      .segments = &operands,
                                      .length = 8 * count,
                                      .address = scene.to_rogue,
                                      .tag = 0,
                                      .ignore = 0,
                                      .data = 0,
                                      .context = call},
                             .target_count = 1,
                             .targets = &target},
                  .type = AtomicType::kUint64,
                  .operation = AtomicOperation::kSum};
  work.result_count = 1;
  work.results = &results;
  return scene.victim.endpoint().submit_atomic(work);
}

// The rogue hears the victim's request and answers it; `change` spoils the answer.
template <class Change>
void answer_with(std::size_t count, int error, Change&& change) {
  Scene scene;
  std::vector<std::uint64_t> operand(count), result(count + 2, 77);
  Call call;
  expect(begin_fetch(scene, operand.data(), result.data() + 1, count, &call) == 0, "the victim asks");
  const auto heard = scene.answer();
  if (!expect(heard && heard->operation == Operation::kAtomic, "the rogue hears it")) return;
  Words words{.operation = Operation::kAtomicReply, .tag = heard->body_as<AtomicBody>().request};
  change(words);
  scene.rogue.say(words);
  scene.expect_end(call, error);
  expect(result.front() == 77 && result.back() == 77, "nothing beside the result is touched");
}

void wrong_answers() {
  answer_with(1, 0, [](Words&) {});
  answer_with(5, 0, [](Words&) {});
  answer_with(6, EPROTO, [](Words&) {});
  answer_with(6, 0, [](Words& words) {
    words.flags = kInArea;
    words.length = 48;
  });
  answer_with(6, EPROTO, [](Words& words) {
    words.flags = kInArea;
    words.length = 56;
  });
  answer_with(1, EPROTO, [](Words& words) { words.tag += 1; });
  answer_with(1, EPROTO, [](Words& words) { words.tag += 1ull << 32; });
  answer_with(1, EPROTO, [](Words& words) { words.tag = ~0ull; });
  answer_with(1, EPROTO, [](Words& words) {
    const std::uint64_t request = words.tag;
    words.operation = Operation::kRemoteFinish;
    words.with(RemoteFinishBody{request, 1ll << 40});
  });
}

void nonsense_by_chance() {
  fabtests::Random random(seed(), 7);
  for (unsigned round = 0; round < 200; ++round) {
    Scene scene;
    std::uint64_t operand[8] = {}, result[8] = {};
    Call call;
    begin_fetch(scene, operand, result, 8, &call);
    for (unsigned deed = 0; deed < 30; ++deed) {
      AtomicBody body = sum(static_cast<std::uint32_t>(8 * random.between(1, 600)));
      if (random.one_in(3)) body.type = static_cast<std::uint8_t>(random.below(22));
      if (random.one_in(3)) body.operation = static_cast<std::uint8_t>(random.below(22));
      if (random.one_in(3)) body.family = static_cast<std::uint8_t>(random.below(4));
      if (random.one_in(3)) body.target_count = static_cast<std::uint8_t>(random.below(6));
      body.offset = static_cast<std::uint32_t>(random.below(20'000));
      Words words = asking(body, static_cast<std::uint16_t>(random.one_in(2) ? body.length : random.below(9000)));
      words.tag = random.below(3);
      words.data = random.one_in(4) ? random.next() : random.below(600);
      if (random.one_in(8)) words.flags = static_cast<std::uint8_t>(random.below(8));
      for (unsigned i = 0; i < 4; ++i) {
        const std::uint64_t word = random.one_in(2) ? random.below(600) : random.next();
        std::memcpy(scene.rogue.payload() + random.below(20'000), &word, sizeof word);
      }
      scene.rogue.say(words);
      scene.poll(2);
      if (random.one_in(2)) static_cast<void>(scene.rogue.hear());
    }
  }
}

}  // namespace
}  // namespace anchor::stress

int main() {
  using namespace anchor::stress;
  Verdicts verdicts;
  verdicts.run("impossible requests end the connection", impossible_requests);
  verdicts.run("requests beyond the region are refused", requests_beyond_the_region);
  verdicts.run("a flood stops at the limit", a_flood_of_requests);
  verdicts.run("wrong answers end the connection", wrong_answers);
  verdicts.run("six thousand random requests", nonsense_by_chance);
  return verdicts.finish();
}
