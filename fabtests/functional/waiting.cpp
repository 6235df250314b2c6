// SPDX-License-Identifier: BSD-2-Clause
// Queues and counters opened with a wait object: refused at once, or waiting is right: it makes progress, ends when
// something came, and ends in time when nothing did.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr int kForEver = -1;  // milliseconds; the test's own limit stands behind it
constexpr int kShort = 50;

bool means_refused(int rc) {
  return rc == -FI_ENOSYS || rc == -FI_EOPNOTSUPP || rc == -FI_EINVAL || rc == -FI_EBADFLAGS;
}

Owned<fid_cq> open_waiting_cq(fid_domain* domain, fi_wait_obj object) {
  fi_cq_attr attributes{};
  attributes.format = FI_CQ_FORMAT_TAGGED;
  attributes.wait_obj = object;
  Owned<fid_cq> cq;
  const int rc = fi_cq_open(domain, &attributes, cq.out(), nullptr);
  CHECK(rc == 0 || means_refused(rc));
  return cq;
}

// One endpoint whose queue waits.
struct Waiter {
  explicit Waiter(Owned<fid_cq> queue, const OpenDomain& open) : cq(std::move(queue)), av(open_av(open.domain.get())) {
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    REQUIRE_OK(fi_enable(ep.get()));
  }
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
};

void check_wait_ends(fid_cq* cq) {
  fi_cq_tagged_entry entry;
  for (const int limit : {0, kShort}) {
    const Deadline clock(60);
    CHECK_EQ(fi_cq_sread(cq, &entry, 1, nullptr, limit), -FI_EAGAIN);
    CHECK(clock.elapsed() >= 0.0009 * limit && clock.elapsed() < 5 * time_scale());
  }
}

// Rank 1 sends only when told that rank 0 is about to wait.
void wait_for_message(Team& team, fi_wait_obj object) {
  const OpenDomain open = OpenDomain::usual();
  if (team.rank() == 1) {
    Node node(team, open);
    const fi_addr_t peer = node.insert(team.hear(0));
    for (int i = 0; i < 20; ++i) {
      team.hear(0);
      node.submit([&] { return fi_tinject(node.ep(), &i, sizeof(i), peer, 1); });
    }
    team.barrier();
    return;
  }
  Owned<fid_cq> cq = open_waiting_cq(open.domain.get(), object);
  if (!cq) skip("this wait object is not offered");
  Waiter waiter(std::move(cq), open);
  check_wait_ends(waiter.cq.get());
  team.tell(1, name_of(waiter.ep.get()));
  for (int i = 0; i < 20; ++i) {
    int number = -1;
    REQUIRE_OK(fi_trecv(waiter.ep.get(), &number, sizeof(number), nullptr, FI_ADDR_UNSPEC, 1, 0, &number));
    team.tell(1, "send");
    fi_cq_tagged_entry entry;
    ssize_t rc;
    while ((rc = fi_cq_sread(waiter.cq.get(), &entry, 1, nullptr, kForEver)) == -FI_EAGAIN || rc == -FI_EINTR) {
    }
    REQUIRE_EQ(rc, 1);
    CHECK_EQ(entry.op_context, static_cast<void*>(&number));
    CHECK_EQ(number, i);
  }
  team.barrier();
}

}  // namespace

TEST(wait_on_queue_unspecified, .ranks = 2, .anchor_only = true) { wait_for_message(team, FI_WAIT_UNSPEC); }

TEST(wait_on_queue_descriptor, .ranks = 2, .anchor_only = true) { wait_for_message(team, FI_WAIT_FD); }

TEST(wait_without_object_is_refused, .anchor_only = true) {
  Node node(team);
  fi_cq_tagged_entry entry;
  CHECK(fi_cq_sread(node.receives().queue(), &entry, 1, nullptr, 0) < 0);
}

// A thread that waits is woken by fi_cq_signal or comes back by itself at the end of its time.
TEST(wait_is_signalled, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_waiting_cq(open.domain.get(), FI_WAIT_UNSPEC);
  if (!cq) skip("this wait object is not offered");
  REQUIRE_OK(fi_cq_signal(cq.get()));
  fi_cq_tagged_entry entry;
  const ssize_t rc = fi_cq_sread(cq.get(), &entry, 1, nullptr, 10000);
  CHECK(rc == -FI_EAGAIN || rc == -FI_ECANCELED || rc == -FI_EINTR);
}

// OpenSHMEM: waiting for a counter without limit has to make the progress that raises it.
TEST(wait_on_counter, .ranks = 2, .anchor_only = true) {
  constexpr std::uint64_t kMessages = 50;
  const OpenDomain open = OpenDomain::usual();
  fi_cntr_attr attributes{};
  attributes.events = FI_CNTR_EVENTS_COMP;
  attributes.wait_obj = FI_WAIT_UNSPEC;
  Owned<fid_cntr> counter;
  const int opened = fi_cntr_open(open.domain.get(), &attributes, counter.out(), nullptr);
  if (means_refused(opened)) skip("counters that wait are not offered");
  REQUIRE_OK(opened);
  Node node(team, open);
  REQUIRE_OK(fi_ep_bind(node.ep(), counter.as_fid(), FI_RECV));
  node.introduce();
  std::vector<std::uint64_t> places(kMessages);
  for (std::uint64_t& place : places) {
    node.submit([&] { return fi_recv(node.ep(), &place, 8, nullptr, FI_ADDR_UNSPEC, nullptr); });
  }
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    node.submit([&] { return fi_inject(node.ep(), &i, 8, node.peer(1 - team.rank())); });
  }
  CHECK_OK(fi_cntr_wait(counter.get(), kMessages, kForEver));
  CHECK_EQ(fi_cntr_read(counter.get()), kMessages);
  CHECK_EQ(fi_cntr_wait(counter.get(), kMessages + 1, kShort), -FI_ETIMEDOUT);
  team.barrier();
}

}  // namespace anchor::fabtests
