// SPDX-License-Identifier: BSD-2-Clause
// Reads, writes and atomic operations among each other: FI_ORDER_RAR, RAW, WAR and WAW are for all of them together.
// And FI_FENCE, which keeps them behind messages.
#include <deque>

#include "atomics.h"
#include "mapped_area.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kOperations = 4000;
constexpr std::size_t kWindow = 50;
constexpr std::size_t kLong = 300'000;

const NodeOptions kAllKinds{.caps = FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC};

// What one operation takes along or brings back; for those that bring it, the value that must have been there.
struct Step {
  Bytes bytes;
  bool brings = false;
  std::uint64_t wanted = 0;
  std::uint64_t operand = 0, compare = 0;
};

// Operations of any kind on one word of rank 1, which lies at the start of `longest` bytes that keys 1 and 2 lead to;
// none is awaited before some dozens have been asked for. The word is known at each moment.
class Sequence {
 public:
  Sequence(Team& team, Node& node, std::size_t longest) : node_(node), random_(team.random()), longest_(longest) {}

  void run() {
    for (std::size_t i = 1; i <= kOperations; ++i) {
      add(i);
      if (steps_.size() == kWindow || i == kOperations) await_all();
    }
  }
  std::uint64_t word() const { return word_; }

 private:
  void add(std::uint64_t number) {
    steps_.emplace_back();
    Step& step = steps_.back();
    const std::uint64_t key = 1 + random_.below(2);
    const std::size_t size = random_.one_in(8) ? random_.between(8, longest_) : 8;
    switch (random_.below(4)) {
      case 0:
        return write(step, number, size, key);
      case 1:
        return read(step, size, key);
      case 2:
        return change(step, Family::kFetch, random_.one_in(2) ? FI_SUM : FI_ATOMIC_READ, key);
      default:
        random_.one_in(2) ? change(step, Family::kBase, FI_SUM, key) : change(step, Family::kCompare, FI_CSWAP, key);
    }
  }

  void write(Step& step, std::uint64_t number, std::size_t size, std::uint64_t key) {
    step.bytes.resize(size);
    word_ = number << 32;
    std::memcpy(step.bytes.data(), &word_, 8);
    submit([&] { return write_message(node_.ep(), {step.bytes.data(), size, node_.peer(1), 0, key}, FI_COMPLETION); });
  }
  void read(Step& step, std::size_t size, std::uint64_t key) {
    step.bytes.resize(size);
    step.brings = true;
    step.wanted = word_;
    submit([&] { return read_message(node_.ep(), {step.bytes.data(), size, node_.peer(1), 0, key}, FI_COMPLETION); });
  }
  void change(Step& step, Family family, fi_op op, std::uint64_t key) {
    step.bytes.resize(8);
    step.brings = family != Family::kBase;
    step.wanted = word_;
    step.compare = word_;
    step.operand = op == FI_CSWAP ? word_ + 3 : 1;
    if (op != FI_ATOMIC_READ) word_ = op == FI_CSWAP ? step.operand : word_ + 1;
    const Atomic a{.operand = &step.operand,
                   .compare = &step.compare,
                   .result = step.bytes.data(),
                   .to = node_.peer(1),
                   .key = key,
                   .op = op};
    submit([&] { return atomic_message(node_.ep(), family, a, FI_COMPLETION); });
  }

  template <class Operation>
  void submit(Operation&& operation) {
    node_.submit(operation);
  }

  void await_all() {
    for (std::size_t left = steps_.size(); left != 0; --left) node_.await_send();
    for (const Step& step : steps_) {
      std::uint64_t found;
      std::memcpy(&found, step.bytes.data(), 8);
      if (step.brings) REQUIRE_EQ(found, step.wanted);
    }
    steps_.clear();
  }

  Node& node_;
  Random random_;
  const std::size_t longest_;
  std::uint64_t word_ = 0;
  std::deque<Step> steps_;  // they stay where they are
};

// Rank 1 attends; what is there at the end is what was done last.
void play(Team& team, Node& node, std::byte* memory, std::size_t longest) {
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Sequence sequence(team, node, longest);
    sequence.run();
    team.tell(1, std::to_string(sequence.word()));
  } else {
    const std::string said = team.hear_text(0);
    std::uint64_t found;
    std::memcpy(&found, memory, 8);
    CHECK_EQ(std::to_string(found), said);
  }
  team.barrier();
}

}  // namespace

TEST(remote_order_of_all_kinds, .ranks = 2, .seconds = 90, .anchor_only = true) {
  Node node(team, kAllKinds);
  Bytes memory(kLong);
  const Owned<fid_mr> one = expose(node.domain(), memory.data(), kLong, 1);
  const Owned<fid_mr> other = expose(node.domain(), memory.data(), kLong, 2);
  play(team, node, memory.data(), kLong);
}
TEST_AGAIN(remote_order_of_all_kinds_through_fifo, remote_order_of_all_kinds, .ranks = 2, .seconds = 90,
           .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// By one of the keys the initiator may map the memory, by the other one it may not.
TEST(remote_order_of_all_kinds_in_a_file, .ranks = 2, .seconds = 90, .anchor_only = true) {
  Node node(team, kAllKinds);
  const File file(File::kNameless);
  Area area(file);
  const Owned<fid_mr> mapped = area.expose(node, 1), copied = area.expose(node, 2, 1);
  play(team, node, area.bytes(), kSize);
}

// A write behind a message is done by its initiator, though nobody has received the message yet; a fenced one is not,
// if the message ends with its delivery.
TEST(remote_fenced_by_a_message, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kSizes[] = {8, 10'000, kLong};
  Node node(team, kAllKinds);
  Bytes memory(kLong, kUntouched);
  const Owned<fid_mr> region = expose(node.domain(), memory.data(), kLong, 1);
  node.introduce();
  for (const std::size_t size : kSizes) {
    if (team.rank() == 0) {
      Bytes message = patterned(1000, 1), bytes = patterned(size, 2);
      const iovec segment{message.data(), message.size()};
      const fi_msg_tagged send{.msg_iov = &segment,
                               .desc = nullptr,
                               .iov_count = 1,
                               .addr = node.peer(1),
                               .tag = 1,
                               .ignore = 0,
                               .context = &message,
                               .data = 0};
      node.submit([&] { return fi_tsendmsg(node.ep(), &send, FI_COMPLETION | FI_DELIVERY_COMPLETE); });
      const Access access{bytes.data(), size, node.peer(1), 0, 1, 0, &bytes};
      node.submit([&] { return write_message(node.ep(), access, FI_COMPLETION | FI_FENCE); });
      team.tell(1, "both are asked for");
      CHECK_EQ(node.await_send().context, static_cast<void*>(&message));
      CHECK_EQ(node.await_send().context, static_cast<void*>(&bytes));
    } else {
      team.hear(0);
      CHECK(!node.happens_within(0.1, [&] { return memory[0] != kUntouched; }));
      Bytes buffer(1000);
      node.submit([&] { return fi_trecv(node.ep(), buffer.data(), 1000, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      node.await_receive();
    }
    team.barrier();
    if (team.rank() == 1) check_pattern(memory.data(), size, 2);
    memory.assign(kLong, kUntouched);
    team.barrier();
  }
}
TEST_AGAIN(remote_fenced_by_a_message_through_fifo, remote_fenced_by_a_message, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

}  // namespace anchor::fabtests
