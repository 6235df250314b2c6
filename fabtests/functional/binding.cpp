// SPDX-License-Identifier: BSD-2-Clause
// What an endpoint must be bound to before it is enabled, and what it refuses.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

Owned<fid_ep> open_endpoint(const OpenDomain& open) {
  Owned<fid_ep> ep;
  REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
  return ep;
}

}  // namespace

TEST(bind_enable_needs_address_vector, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
  CHECK_EQ(fi_enable(ep.get()), -FI_ENOAV);
}

TEST(bind_enable_needs_completion_queues) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  for (const std::uint64_t only : {FI_TRANSMIT, FI_RECV}) {
    const Owned<fid_ep> ep = open_endpoint(open);
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), only));
    CHECK_EQ(fi_enable(ep.get()), -FI_ENOCQ);
  }
}

TEST(bind_after_refusal_can_be_completed, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  CHECK(fi_enable(ep.get()) < 0);
  REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
  CHECK(fi_enable(ep.get()) < 0);
  REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT));
  REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_RECV));
  CHECK_OK(fi_enable(ep.get()));
}

// An endpoint is bound to one queue for each direction, and to one address vector.
TEST(bind_twice_is_refused, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> first = open_cq(open.domain.get());
  const Owned<fid_cq> second = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  const Owned<fid_av> other_av = open_av(open.domain.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
  CHECK(fi_ep_bind(ep.get(), other_av.as_fid(), 0) < 0);
  REQUIRE_OK(fi_ep_bind(ep.get(), first.as_fid(), FI_TRANSMIT));
  CHECK(fi_ep_bind(ep.get(), second.as_fid(), FI_TRANSMIT) < 0);
  REQUIRE_OK(fi_ep_bind(ep.get(), second.as_fid(), FI_RECV));
  CHECK_OK(fi_enable(ep.get()));
}

TEST(bind_nonsense_is_refused, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  CHECK(fi_ep_bind(ep.get(), cq.as_fid(), FI_REMOTE_READ) < 0);
  CHECK(fi_ep_bind(ep.get(), open.domain.as_fid(), 0) < 0);
  CHECK(fi_ep_bind(ep.get(), ep.as_fid(), 0) < 0);
}

TEST(bind_across_domains_is_refused, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Owned<fid_domain> elsewhere;
  REQUIRE_OK(fi_domain(open.fabric.get(), open.info.get(), elsewhere.out(), nullptr));
  const Owned<fid_cq> cq = open_cq(elsewhere.get());
  const Owned<fid_av> av = open_av(elsewhere.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  CHECK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV) < 0);
  CHECK(fi_ep_bind(ep.get(), av.as_fid(), 0) < 0);
}

TEST(bind_queues_of_enabled_endpoint_is_refused, .anchor_only = true) {
  Node node(team);
  const Owned<fid_cq> cq = open_cq(node.domain());
  CHECK(fi_ep_bind(node.ep(), cq.as_fid(), FI_TRANSMIT) < 0);
}

// No data call works before fi_enable.
TEST(bind_calls_before_enable_are_refused, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
  REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
  char byte = 0;
  CHECK_EQ(fi_recv(ep.get(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr), -FI_EOPBADSTATE);
  CHECK_EQ(fi_trecv(ep.get(), &byte, 1, nullptr, FI_ADDR_UNSPEC, 0, 0, nullptr), -FI_EOPBADSTATE);
  CHECK_EQ(fi_send(ep.get(), &byte, 1, nullptr, 0, nullptr), -FI_EOPBADSTATE);
  CHECK_EQ(fi_tinject(ep.get(), &byte, 1, 0, 0), -FI_EOPBADSTATE);
  fi_cq_tagged_entry entry;
  CHECK_EQ(fi_cq_read(cq.get(), &entry, 1), -FI_EAGAIN);
}

// One queue for both directions, as most applications have it.
TEST(bind_one_queue_for_both_directions) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cq> cq = open_cq(open.domain.get());
  const Owned<fid_av> av = open_av(open.domain.get());
  const Owned<fid_ep> ep = open_endpoint(open);
  REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
  REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
  REQUIRE_OK(fi_enable(ep.get()));
  const fi_addr_t self = insert_address(av.get(), name_of(ep.get()));
  char in[8] = {}, out[8] = "to self";
  REQUIRE_OK(fi_recv(ep.get(), in, sizeof(in), nullptr, FI_ADDR_UNSPEC, in));
  Completions queue(cq.get(), false);
  const Deadline deadline(10);
  while (fi_send(ep.get(), out, sizeof(out), nullptr, self, out) == -FI_EAGAIN && !deadline.expired()) queue.poll();
  while (queue.size() < 2 && !deadline.expired()) queue.poll();
  REQUIRE_EQ(queue.size(), 2u);
  CHECK(queue.take().context != queue.take().context);
  CHECK_EQ(std::string(in), "to self");
}

}  // namespace anchor::fabtests
