// SPDX-License-Identifier: BSD-2-Clause
#include "victim.h"

#include <rdma/fi_atomic.h>
#include <rdma/fi_rma.h>
#include <sched.h>

#include <array>
#include <cstring>

namespace anchor::fabtests {

namespace {

constexpr std::size_t kInFlight = 6;

struct Slot {
  Bytes buffer = Bytes(kLargestMessage);
  bool busy = false;
};

class Victim {
 public:
  Victim(Team& team, const VictimTask& task)
      : task_(task),
        node_(team, stress_options(task.host, task.service)),
        random_(team.seed(), 1000 + task.round),
        survivor_(node_.insert(task.survivor)) {
    REQUIRE_OK(fi_mr_reg(node_.domain(), exposed_.data(), exposed_.size(), FI_REMOTE_READ | FI_REMOTE_WRITE, 0,
                         kVictimKey, 0, region_.out(), nullptr));
  }

  void step() {
    if (task_.sends) start(out_, [this](Slot& slot) { return send(slot); });
    if (task_.receives) start(in_, [this](Slot& slot) { return receive(slot); });
    start(remote_, [this](Slot& slot) { return reach(node_, random_, slot.buffer, survivor_, kSurvivorKey, &slot); });
    if (!node_.progress()) sched_yield();
    finish(node_.sends());
    finish(node_.receives());
  }

 private:
  template <std::size_t kCount, class Operation>
  static void start(std::array<Slot, kCount>& slots, const Operation& operation) {
    for (Slot& slot : slots) {
      if (!slot.busy) slot.busy = operation(slot) == 0;
    }
  }
  ssize_t send(Slot& slot) {
    const std::size_t size = stress_size(random_);
    std::memcpy(slot.buffer.data(), &task_.round, sizeof(task_.round));
    fill_pattern(slot.buffer.data() + 8, size - 8, task_.round);
    return fi_tsend(node_.ep(), slot.buffer.data(), size, nullptr, survivor_, kFromVictim + task_.round, &slot);
  }
  ssize_t receive(Slot& slot) {
    return fi_trecv(node_.ep(), slot.buffer.data(), slot.buffer.size(), nullptr, survivor_, kToVictim + task_.round, 0,
                    &slot);
  }
  static void finish(Completions& queue) {
    while (!queue.empty()) {
      const Entry entry = queue.take();
      if (entry.context != nullptr) static_cast<Slot*>(entry.context)->busy = false;
    }
  }

  VictimTask task_;
  Node node_;
  Random random_;
  fi_addr_t survivor_;
  Bytes exposed_ = Bytes(kLargestMessage);
  Owned<fid_mr> region_;
  std::array<Slot, kInFlight> out_;
  std::array<Slot, kInFlight> in_;
  std::array<Slot, kInFlight / 2> remote_;
};

}  // namespace

ssize_t reach(const Node& node, Random& random, Bytes& buffer, fi_addr_t peer, std::uint64_t key, void* context) {
  constexpr std::uint64_t kMostElements = 64;
  static constexpr std::uint64_t kOperand[kMostElements] = {};
  const std::size_t size = stress_size(random);
  switch (random.below(3)) {
    case 0:
      return fi_read(node.ep(), buffer.data(), size, nullptr, peer, 0, key, context);
    case 1:
      return fi_write(node.ep(), buffer.data(), size, nullptr, peer, 0, key, context);
    default:
      return fi_fetch_atomic(node.ep(), kOperand, random.between(1, kMostElements), nullptr, buffer.data(), nullptr,
                             peer, 0, key, FI_UINT64, FI_SUM, context);
  }
}

void be_victim(Team& team, const VictimTask& task) {
  Victim victim(team, task);
  for (;;) victim.step();
}

}  // namespace anchor::fabtests
