// SPDX-License-Identifier: BSD-2-Clause
// Counters: what they count, bound before or after fi_enable, errors, and the calls that set and wait.
#include <sched.h>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kMessages = 20;

// An endpoint opened by hand, since a Node is enabled when it is made.
struct Counted {
  explicit Counted(bool bind_late) : open(OpenDomain::usual()) {
    cq = open_cq(open.domain.get());
    av = open_av(open.domain.get());
    sent = open_counter(open.domain.get());
    received = open_counter(open.domain.get());
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV | FI_SELECTIVE_COMPLETION));
    if (!bind_late) bind_counters();
    REQUIRE_OK(fi_enable(ep.get()));
    if (bind_late) bind_counters();
    self = insert_address(av.get(), name_of(ep.get()));
  }
  void bind_counters() {
    REQUIRE_OK(fi_ep_bind(ep.get(), sent.as_fid(), FI_SEND));
    REQUIRE_OK(fi_ep_bind(ep.get(), received.as_fid(), FI_RECV));
  }
  template <class Call>
  void submit(const Call& call) {
    const Deadline deadline(10);
    ssize_t rc;
    while ((rc = call()) == -FI_EAGAIN && !deadline.expired()) fi_cntr_read(sent.get());
    REQUIRE_OK(rc);
  }
  // Reading a counter makes progress, as reading a queue does.
  bool both_reach(std::uint64_t value) {
    const Deadline deadline(10);
    while (fi_cntr_read(sent.get()) < value || fi_cntr_read(received.get()) < value) {
      if (deadline.expired()) return false;
      sched_yield();
    }
    return true;
  }

  OpenDomain open;
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_cntr> sent, received;
  Owned<fid_ep> ep;
  fi_addr_t self = 0;
};

void count_messages(Counted& c) {
  std::vector<std::uint64_t> places(kMessages);
  const std::vector<std::uint64_t> words(kMessages, 5);  // must last until the sends are complete
  for (std::uint64_t& place : places) {
    REQUIRE_OK(fi_trecv(c.ep.get(), &place, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr));
  }
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    c.submit([&] {  // injected messages count, too
      return i % 2 == 0 ? fi_tsend(c.ep.get(), &words[i], 8, nullptr, c.self, 1, nullptr)
                        : fi_tinject(c.ep.get(), &words[i], 8, c.self, 1);
    });
    CHECK(fi_cntr_read(c.sent.get()) <= i + 1);  // never more than issued
  }
  CHECK(c.both_reach(kMessages));
  CHECK_EQ(fi_cntr_read(c.sent.get()), kMessages);
  CHECK_EQ(fi_cntr_read(c.received.get()), kMessages);
  CHECK_EQ(fi_cntr_readerr(c.sent.get()), 0u);
  CHECK_EQ(fi_cntr_readerr(c.received.get()), 0u);
}

}  // namespace

TEST(counter_counts_messages) {
  Counted counted(false);
  count_messages(counted);
}

TEST(counter_bound_after_enable, .anchor_only = true) {
  Counted counted(true);
  count_messages(counted);
}

TEST(counter_of_errors, .anchor_only = true) {
  Counted counted(false);
  char small[2];
  REQUIRE_OK(fi_trecv(counted.ep.get(), small, 2, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr));
  counted.submit([&] { return fi_tinject(counted.ep.get(), "truncated", 9, counted.self, 1); });
  REQUIRE_OK(fi_trecv(counted.ep.get(), small, 2, nullptr, FI_ADDR_UNSPEC, 2, 0, small));
  REQUIRE_OK(fi_cancel(counted.ep.as_fid(), small));
  const Deadline deadline(10);
  while (fi_cntr_readerr(counted.received.get()) < 2 && !deadline.expired()) fi_cntr_read(counted.received.get());
  CHECK_EQ(fi_cntr_readerr(counted.received.get()), 2u);
  CHECK_EQ(fi_cntr_read(counted.received.get()), 0u);
}

TEST(counter_set_and_add) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cntr> counter = open_counter(open.domain.get());
  CHECK_EQ(fi_cntr_read(counter.get()), 0u);
  REQUIRE_OK(fi_cntr_set(counter.get(), 10));
  REQUIRE_OK(fi_cntr_add(counter.get(), 5));
  CHECK_EQ(fi_cntr_read(counter.get()), 15u);
  REQUIRE_OK(fi_cntr_seterr(counter.get(), 3));
  REQUIRE_OK(fi_cntr_adderr(counter.get(), 4));
  CHECK_EQ(fi_cntr_readerr(counter.get()), 7u);
}

// MPICH waits without patience and takes -FI_ETIMEDOUT as an answer.
TEST(counter_wait_of_no_time, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  fi_cntr_attr attributes{};
  attributes.events = FI_CNTR_EVENTS_COMP;
  attributes.wait_obj = FI_WAIT_UNSPEC;
  Owned<fid_cntr> counter;
  const int rc = fi_cntr_open(open.domain.get(), &attributes, counter.out(), nullptr);
  if (rc != 0) return;  // refused: blocking waits need not be offered
  CHECK_EQ(fi_cntr_wait(counter.get(), 0, 0), 0);
  CHECK_EQ(fi_cntr_wait(counter.get(), 1, 0), -FI_ETIMEDOUT);
}

// One counter bound to several endpoints counts for all of them.
TEST(counter_shared_by_endpoints) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  const Owned<fid_cntr> received = open_counter(open.domain.get());
  Owned<fid_ep> eps[4];
  std::uint64_t places[4];
  for (std::size_t i = 0; i < 4; ++i) {
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), eps[i].out(), nullptr));
    REQUIRE_OK(fi_ep_bind(eps[i].get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(eps[i].get(), cq.as_fid(), FI_TRANSMIT | FI_RECV | FI_SELECTIVE_COMPLETION));
    REQUIRE_OK(fi_ep_bind(eps[i].get(), received.as_fid(), FI_RECV));
    REQUIRE_OK(fi_enable(eps[i].get()));
    const fi_addr_t address = insert_address(av.get(), name_of(eps[i].get()));
    REQUIRE_OK(fi_recv(eps[i].get(), &places[i], 8, nullptr, FI_ADDR_UNSPEC, nullptr));
    const Deadline deadline(10);
    while (fi_inject(eps[0].get(), &i, 8, address) == -FI_EAGAIN && !deadline.expired())
      fi_cq_read(cq.get(), nullptr, 0);
  }
  const Deadline deadline(10);
  while (fi_cntr_read(received.get()) < 4 && !deadline.expired()) sched_yield();
  CHECK_EQ(fi_cntr_read(received.get()), 4u);
}

TEST(counter_refuses_nonsense, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cntr> counter = open_counter(open.domain.get());
  const Owned<fid_cntr> other = open_counter(open.domain.get());
  Owned<fid_ep> ep;
  REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
  CHECK(fi_ep_bind(ep.get(), counter.as_fid(), FI_SELECTIVE_COMPLETION) < 0);
  CHECK_OK(fi_ep_bind(ep.get(), counter.as_fid(), FI_SEND));
  CHECK(fi_ep_bind(ep.get(), other.as_fid(), FI_SEND) < 0);
}

}  // namespace anchor::fabtests
