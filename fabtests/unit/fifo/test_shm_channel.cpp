// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>

#include <cstring>

#include "../dma/simulated_pair.h"
#include "fifo/channel.h"
#include "fifo_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// A block that two sides map.
class SharedBlock {
 public:
  SharedBlock()
      : fd_(::memfd_create("block", MFD_CLOEXEC)), own_(::ftruncate(fd_, kSmallest.size()) == 0 ? map() : Mapping()) {}
  ~SharedBlock() { ::close(fd_); }

  std::byte* data() const { return own_.data(); }
  Mapping map() const {
    auto lost = std::make_shared<LostFlag>(false);
    std::byte* address = nullptr;
    cr_assert_eq(map_guarded(fd_, 0, kSmallest.size(), lost.get(), &address), 0);
    return {address, kSmallest.size(), lost};
  }

 private:
  int fd_;
  Mapping own_;
};

struct Side {
  BlockHead& head() const { return block_head(block.data()); }

  SharedBlock block;
  std::unique_ptr<Channel> channel = make_shm_channel(block.data(), kSmallest, false);
  std::byte bell_place[1] = {};
};

struct Connection {
  Connection() {
    a.channel->connect(b.block.map(), kSmallest, Bell(b.bell_place));
    b.channel->connect(a.block.map(), kSmallest, Bell(a.bell_place));
  }
  Side a, b;
};

OutgoingMessage tagged(std::uint64_t tag) { return {.operation = Operation::kGoodbye, .tag = tag}; }

}  // namespace

Test(shm_channel, carries_messages_both_ways) {
  Connection connection;
  for (std::uint64_t i = 0; i < 100; ++i) {
    cr_assert_eq(connection.a.channel->send(tagged(i)), 0);
    cr_assert_eq(connection.b.channel->send(tagged(i + 1000)), 0);
    cr_assert_eq(connection.b.channel->peek()->tag, i);
    connection.b.channel->consume();
    cr_assert_eq(connection.a.channel->peek()->tag, i + 1000);
    connection.a.channel->consume();
    cr_assert_null(connection.a.channel->peek());
    cr_assert_null(connection.b.channel->peek());
  }
}

// In a ping-pong of long messages each tells of the one that it answers: nobody has to look at the progress line.
Test(shm_channel, credits_travel_with_messages) {
  Connection connection;
  const auto send = [](Side& side) {
    iovec segment{const_cast<std::byte*>(pattern(0)), 1000};
    OutgoingMessage message{.operation = Operation::kEager, .flags = kInArea | kCarriesTail, .length = 1000};
    message.segments = &segment;
    message.segment_count = 1;
    return side.channel->send(message);
  };
  const auto receive = [](Side& side) {
    const IncomingMessage* message = side.channel->peek();
    cr_assert_not_null(message);
    const std::uint32_t offset = message->body_as<AreaBody>().offset;
    side.channel->consume();
    return offset;
  };
  for (unsigned i = 0; i < 100; ++i) {
    cr_assert_eq(send(connection.a), 0);
    cr_assert_eq(receive(connection.b), 0u, "the area is empty each time");
    cr_assert_eq(send(connection.b), 0);
    cr_assert_eq(receive(connection.a), 0u);
  }
}

Test(shm_channel, receives_before_it_can_send) {
  Side a, b;
  cr_assert_not(a.channel->connected());
  b.channel->connect(a.block.map(), kSmallest, Bell());
  cr_assert(b.channel->connected());
  for (std::uint64_t i = 0; i < 8; ++i) {
    cr_assert_eq(b.channel->send(tagged(i)), 0);
    cr_assert_eq(a.channel->peek()->tag, i);
    a.channel->consume();
  }
  cr_assert_null(a.channel->peek());
  a.channel->connect(b.block.map(), kSmallest, Bell());
  for (std::uint64_t i = 8; i < 100; ++i) {
    cr_assert_eq(b.channel->send(tagged(i)), 0);
    cr_assert_eq(a.channel->peek()->tag, i);
    a.channel->consume();
  }
}

Test(shm_channel, is_absent_from_a_vain_look_to_the_next_message) {
  Connection connection;
  Channel& reader = *connection.b.channel;
  cr_assert_not(reader.awaited().absent(), "nobody has looked yet");
  for (unsigned i = 0; i < 100; ++i) {
    cr_assert_null(reader.peek());
    cr_assert(reader.awaited().absent());
    cr_assert_eq(connection.a.channel->send(tagged(i)), 0);
    cr_assert_not(reader.awaited().absent());
    cr_assert_eq(reader.peek()->tag, i);
    cr_assert_not(reader.awaited().absent(), "it is still there");
    reader.consume();
    cr_assert(reader.awaited().absent(), "nothing else was sent");
  }
}

Test(shm_channel, is_looked_at_once_more_while_it_owes_bytes_of_the_payload_area) {
  Connection connection;
  Channel& reader = *connection.b.channel;
  std::byte bytes[kCacheLine]{};
  const iovec segment{bytes, sizeof bytes};
  OutgoingMessage message = tagged(0);
  message.flags = kInArea;
  message.length = sizeof bytes;
  message.segments = &segment;
  message.segment_count = 1;
  const SharedWord& tail = connection.a.head().progress.tail;
  cr_assert_eq(reader.send(tagged(0)), 0);
  enum class Taking { kAlternating, kTheLast, kSeveral };
  for (const Taking taking : {Taking::kAlternating, Taking::kTheLast, Taking::kSeveral}) {
    const std::uint64_t before = tail.load();
    cr_assert_eq(connection.a.channel->send(message), 0);
    cr_assert_not_null(reader.peek());
    if (taking == Taking::kTheLast) {
      reader.consume();
    } else {
      cr_assert_null(reader.next());
    }
    if (taking != Taking::kSeveral) {
      cr_assert_not(reader.awaited().absent(), "finding nothing, it has to return them");
      cr_assert_eq(tail.load(), before);
      cr_assert_null(reader.peek());
    }
    cr_assert(reader.awaited().absent());
    cr_assert_eq(tail.load(), before + 1, "in a stream the same look does");
  }
}

Test(shm_channel, rings_unless_the_peer_polls) {
  Connection connection;
  cr_assert_eq(connection.a.channel->send(tagged(0)), 0);
  cr_assert_eq(connection.b.bell_place[0], std::byte{1});
  connection.b.channel->set_polled(true);
  cr_assert_eq(connection.a.channel->send(tagged(0)), 0);
  cr_assert_eq(connection.b.bell_place[0], std::byte{1});
  connection.b.channel->set_polled(false);
  cr_assert_eq(connection.a.channel->send(tagged(0)), 0);
  cr_assert_eq(connection.b.bell_place[0], std::byte{2});
}

Test(shm_channel, that_it_polls_is_told_once_the_peer_can_be_told) {
  Side a, b;
  a.channel->set_polled(true);
  cr_assert_eq(b.head().status.polled.load(), 0u);
  a.channel->connect(b.block.map(), kSmallest, Bell());
  cr_assert_eq(b.head().status.polled.load(), 1u);
}

Test(shm_channel, a_full_fifo_rings_nobody) {
  Connection connection;
  for (unsigned i = 0; i < kMinSlots; ++i) cr_assert_eq(connection.a.channel->send(tagged(i)), 0);
  cr_assert_eq(connection.a.channel->send(tagged(0)), -EAGAIN);
  cr_assert_eq(connection.b.bell_place[0], std::byte{kMinSlots});
}

Test(shm_channel, tells_how_much_was_pulled) {
  Connection connection;
  cr_assert_eq(connection.a.channel->pulled_by_peer(), 0u);
  connection.b.channel->set_pulled(0x1234567890abcdef);
  cr_assert_eq(connection.a.channel->pulled_by_peer(), 0x1234567890abcdefu);
  cr_assert_eq(connection.a.head().progress.pulled.load(), 0x1234567890abcdefu);
  cr_assert_eq(connection.b.channel->pulled_by_peer(), 0u);
}

Test(shm_channel, both_ends_have_the_same_gate) {
  Connection connection;
  InitiatorGate& ours = connection.a.channel->outgoing_gate();
  TargetGate& theirs = connection.b.channel->incoming_gate();
  cr_assert_eq(theirs.claim(), TargetGate::Turn::kOurs);
  cr_assert_not(ours.open());
  cr_assert_eq(connection.b.head().status.gate.load(), GateWord::pack(GateWord::kTarget, 0));
  theirs.release();
  cr_assert(ours.open());
}

Test(shm_channel, says_whether_there_is_room_and_whether_the_peer_looks) {
  Connection connection;
  for (unsigned i = 0; i < kMinSlots; ++i) {
    cr_assert(connection.a.channel->has_room());
    cr_assert_eq(connection.a.channel->send(tagged(i)), 0);
  }
  cr_assert_not(connection.a.channel->has_room());
  cr_assert_not(connection.a.channel->watched());
  connection.b.channel->set_polled(true);
  cr_assert(connection.a.channel->watched());
}

// Two that have taken turns for long; the last message was a's.
struct TurnTakers : Connection {
  TurnTakers() {
    for (unsigned i = 0; i < 20; ++i) {
      cr_assert_eq(a.channel->send(tagged(i)), 0);
      take(b);
      cr_assert_eq(b.channel->send(tagged(i)), 0);
      take(a);
    }
    cr_assert_eq(a.channel->send(tagged(20)), 0);
  }
  static void take(Side& side) {
    while (side.channel->too_early()) {
    }
    cr_assert_not_null(side.channel->peek());
    side.channel->consume();
  }
};

Test(shm_channel, of_a_turn_taker_no_second_message_is_looked_for) {
  TurnTakers pair;
  cr_assert_eq(pair.a.channel->send(tagged(21)), 0);
  while (pair.b.channel->too_early()) {
  }
  cr_assert_not_null(pair.b.channel->peek());
  cr_assert_null(pair.b.channel->next(), "though it is there");
  cr_assert_null(pair.b.channel->awaited().head, "each pass asks");
  cr_assert(pair.b.channel->too_early());
  TurnTakers::take(pair.b);
  cr_assert_not(pair.b.channel->too_early(), "two in a row are no turn");
}

Test(shm_channel, a_message_that_stays_is_looked_at_again) {
  TurnTakers pair;
  while (pair.b.channel->too_early()) {
  }
  cr_assert_not_null(pair.b.channel->peek());
  cr_assert_not(pair.b.channel->too_early());
  cr_assert_not_null(pair.b.channel->peek());
  pair.b.channel->consume();
  cr_assert(pair.b.channel->too_early());
}

// As to an operation on memory: it is a turn like any other.
Test(shm_channel, an_answer_may_be_sent_before_its_message_is_consumed) {
  Connection pair;
  for (unsigned i = 0; i < 20; ++i) {
    cr_assert_eq(pair.a.channel->send(tagged(i)), 0);
    while (pair.b.channel->too_early()) {
    }
    cr_assert_not_null(pair.b.channel->peek());
    cr_assert_eq(pair.b.channel->send(tagged(i)), 0);
    pair.b.channel->consume();
    TurnTakers::take(pair.a);
  }
  cr_assert_eq(pair.a.channel->send(tagged(20)), 0);
  TurnTakers::take(pair.b);
  cr_assert_null(pair.b.channel->awaited().head);
}

Test(shm_channel, says_whether_there_is_room_in_the_area) {
  Connection connection;
  Channel& writer = *connection.a.channel;
  const std::vector<unsigned char> bytes(writer.max_payload());
  const iovec segment{const_cast<unsigned char*>(bytes.data()), bytes.size()};
  unsigned sent = 0;
  while (writer.has_room(writer.max_payload())) {
    cr_assert_eq(writer.send({.operation = Operation::kChunk,
                              .flags = kInArea,
                              .length = static_cast<std::uint32_t>(segment.iov_len),
                              .segments = &segment,
                              .segment_count = 1}),
                 0);
    ++sent;
  }
  cr_assert_gt(sent, 0u);
  cr_assert(writer.has_room(), "slots are left");
  for (; sent != 0; --sent) {
    cr_assert_not_null(connection.b.channel->peek());
    connection.b.channel->consume();
  }
  connection.b.channel->peek();
  cr_assert(writer.has_room(writer.max_payload()), "the credits have come back");
}

// The way of most messages, beside send(): what a slot says, whether it rings, and what it does without a slot.
Test(shm_channel, small_messages_are_sent_like_others) {
  Connection connection;
  Channel& writer = *connection.a.channel;
  const auto send = [&](std::uint64_t i) {
    return writer.send_small(small_kind(Operation::kTaggedEager, kHasRemoteData, i % (kInlineSize + 1)), i, ~i,
                             pattern(i));
  };
  for (std::uint64_t i = 0; i < 100; ++i) {
    cr_assert_eq(send(i), 0);
    cr_assert_eq(connection.b.bell_place[0], static_cast<std::byte>(i + 1), "nobody looks");
    const IncomingMessage* message = connection.b.channel->peek();
    cr_assert_not_null(message);
    cr_assert_eq(message->operation, Operation::kTaggedEager);
    cr_assert_eq(message->flags, kHasRemoteData);
    cr_assert_eq(message->tag, i);
    cr_assert_eq(message->data, ~i);
    cr_assert_eq(message->length, i % (kInlineSize + 1));
    cr_assert_arr_eq(message->payload, pattern(i), message->length);
    connection.b.channel->consume();
  }
  connection.b.channel->set_polled(true);
  for (unsigned i = 0; i < kMinSlots; ++i) cr_assert_eq(send(i), 0, "all credits are back");
  cr_assert_eq(connection.b.bell_place[0], std::byte{100}, "the reader looks by itself");
  connection.b.channel->set_polled(false);
  cr_assert_eq(send(kMinSlots), -EAGAIN);
  for (unsigned i = 0; i < kMinSlots; ++i) {
    cr_assert_not_null(connection.b.channel->peek());
    cr_assert_eq(connection.b.channel->peek()->tag, i);
    connection.b.channel->consume();
  }
  cr_assert_null(connection.b.channel->peek(), "what was refused left nothing");
  connection.a.head().progress.tail.store(1000);
  cr_assert_eq(send(0), -EPROTO, "more credits than it ever had");
  cr_assert_eq(connection.b.bell_place[0], std::byte{100}, "nobody is rung for what was refused");
}

Test(shm_channel, sends_to_itself) {
  SharedBlock block;
  const auto channel = make_shm_channel(block.data(), kSmallest, true);
  cr_assert(channel->connected());
  for (std::uint64_t i = 0; i < 100; ++i) {
    const bool small = i % 2 != 0;
    cr_assert_eq(small ? channel->send_small(small_kind(Operation::kEager, 0, 8), i, 0, &i) : channel->send(tagged(i)),
                 0);
    cr_assert_eq(channel->peek()->tag, i);
    channel->consume();
  }
}

Test(shm_channel, says_when_the_peer_writes_nonsense) {
  Connection connection;
  auto& slot = *reinterpret_cast<Slot*>(connection.a.block.data() + kSmallest.slots_offset());
  slot.head.store(SlotHead::pack(1, SlotHead::kind(3, 0x80, 0)));
  cr_assert_null(connection.a.channel->peek());
  cr_assert(connection.a.channel->broken());
  cr_assert_not(connection.b.channel->broken());
}

Test(shm_channel, says_when_the_peer_returns_credits_it_never_had) {
  Connection connection;
  connection.a.head().progress.tail.store(1);
  for (unsigned i = 0; i < kMinSlots; ++i) cr_assert_eq(connection.a.channel->send(tagged(i)), 0);
  connection.a.head().progress.tail.store(1000);
  cr_assert_eq(connection.a.channel->send(tagged(0)), -EPROTO);
}

namespace {

// Messages of all lengths both ways, as through the blocks of two hosts.
void exchange_all_lengths(Channel& a, Channel& b) {
  for (std::uint32_t round = 0; round < 400; ++round) {
    const std::uint32_t length = round * 37 % ((round % 2 == 0 ? kInlineSize : a.max_payload()) + 1);
    iovec segment{const_cast<std::byte*>(pattern(round)), length};
    OutgoingMessage message{.operation = Operation::kTaggedEager, .length = length, .tag = round};
    message.flags = length > kInlineSize ? kInArea : 0;
    message.segments = &segment;
    message.segment_count = 1;
    Channel& from = round / 3 % 2 == 0 ? a : b;
    Channel& to = &from == &a ? b : a;
    const bool small = round % 4 == 0;
    cr_assert_eq(small ? from.send_small(small_kind(message.operation, 0, length), round, 0, pattern(round))
                       : from.send(message),
                 0);
    const IncomingMessage* found = to.peek();
    cr_assert_not_null(found);
    cr_assert_eq(found->tag, round);
    cr_assert_eq(found->length, length);
    cr_assert_eq(std::memcmp(found->payload, pattern(round), length), 0, "round %u, length %u", round, length);
    if (round % 5 == 0) {
      cr_assert_null(to.next());
    } else {
      to.consume();
    }
    cr_assert_null(to.peek());
  }
}

// Three messages that are there, each by the call that takes the one before.
void take_several(Channel& from, Channel& to) {
  for (std::uint64_t i = 0; i < 3; ++i) cr_assert_eq(from.send(tagged(i)), 0);
  const IncomingMessage* message = to.peek();
  for (std::uint64_t i = 0; i < 3; ++i) {
    cr_assert_not_null(message);
    cr_assert_eq(message->tag, i);
    message = to.next();
  }
  cr_assert_null(message);
  cr_assert_null(to.peek());
}

// Two hosts, whose blocks are memory of that type.
struct WindowConnection {
  explicit WindowConnection(MemoryType memory)
      : first(make_window_channel(a.block.data(), kSmallest, memory)),
        second(make_window_channel(b.block.data(), kSmallest, memory)) {
    first->connect(b.block.map(), kSmallest, Bell(b.bell_place, memory));
    second->connect(a.block.map(), kSmallest, Bell(a.bell_place, memory));
  }
  Side a, b;
  const std::unique_ptr<Channel> first, second;
};

}  // namespace

Test(shm_channel, carries_messages_through_every_kind_of_window) {
  for (const auto memory : {MemoryType::kCoherent, MemoryType::kWriteCombined, MemoryType::kNonCoherent}) {
    const WindowConnection connection(memory);
    const auto& [a, b, first, second] = connection;
    exchange_all_lengths(*first, *second);
    take_several(*first, *second);
    cr_assert_eq(first->watched(), false);
  }
}

// Where looking whether to ring costs as much as ringing, everything is rung for.
Test(shm_channel, rings_a_distant_peer_unless_it_polls) {
  for (const auto memory : {MemoryType::kCoherent, MemoryType::kWriteCombined, MemoryType::kNonCoherent}) {
    const WindowConnection connection(memory);
    const auto& [a, b, first, second] = connection;
    const bool told = shows_by_itself(memory);
    second->set_polled(true);
    cr_assert_eq(first->watched(), told);
    cr_assert_eq(first->send(tagged(0)), 0);
    cr_assert_eq(b.bell_place[0], static_cast<std::byte>(told ? 0 : 1));
    first->set_starved(false);
    cr_assert_not_null(second->peek());
    second->consume();
    cr_assert_null(second->peek());
    second->set_polled(false);
    cr_assert_eq(first->send(tagged(1)), 0);
    cr_assert_eq(b.bell_place[0], static_cast<std::byte>(told ? 1 : 2));
  }
}

// The first host's block lies at 0, the second's behind it; each host reads its own and writes to the other's, through
// its own cache.
Test(shm_channel, carries_messages_between_caches_that_do_their_worst) {
  SimulatedPair pair;
  const auto part = [&](int host, std::size_t offset) {
    const auto whole = std::shared_ptr<const Mapping>(&pair.hosts[host].cache(), [](const Mapping*) {});
    return Mapping::of(whole, offset, kSmallest.size());
  };
  constexpr std::size_t kSecond = 1 << 19, kBells = 3 << 18;
  const auto memory = MemoryType::kSimulated;
  const auto first = make_window_channel(pair.at(0, 0), kSmallest, memory);
  const auto second = make_window_channel(pair.at(1, kSecond), kSmallest, memory);
  first->connect(part(0, kSecond), kSmallest, Bell(pair.at(0, kBells), memory));
  second->connect(part(1, 0), kSmallest, Bell(pair.at(1, kBells + kCacheLine), memory));
  exchange_all_lengths(*first, *second);
  take_several(*first, *second);
  cr_assert_not(first->awaited().absent(), "it has to be asked in each pass");
}
