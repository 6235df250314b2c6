// SPDX-License-Identifier: BSD-2-Clause
// Both guests write garbage into a window's partitions, each into its own and the other's, while they talk to each
// other there; and two more hosts of the same window, one in each guest, go on talking.
//
// Ranks 0 and 2 are in one guest, 1 and 3 in the other one; each is a host of its own, with the configuration
// FABTESTS_GARBAGE plus its number. Of the window itself ranks 0 and 1 need to know where its memory is.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>

#include "common/node.h"
#include "common/random.h"
#include "common/registry.h"
#include "functional/victims.h"

namespace anchor::fabtests {

namespace {

constexpr int kRounds = 8;
constexpr int kTrips = 12;    // of the third pair in a round
constexpr int kStrikes = 60;  // of a vandal in a round
constexpr int kWordsStruck = 64;
constexpr std::size_t kOffset = std::size_t{96} << 20;  // as in.sh says in the configurations
constexpr std::size_t kPartition = std::size_t{8} << 20;
constexpr std::size_t kHosts = 4;
// Header, directory and neighbours' pages, see FORMAT.md.
constexpr std::size_t kTables = 4096 + 32768 + 4096 * kHosts;
constexpr std::size_t kUsed = std::size_t{512} << 10;
constexpr double kTimeout = 1, kMargin = 1;  // as in guest_loss.cpp

const NodeOptions kOptions{.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV | FI_SOURCE};

std::string configuration(int host) { return std::string(std::getenv("FABTESTS_GARBAGE")) + std::to_string(host); }

class Vandal {
 public:
  Vandal(const char* memory, Random random) : random_(random) {
    const int file = open(memory, O_RDWR);
    REQUIRE(file >= 0);
    void* mapped = mmap(nullptr, 2 * kPartition, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(kOffset));
    close(file);
    REQUIRE(mapped != MAP_FAILED);
    words_ = static_cast<std::atomic<std::uint64_t>*>(mapped);
  }
  ~Vandal() { munmap(words_, 2 * kPartition); }
  Vandal(const Vandal&) = delete;
  Vandal& operator=(const Vandal&) = delete;

  // Words in both partitions, every second one among the tables, others where endpoints and their FIFOs begin.
  void strike() {
    for (int i = 0; i < kWordsStruck; ++i) write(random_.below(2), random_.below((i % 2 == 0 ? kTables : kUsed) / 8));
  }
  // All of both tables.
  void finish() {
    for (std::uint64_t partition = 0; partition < 2; ++partition)
      for (std::uint64_t word = 0; word < kTables / 8; ++word) write(partition, word);
  }

 private:
  void write(std::uint64_t partition, std::uint64_t word) {
    words_[partition * (kPartition / 8) + word].store(random_.next() >> random_.below(64), std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t>* words_ = nullptr;
  Random random_;
};

// One message each way at all times with a peer of whom nothing is expected but an end of each.
class Chatter {
 public:
  Chatter(Node& node, fi_addr_t peer) : node_(node), peer_(peer) {}

  void start() {
    for (Slot& slot : slots_) {
      if (slot.busy) continue;
      const std::size_t size = started_++ % 3 == 0 ? slot.buffer.size() : 40;
      const bool sends = &slot - slots_.data() < 2;
      slot.busy =
          (sends ? fi_tsend(node_.ep(), slot.buffer.data(), size, nullptr, peer_, 5, &slot)
                 : fi_trecv(node_.ep(), slot.buffer.data(), slot.buffer.size(), nullptr, peer_, 5, 0, &slot)) == 0;
    }
  }
  void take() {
    node_.progress();
    for (Completions* queue : {&node_.sends(), &node_.receives()}) {
      while (!queue->empty()) {
        const Entry entry = queue->take();
        for (Slot& slot : slots_)
          if (entry.context == &slot) slot.busy = false;
        entry.error == 0 ? ++done_ : ++errors_[entry.error];
      }
    }
  }
  bool busy() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.busy; });
  }
  // Once nothing is on its way to the other one: a receive that was posted after its loss waits for whoever comes.
  void cancel_receives() {
    if (slots_[0].busy || slots_[1].busy) return;
    for (Slot& slot : slots_)
      if (slot.busy) fi_cancel(&node_.ep()->fid, &slot);
  }
  int done() const { return done_; }
  const std::map<int, int>& errors() const { return errors_; }  // how often each

 private:
  struct Slot {
    Bytes buffer = Bytes(100000);
    bool busy = false;
  };

  Node& node_;
  fi_addr_t peer_;
  std::array<Slot, 4> slots_;
  int started_ = 0, done_ = 0;
  std::map<int, int> errors_;
};

void write_garbage(Team& team, Node& node) {
  Vandal vandal(std::getenv("FABTESTS_WINDOW_MEMORY"), team.random());
  Chatter chatter(node, node.peer(1 - team.rank()));
  node.until("messages of the other one", [&] {
    chatter.start();
    chatter.take();
    return chatter.done() > 20;
  });
  team.barrier();
  for (int round = 0; round < kRounds; ++round) {
    for (int strike = 0; strike < kStrikes; ++strike) {
      vandal.strike();
      chatter.start();
      chatter.take();
    }
    team.barrier();
  }
  vandal.finish();
  const Deadline clock(kTimeout + kMargin);
  // The other one is out of reach now: an end of everything.
  while ((chatter.busy() || chatter.errors().empty()) && !clock.expired()) {
    chatter.errors().empty() ? chatter.start() : chatter.cancel_receives();
    chatter.take();
  }
  CHECK(!chatter.busy());
  CHECK(!chatter.errors().empty());
  std::printf("%d operations, the last one ended %.1f s after the garbage\n", chatter.done(), clock.elapsed());
  for (const auto& [error, count] : chatter.errors()) std::printf("  %s: %d\n", fi_strerror(error), count);
}

void go_on(Team& team, Node& node) {
  const fi_addr_t other = node.peer(5 - team.rank());
  constexpr std::size_t kSizes[] = {8, 5000, 100000, 40};
  std::uint64_t trip = 0;
  const auto talk = [&] {
    const std::size_t size = kSizes[trip % std::size(kSizes)];
    const Bytes out = patterned(size, trip + static_cast<std::uint64_t>(team.rank()));
    Bytes in(size);
    node.submit([&] { return fi_trecv(node.ep(), in.data(), size, nullptr, other, trip, 0, nullptr); });
    node.submit([&] { return fi_tsend(node.ep(), out.data(), size, nullptr, other, trip, nullptr); });
    CHECK_EQ(node.await_receive().length, size);
    node.await_send();
    check_pattern(in.data(), size, trip + 5 - static_cast<std::uint64_t>(team.rank()));
    ++trip;
  };
  talk();
  team.barrier();
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kTrips; ++i) talk();
    team.barrier();
  }
}

}  // namespace

TEST(garbage_in_two_of_four_partitions, .ranks = 4, .seconds = 30, .anchor_only = true,
     .environment = {"FI_ANCHOR_DEVICES=window", "FI_ANCHOR_CONNECT_TIMEOUT=3000"}) {
  if (std::getenv("FABTESTS_GARBAGE") == nullptr) skip("there is no window for it");
  setenv("FI_ANCHOR_WINDOW", configuration(team.rank()).c_str(), 1);
  std::optional<Node> node(std::in_place, team, kOptions);
  node->introduce();
  if (team.rank() < 2) {
    write_garbage(team, *node);
  } else {
    go_on(team, *node);
  }
  const Deadline clock(kTimeout + kMargin);
  node.reset();
  CHECK(!clock.expired());
}

}  // namespace anchor::fabtests
