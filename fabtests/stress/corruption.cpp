// SPDX-License-Identifier: BSD-2-Clause
#include "corruption.h"

#include <cstring>
#include <iterator>

#include "dma/window_layout.h"

namespace anchor::stress {
namespace {

constexpr std::uint64_t kBorders[] = {
    0,          1,          40,         41,     63,         64,           4095,       4096,          12224,
    12225,      24448,      24449,      0xffff, 0x10000,    0x7fffffff,   0x80000000, 0xffffffff,    1ull << 32,
    1ull << 47, 1ull << 48, 1ull << 63, ~0ull,  ~0ull - 63, ~0ull - 4095, 0xdeadbeef, 1ull << 32 | 1};

void remember(std::vector<std::uint64_t>& names, std::uint64_t name) {
  names.push_back(name);
  if (names.size() > 64) names.erase(names.begin(), names.begin() + 32);
}

}  // namespace

void Corruption::commit() {
  listen();
  using Deed = void (Corruption::*)();
  // Deeds that a connection survives come up more often, so that what follows them is reached.
  static constexpr Deed kDeeds[] = {
      &Corruption::flood,           &Corruption::flood,          &Corruption::announce_wildly,
      &Corruption::announce_wildly, &Corruption::place_wrongly,  &Corruption::place_wrongly,
      &Corruption::offer_memory,    &Corruption::offer_memory,   &Corruption::spoil_own_table,
      &Corruption::spoil_own_table, &Corruption::spoil_status,   &Corruption::spoil_status,
      &Corruption::spoil_progress,  &Corruption::ring_bells,     &Corruption::ask_nonsense,
      &Corruption::spoil_own_block, &Corruption::answer_wrongly, &Corruption::say_nearly_right,
      &Corruption::say_anything,    &Corruption::scribble_slots, &Corruption::spoil_credits,
      &Corruption::spoil_own_record};
  (this->*kDeeds[random_.below(std::size(kDeeds))])();
}

void Corruption::listen() {
  while (const auto message = rogue_.hear()) {
    if (message->operation == Operation::kRemoteWrite) remember(heard_, message->body_as<RemoteWriteBody>().request);
    if (message->operation == Operation::kTaggedAnnounce)
      remember(announced_, message->body_as<AnnounceBody>().request);
    if (message->operation == Operation::kClearToSend) remember(wanted_, message->body_as<ClearToSendBody>().transfer);
    remember(heard_, message->body[0]);
    remember(heard_, message->body[1]);
  }
}

std::uint64_t Corruption::word() {
  return random_.one_in(2) ? kBorders[random_.below(std::size(kBorders))] : random_.next();
}

std::uint64_t Corruption::known() { return random_.one_in(4) ? word() : one_of(heard_); }

std::uint64_t Corruption::one_of(const std::vector<std::uint64_t>& names) {
  return names.empty() ? word() : names[random_.below(names.size())];
}

// Memory of an application in the rogue's own partition, if it is on a window: whoever stores there harms nobody.
std::uint64_t Corruption::place() {
  const auto slot = static_cast<std::uint32_t>(random_.between(kWindowSlots - 1, kOwningSlots));
  return random_.one_in(4) ? word() : WindowMemoryPlace::pack(slot, random_.below(8u << 20));
}

void Corruption::say_anything() {
  Words words{.operation = static_cast<Operation>(random_.below(256)),
              .flags = static_cast<std::uint8_t>(random_.next()),
              .length = static_cast<std::uint16_t>(word()),
              .tag = word(),
              .data = word()};
  for (std::uint64_t& part : words.body) part = word();
  rogue_.say(words, random_.one_in(4));
}

void Corruption::say_nearly_right() {
  Words words{.operation = static_cast<Operation>(random_.below(kOperationCount)),
              .flags = static_cast<std::uint8_t>(random_.below(8)),
              .length = static_cast<std::uint16_t>(random_.below(64)),
              .tag = random_.below(4)};
  for (std::uint64_t& part : words.body) part = known();
  words.body[0] &= 0x3fff;
  rogue_.say(words);
}

void Corruption::offer_fronts(Words* words) {
  MessageFront fronts[kMostFronts];
  for (MessageFront& front : fronts)
    front = {one_of(announced_), place(), random_.one_in(2) ? random_.below(100'000) : word()};
  std::memcpy(rogue_.payload(), fronts, sizeof fronts);
  words->operation = Operation::kCopyFronts;
  words->flags = kInArea;
  words->length = static_cast<std::uint16_t>(random_.below(kMostFronts + 2) * sizeof(MessageFront));
  words->data = random_.below(4);
}

void Corruption::answer_wrongly() {
  Words words{};
  switch (random_.below(9)) {
    case 0:
      words.operation = Operation::kFinish;
      words.with(FinishBody{known(), static_cast<std::int64_t>(word())});
      break;
    case 1:
      words.operation = Operation::kClearToSend;
      words.with(ClearToSendBody{known(), word(), random_.one_in(2) ? random_.below(100'000) : word(), place(),
                                 random_.one_in(2) ? 0 : word()});
      break;
    case 2:
      words.operation = Operation::kChunk;
      words.flags = kInArea;
      words.length = static_cast<std::uint16_t>(random_.below(6081));
      words.with(ChunkBody{static_cast<std::uint32_t>(random_.below(6000)), 0, known()});
      break;
    case 3:
      words.operation = random_.one_in(2) ? Operation::kOfferArea : Operation::kTakeArea;
      words.with(OfferAreaBody{known() & ~(kPageSize - 1), random_.one_in(2) ? 28'672 : word()});
      break;
    case 4:
      words.operation = Operation::kReadChunk;
      words.flags = kInArea;
      words.length = static_cast<std::uint16_t>(random_.below(6081));
      words.with(ReadChunkBody{static_cast<std::uint32_t>(random_.below(6000)), 0, known(),
                               random_.one_in(2) ? random_.below(8000) : word()});
      break;
    case 5:
      words.operation = Operation::kRemoteFinish;
      words.with(RemoteFinishBody{known(), random_.one_in(2) ? 0 : static_cast<std::int64_t>(word())});
      break;
    case 6:
      offer_fronts(&words);
      break;
    case 7:
      words.operation = Operation::kPlaced;
      words.with(PlacedBody{known()});
      break;
    default:
      words.operation = Operation::kGrant;
      words.with(GrantBody{word(),
                           {word(), static_cast<std::uint32_t>(word()), static_cast<std::uint32_t>(word()),
                            static_cast<std::uint32_t>(word()), 0}});
  }
  rogue_.say(words);
}

void Corruption::announce_wildly() {
  Words words{.operation = random_.one_in(2) ? Operation::kAnnounce : Operation::kTaggedAnnounce,
              .tag = random_.below(4)};
  const std::uint32_t count = random_.one_in(2) ? 1 : static_cast<std::uint32_t>(random_.below(10));
  AnnounceBody body{.offset = static_cast<std::uint32_t>(random_.below(4000)),
                    .segment_count = count,
                    .request = word(),
                    .length = random_.one_in(2) ? random_.below(200'000) : word(),
                    .address = word()};
  if (count != 1) {
    words.flags = kInArea;
    words.length = static_cast<std::uint16_t>(count * sizeof(RemoteSegment));
    body.length = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const RemoteSegment segment{word(), random_.below(50'000)};
      body.length += segment.length;
      std::memcpy(rogue_.payload() + body.offset + i * sizeof segment, &segment, sizeof segment);
    }
    if (random_.one_in(4)) body.length = word();
  }
  words.with(body);
  rogue_.say(words);
}

// Long messages that go to where the receiver says, in either direction: ended before they came, twice or in the midst
// of a stream; sent where nothing of ours is.
void Corruption::place_wrongly() {
  Words words{.operation = Operation::kTaggedAnnounce, .tag = random_.below(4)};
  const std::uint64_t length = random_.between(13'000, 150'000);
  if (!announced_.empty() && random_.one_in(2)) {
    words.operation = Operation::kClearToSend;
    words.with(ClearToSendBody{one_of(announced_), word(), random_.below(100'001), place(), 0});
  } else if (!wanted_.empty() && random_.one_in(2)) {
    words.operation = random_.one_in(4) ? Operation::kChunk : Operation::kPlaced;
    words.flags = kInArea;
    words.length = static_cast<std::uint16_t>(random_.below(6081));
    words.with(ChunkBody{0, 0, one_of(wanted_)});
    if (words.operation == Operation::kPlaced) words.with(PlacedBody{one_of(wanted_)});
  } else {
    words.with(AnnounceBody{0, 1, word(), length, word()});
  }
  rogue_.say(words);
}

// As many messages as the FIFO takes, wanting answers that it does not collect.
void Corruption::flood() {
  for (unsigned i = 0; i < 200; ++i) {
    Words words{.operation = random_.one_in(2) ? Operation::kEager : Operation::kTaggedEager,
                .flags = static_cast<std::uint8_t>(kInArea | (random_.one_in(2) ? kWantFinish : 0)),
                .length = static_cast<std::uint16_t>(random_.below(6000)),
                .tag = random_.below(4)};
    words.with(AreaBody{static_cast<std::uint32_t>(random_.below(6000)), 0, word()});
    if (!rogue_.say(words)) return;
  }
}

void Corruption::scribble_slots() {
  auto* words = reinterpret_cast<SharedWord*>(rogue_.block().data());
  for (std::uint64_t i = random_.between(1, 64); i != 0; --i)
    words[random_.below(rogue_.block().size() / 8)].store(word(), std::memory_order_relaxed);
  rogue_.ring();
}

void Corruption::spoil_credits() {
  SharedWord& tail = rogue_.progress().tail;
  const std::uint64_t now = tail.load(std::memory_order_relaxed);
  tail.store(random_.one_in(2) ? now + random_.between(1, 100) : random_.one_in(2) ? now - random_.below(100) : word());
}

void Corruption::spoil_status() {
  rogue_.status().polled.store(word());
  rogue_.status().starved.store(word());
  rogue_.status().table.store(word());
  rogue_.status().gate.store(random_.one_in(2) ? random_.below(64) : word());
}

void Corruption::spoil_progress() {
  rogue_.progress().costs.store(word());
  rogue_.progress().pulled.store(random_.one_in(2) ? known() << 48 | word() : word());
  rogue_.progress().share.store(word());
  rogue_.progress().report.store(random_.one_in(2) ? known() << 48 | random_.below(64) : word());
}

void Corruption::spoil_own_record() {
  auto* words = reinterpret_cast<SharedWord*>(rogue_.own_header());
  words[random_.below(sizeof(AnchorRecord) / 8)].store(word());
}

void Corruption::spoil_own_block() {
  auto* words = reinterpret_cast<SharedWord*>(rogue_.own_block());
  words[random_.below(kPageSize / 8)].store(word());
}

// A table that leads somewhere, with rows that may be had.
void Corruption::offer_memory() {
  rogue_.own_directory().chunks[0].store(rogue_.own_chunk_offset());
  rogue_.own_directory().used.store(kFirstChunkRows);
  for (std::uint32_t i = 0; i < kFirstChunkRows; ++i) {
    ProtectionRow& row = rogue_.own_rows()[i];
    row.sequence.store(2 * random_.below(4));
    row.key.store(random_.below(kWantedKeys));
    row.base.store(random_.one_in(2) ? 0 : word());
    row.length.store(random_.one_in(2) ? random_.below(200'000) : word());
    row.address.store(word());
    row.terms.store(RowTerms::pack(kMayRead | kMayWrite, static_cast<std::uint32_t>(random_.below(4)),
                                   static_cast<std::uint32_t>(random_.below(6)),
                                   static_cast<std::uint32_t>(random_.below(3))));
  }
}

// Any word of it becomes anything; or a row is always being changed, in states that do not belong together.
void Corruption::spoil_own_table() {
  ProtectionRow& row = rogue_.own_rows()[random_.below(kFirstChunkRows)];
  auto* const words = reinterpret_cast<SharedWord*>(&row);
  if (random_.one_in(3)) {
    SharedWord* const directory = reinterpret_cast<SharedWord*>(&rogue_.own_directory());
    directory[random_.below(sizeof(ProtectionDirectory) / 8)].store(word());
  }
  for (unsigned i = 0; i < 200; ++i) {
    if (random_.one_in(2)) row.sequence.fetch_add(1);
    words[random_.below(sizeof row / 8)].store(word());
  }
}

void Corruption::ask_nonsense() {
  ContactRequest request = rogue_.right_request();
  switch (random_.below(6)) {
    case 0:
      request.requester = EndpointName::from("anchor://nobody-of-this-name");
      break;
    case 1:
      request.requester.bytes.fill(static_cast<char>(random_.below(256)));
      break;
    case 2:
      request.requester_incarnation = word();
      break;
    case 3:
      request.block.offset = word();
      break;
    case 4:
      request.block.slot_count = static_cast<std::uint32_t>(word());
      break;
    default:
      request.block.notification = static_cast<std::uint32_t>(word());
  }
  static_cast<void>(rogue_.ask(request));
}

void Corruption::ring_bells() {
  auto* board =
      reinterpret_cast<std::atomic<std::uint8_t>*>(rogue_.header().data() + rogue_.contents().notification_offset);
  for (unsigned i = 0; i < 64; ++i)
    board[random_.below(rogue_.contents().notification_count)].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace anchor::stress
