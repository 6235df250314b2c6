// SPDX-License-Identifier: BSD-2-Clause
// Threading levels: four threads on one endpoint, on endpoints that share a queue, on endpoints and domains of their
// own.
#include <sched.h>

#include <atomic>
#include <thread>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr int kThreads = 4;
constexpr std::uint64_t kMessages = 300;
constexpr std::size_t kLargest = 20000;

// What a context points to: whichever thread reads the completion marks the operation of whichever thread.
struct Operation {
  std::atomic<bool> done{false};
  std::size_t length = 0;
};

void take_completions(fid_cq* cq) {
  fi_cq_tagged_entry entries[4];
  const ssize_t got = fi_cq_read(cq, entries, 4);
  if (got == -FI_EAGAIN) {
    sched_yield();
    return;
  }
  REQUIRE_OK(got);
  for (ssize_t i = 0; i < got; ++i) {
    auto* operation = static_cast<Operation*>(entries[i].op_context);
    operation->length = entries[i].len;
    operation->done.store(true, std::memory_order_release);
  }
}

struct Seat {
  fid_ep* ep;
  fid_cq* transmit;
  fid_cq* receive;
  fi_addr_t to;
};

class Worker {
 public:
  Worker(const Seat& seat, std::uint64_t tag) : seat_(seat), tag_(tag), random_(tag) {}

  // Sends and receives one after the other, with its own tag.
  void run() {
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const std::size_t size = random_.one_in(10) ? random_.below(kLargest) : random_.below(200);
      exchange(patterned(size, tag_ * kMessages + i), tag_ * kMessages + i);
    }
  }

 private:
  void exchange(const Bytes& message, std::uint64_t seed) {
    Operation sent, received;
    Bytes buffer(kLargest);
    submit([&] { return fi_trecv(seat_.ep, buffer.data(), kLargest, nullptr, FI_ADDR_UNSPEC, tag_, 0, &received); });
    submit([&] { return fi_tsend(seat_.ep, message.data(), message.size(), nullptr, seat_.to, tag_, &sent); });
    poll_until([&] { return sent.done.load(std::memory_order_acquire); });
    poll_until([&] { return received.done.load(std::memory_order_acquire); });
    CHECK_EQ(received.length, message.size());
    check_pattern(buffer.data(), message.size(), seed);
  }

  template <class Call>
  void submit(const Call& call) {
    ssize_t rc;
    poll_until([&] { return (rc = call()) != -FI_EAGAIN; });
    REQUIRE_OK(rc);
  }

  template <class Done>
  void poll_until(const Done& done) {
    while (!done()) {
      REQUIRE(!deadline_.expired());
      take_completions(seat_.transmit);
      if (seat_.receive != seat_.transmit) take_completions(seat_.receive);
    }
  }

  Seat seat_;
  std::uint64_t tag_;
  Random random_;
  Deadline deadline_{18};
};

void run_threads(const std::vector<Seat>& seats) {
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < seats.size(); ++t) {
    threads.emplace_back([&seats, t] {
      try {
        Worker(seats[t], t + 1).run();
      } catch (const Abandoned&) {  // noted; the others will miss this thread's messages and stop as well
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

NodeOptions with_threading(fi_threading level) {
  NodeOptions options;
  options.threading = level;
  return options;
}

// Each thread has an endpoint (and its queues) in one domain.
void endpoint_for_each(Team& team, fi_threading level) {
  const Info info = node_info(with_threading(level));
  const OpenDomain open(info.get());
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Seat> seats;
  for (int t = 0; t < kThreads; ++t) {
    nodes.push_back(std::make_unique<Node>(team, open, with_threading(level)));
    Node& node = *nodes.back();
    node.introduce();
    seats.push_back({node.ep(), node.sends().queue(), node.receives().queue(), node.peer(1 - team.rank())});
  }
  run_threads(seats);
  team.barrier();
}

}  // namespace

TEST(threads_on_one_endpoint, .ranks = 2) {
  Node node(team, with_threading(FI_THREAD_SAFE));
  node.introduce();
  const Seat seat{node.ep(), node.sends().queue(), node.receives().queue(), node.peer(1 - team.rank())};
  run_threads(std::vector<Seat>(kThreads, seat));
  team.barrier();
}

TEST(threads_with_an_endpoint_each, .ranks = 2) { endpoint_for_each(team, FI_THREAD_SAFE); }

TEST(threads_level_fid, .ranks = 2, .anchor_only = true) { endpoint_for_each(team, FI_THREAD_FID); }

TEST(threads_level_endpoint, .ranks = 2, .anchor_only = true) { endpoint_for_each(team, FI_THREAD_ENDPOINT); }

TEST(threads_level_completion, .ranks = 2, .anchor_only = true) { endpoint_for_each(team, FI_THREAD_COMPLETION); }

TEST(threads_with_a_domain_each, .ranks = 2) {
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Seat> seats;
  for (int t = 0; t < kThreads; ++t) {
    nodes.push_back(std::make_unique<Node>(team, with_threading(FI_THREAD_DOMAIN)));
    Node& node = *nodes.back();
    node.introduce();
    seats.push_back({node.ep(), node.sends().queue(), node.receives().queue(), node.peer(1 - team.rank())});
  }
  run_threads(seats);
  team.barrier();
}

// Each thread has an endpoint, all share one queue, which all read.
TEST(threads_share_a_queue, .ranks = 2) {
  const Info info = node_info(with_threading(FI_THREAD_SAFE));
  const OpenDomain open(info.get());
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  std::vector<Owned<fid_ep>> eps(kThreads);
  std::vector<Seat> seats;
  for (Owned<fid_ep>& ep : eps) {
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    REQUIRE_OK(fi_enable(ep.get()));
    const std::vector<Bytes> names = team.gather(name_of(ep.get()));
    const fi_addr_t other = insert_address(av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
    seats.push_back({ep.get(), cq.get(), cq.get(), other});
  }
  run_threads(seats);
  const int key = team.add_progress([&] { fi_cq_read(cq.get(), nullptr, 0); });
  team.barrier();
  team.remove_progress(key);
}

// Addresses come and go while others send: the table is read and written at once.
TEST(threads_insert_while_sending, .ranks = 2) {
  Node node(team, with_threading(FI_THREAD_SAFE));
  node.introduce();
  const Seat seat{node.ep(), node.sends().queue(), node.receives().queue(), node.peer(1 - team.rank())};
  const Bytes name = node.name();
  std::atomic<bool> stop{false};
  std::thread inserter([&] {
    while (!stop.load()) {
      fi_addr_t address = insert_address(node.av(), name);
      CHECK_OK(fi_av_remove(node.av(), &address, 1, 0));
      sched_yield();
    }
  });
  run_threads({seat, seat});
  stop.store(true);
  inserter.join();
  team.barrier();
}

}  // namespace anchor::fabtests
