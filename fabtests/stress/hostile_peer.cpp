// SPDX-License-Identifier: BSD-2-Clause
// Chosen offences of a connected peer, one by one in one process: what each one ends with, and that a third endpoint's
// traffic goes on through all of them.
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "corruption.h"
#include "near_device.h"
#include "party.h"
#include "rogue.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr const char* kVictim = "anchor://victim";
constexpr const char* kHonest = "anchor://honest";
constexpr const char* kRogue = "anchor://rogue";
constexpr std::size_t kUnexpectedLimit = 100'000;
constexpr std::uint64_t kHonestTag = 0x486f6e657374;
constexpr std::size_t kManyPolls = 2000;

EndpointSettings settings() {
  EndpointSettings chosen;
  chosen.locked = false;
  chosen.directed_receive = true;
  chosen.unexpected_limit = kUnexpectedLimit;
  chosen.liveness_interval = Milliseconds(1);
  return chosen;
}

struct Scene {
  NearDevice device;
  Party victim{device, settings()}, honest{device, settings()};
  std::unique_ptr<Rogue> made = std::make_unique<Rogue>(device, kRogue);
  Rogue& rogue = *made;
  std::uint64_t to_honest = 0, to_victim = 0, to_rogue = 0;

  Scene() {
    expect(victim.open(kVictim) == 0 && honest.open(kHonest) == 0 && rogue.open() == 0, "all open");
    to_honest = victim.meet(kHonest);
    to_victim = honest.meet(kVictim);
    to_rogue = victim.meet(kRogue);
    talk();
    expect(rogue.find(kVictim) == 0 && rogue.ask() == 0, "the rogue asks");
    for (unsigned i = 0; i < kManyPolls && !rogue.connected(); ++i) poll();
    expect(rogue.connected(), "the rogue is granted a block");
  }
  ~Scene() { talk(); }

  void poll() {
    victim.poll();
    honest.poll();
  }

  // Both directions between victim and honest endpoint, short and long.
  void talk() {
    one_way(victim, to_honest, honest, to_victim);
    one_way(honest, to_victim, victim, to_honest);
  }

  void one_way(Party& from, std::uint64_t to, Party& at, std::uint64_t source) {
    for (const std::size_t length : {std::size_t{8}, std::size_t{5000}, std::size_t{50'000}}) {
      std::vector<std::byte> out(length), in(length);
      fill(out.data(), length, length);
      Call sent, received;
      at.receive({.bytes = in.data(), .length = length, .address = source, .tag = kHonestTag}, &received);
      from.send({.bytes = out.data(), .length = length, .address = to, .tag = kHonestTag}, &sent);
      const Deadline deadline(20);
      while (!(sent.done && received.done) && !deadline.expired()) poll();
      expect(sent.done && received.done && sent.error == 0 && received.error == 0, "honest traffic goes on");
      expect(is_filled(in.data(), length, length), "honest bytes are right");
    }
  }

  // Polls until the call has ended with this error.
  void expect_end(const Call& call, int error) {
    const Deadline deadline(20);
    while (!call.done && !deadline.expired()) poll();
    expect(call.done && call.error == error, "what was outstanding ends", call.error);
  }
};

// A receive that only the rogue could fill ends when the victim gives the rogue up.
void offend(const Words& words) {
  Scene scene;
  std::byte byte{};
  Call awaited;
  scene.victim.receive({.bytes = &byte, .length = 1, .address = scene.to_rogue, .tag = 7}, &awaited);
  expect(scene.rogue.say(words), "there is room");
  scene.expect_end(awaited, EPROTO);
}

void operations_out_of_place() {
  offend({.operation = Operation::kNone});
  offend({.operation = static_cast<Operation>(200)});
  offend({.operation = Operation::kFinish});
  offend({.operation = Operation::kClearToSend});
  offend({.operation = Operation::kCopyFronts});
  offend({.operation = Operation::kCopyFronts, .flags = kInArea, .length = sizeof(MessageFront), .data = 1});
  offend({.operation = Operation::kRefuse});
  offend({.operation = Operation::kGrant});
  offend({.operation = Operation::kTakeArea});
  offend({.operation = Operation::kOfferArea});
  offend({.operation = Operation::kRemoteShare});
}

constexpr std::uint32_t kArea = EndpointSettings{}.fifo_payload;

void impossible_lengths() {
  offend({.operation = Operation::kEager, .length = kInlineSize + 1});
  offend({.operation = Operation::kEager, .flags = 0x80});
  offend(Words{.operation = Operation::kEager, .flags = kInArea, .length = 1}.with(AreaBody{kArea + 1, 0, 0}));
  offend(Words{.operation = Operation::kEager, .flags = kInArea, .length = 65}.with(AreaBody{kArea - 64, 0, 0}));
  offend(Words{.operation = Operation::kEager, .flags = kInArea, .length = 1}.with(AreaBody{~0u, 0, 0}));
  offend(Words{.operation = Operation::kAnnounce}.with(AnnounceBody{0, 1, 1, (1ull << 47) + 1, 0}));
  offend(Words{.operation = Operation::kAnnounce}.with(AnnounceBody{0, 9, 1, 100, 0}));
  offend(Words{.operation = Operation::kAnnounce, .flags = kInArea, .length = 16}.with(AnnounceBody{0, 2, 1, 100, 0}));
}

// An address that leads nowhere: the receive ends in an error, the buffer's surroundings are untouched.
void wild_announcement() {
  Scene scene;
  std::vector<std::byte> buffer(1000);
  Call received;
  scene.victim.receive({.bytes = buffer.data(), .length = buffer.size(), .address = scene.to_rogue, .tag = 7},
                       &received);
  scene.rogue.say(Words{.operation = Operation::kTaggedAnnounce, .tag = 7}.with(
      AnnounceBody{0, 1, 5, 1ull << 40, 0xdead'beef'0000}));
  std::optional<IncomingMessage> answer;
  for (std::size_t i = 0; i < kManyPolls && !answer; ++i) {
    scene.poll();
    answer = scene.rogue.hear();
  }
  if (!expect(answer && answer->operation == Operation::kClearToSend, "the victim asks for the bytes")) return;
  const auto wanted = answer->body_as<ClearToSendBody>();
  expect(wanted.length == buffer.size(), "no more is asked for than there is room");
  // The chunks are the sender's to choose: more than was asked for.
  scene.rogue.say(
      Words{.operation = Operation::kChunk, .flags = kInArea, .length = 6000}.with(ChunkBody{0, 0, wanted.transfer}));
  scene.expect_end(received, EPROTO);
}

// Messages that nobody receives are kept up to the limit, then wait in the FIFO; the rogue's death does not hang on it.
void unexpected_flood() {
  Scene scene;
  unsigned taken = 0;
  for (std::size_t i = 0; i < 4 * kManyPolls; ++i) {
    taken +=
        scene.rogue.say(Words{.operation = Operation::kTaggedEager, .flags = kInArea, .length = 1000, .tag = 9}.with(
            AreaBody{0, 0, 0}));
    scene.poll();
  }
  expect(taken <= kUnexpectedLimit / 1000 + scene.rogue.geometry().slot_count, "no more is taken than the limit",
         taken);
  expect(taken >= kUnexpectedLimit / 2000, "much is taken", taken);
}

// A peer that goes while its messages wait for room: what is awaited from it ends all the same.
void leave_after_flood() {
  Scene scene;
  std::byte byte{};
  Call awaited;
  scene.victim.receive({.bytes = &byte, .length = 1, .address = scene.to_rogue, .tag = 7}, &awaited);
  for (std::size_t i = 0; i < 4 * kManyPolls; ++i) {
    scene.rogue.say(Words{.operation = Operation::kTaggedEager, .flags = kInArea, .length = 1000, .tag = 9}.with(
        AreaBody{0, 0, 0}));
    scene.poll();
  }
  scene.made.reset();
  scene.expect_end(awaited, ECONNRESET);
}

// One that says goodbye and goes on talking.
void talk_after_goodbye() {
  Scene scene;
  std::byte byte{};
  Call awaited;
  scene.victim.receive({.bytes = &byte, .length = 1, .address = scene.to_rogue, .tag = 7}, &awaited);
  scene.rogue.say({.operation = Operation::kGoodbye});
  const Deadline deadline(20);
  while (!awaited.done && !deadline.expired()) {
    for (unsigned i = 0; i < 100; ++i) scene.rogue.say({.operation = Operation::kTaggedEager, .length = 0, .tag = 9});
    scene.poll();
  }
  expect(awaited.done && awaited.error == ECONNRESET, "a goodbye counts, whatever follows", awaited.error);
}

void false_credits() {
  for (const std::uint64_t tail : {std::uint64_t{1000}, ~std::uint64_t{0}, std::uint64_t{1} << 31}) {
    Scene scene;
    std::vector<Call> calls(200);
    scene.rogue.progress().tail = tail;
    for (Call& call : calls) scene.victim.send({.bytes = nullptr, .length = 0, .address = scene.to_rogue}, &call);
    scene.expect_end(calls.back(), EPROTO);
  }
}

// Somebody claims to be the honest endpoint's next incarnation while that one lives.
void borrowed_name() {
  Scene scene;
  Call awaited;
  std::byte byte{};
  scene.victim.receive({.bytes = &byte, .length = 1, .address = scene.to_honest, .tag = 8}, &awaited);
  ContactRequest request = scene.rogue.right_request();
  request.requester = EndpointName::from(kHonest);
  for (unsigned round = 0; round < 20; ++round) {
    ++request.requester_incarnation;
    scene.rogue.ask(request);
    for (unsigned i = 0; i < 200; ++i) scene.poll();
  }
  expect(!awaited.done, "the honest endpoint's connection stands", awaited.error);
}

void nonsense_by_chance() {
  fabtests::Random random(seed(), 99);
  for (unsigned round = 0; round < 40; ++round) {
    // They outlive the scene, at the end of which some of them may end.
    std::vector<std::byte> out(20'000);
    std::vector<Call> calls(8);
    Scene scene;
    Corruption corruption(scene.rogue, random);
    for (Call& call : calls)
      scene.victim.send({.bytes = out.data(),
                         .length = random.one_in(2) ? 10 : out.size(),
                         .address = scene.to_rogue,
                         .flags = kWantCompletion | kDeliveryComplete},
                        &call);
    for (unsigned deed = 0; deed < 25; ++deed) {
      corruption.commit();
      for (unsigned i = 0; i < 4; ++i) scene.poll();
    }
  }
}

}  // namespace
}  // namespace anchor::stress

int main() {
  using namespace anchor::stress;
  Verdicts verdicts;
  verdicts.run("operations out of place end the connection", operations_out_of_place);
  verdicts.run("impossible lengths end the connection", impossible_lengths);
  verdicts.run("a wild announcement ends in an error", wild_announcement);
  verdicts.run("a flood stops at the limit", unexpected_flood);
  verdicts.run("a flood does not hold up its end", leave_after_flood);
  verdicts.run("nothing counts after a goodbye", talk_after_goodbye);
  verdicts.run("credits that never were end the connection", false_credits);
  verdicts.run("a borrowed name cuts nobody off", borrowed_name);
  verdicts.run("a thousand random offences", nonsense_by_chance);
  return verdicts.finish();
}
