// SPDX-License-Identifier: BSD-2-Clause
// Opening and closing: in order, out of order (-FI_EBUSY), again and again, and calls that belong to other endpoints.
#include <rdma/fi_atomic.h>
#include <rdma/fi_rma.h>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

struct Parts {
  explicit Parts(const OpenDomain& open) : cq(open_cq(open.domain.get())), av(open_av(open.domain.get())) {
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
  }
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
};

}  // namespace

TEST(life_open_and_close_repeatedly) {
  for (int i = 0; i < 20; ++i) {
    const OpenDomain open = OpenDomain::usual();
    Parts parts(open);
    REQUIRE_OK(fi_enable(parts.ep.get()));
  }
}

TEST(life_open_and_close_without_enabling) {
  const OpenDomain open = OpenDomain::usual();
  const Parts parts(open);
}

TEST(life_fabric_is_busy, .anchor_only = true) {
  OpenDomain open = OpenDomain::usual();
  CHECK_EQ(fi_close(open.fabric.as_fid()), -FI_EBUSY);
  Owned<fid_eq> events = open_eq(open.fabric.get());
  open.domain.reset();
  CHECK_EQ(fi_close(open.fabric.as_fid()), -FI_EBUSY);
}

TEST(life_domain_is_busy, .anchor_only = true) {
  OpenDomain open = OpenDomain::usual();
  {
    const Owned<fid_cq> cq = open_cq(open.domain.get());
    CHECK_EQ(fi_close(open.domain.as_fid()), -FI_EBUSY);
  }
  {
    const Owned<fid_av> av = open_av(open.domain.get());
    CHECK_EQ(fi_close(open.domain.as_fid()), -FI_EBUSY);
  }
  {
    Owned<fid_ep> ep;
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    CHECK_EQ(fi_close(open.domain.as_fid()), -FI_EBUSY);
  }
  open.domain.reset();
}

TEST(life_counter_keeps_domain_busy, .anchor_only = true) {
  OpenDomain open = OpenDomain::usual();
  const Owned<fid_cntr> counter = open_counter(open.domain.get());
  CHECK_EQ(fi_close(open.domain.as_fid()), -FI_EBUSY);
}

TEST(life_bound_objects_are_busy, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Parts parts(open);
  CHECK_EQ(fi_close(parts.cq.as_fid()), -FI_EBUSY);
  CHECK_EQ(fi_close(parts.av.as_fid()), -FI_EBUSY);
  REQUIRE_OK(fi_enable(parts.ep.get()));
  CHECK_EQ(fi_close(parts.cq.as_fid()), -FI_EBUSY);
  CHECK_EQ(fi_close(parts.av.as_fid()), -FI_EBUSY);
}

TEST(life_bound_counter_is_busy, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_cntr> counter = open_counter(open.domain.get());
  Parts parts(open);
  REQUIRE_OK(fi_ep_bind(parts.ep.get(), counter.as_fid(), FI_SEND));
  CHECK_EQ(fi_close(counter.as_fid()), -FI_EBUSY);
}

TEST(life_bound_event_queue_is_busy, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  const Owned<fid_eq> events = open_eq(open.fabric.get());
  fi_av_attr attributes{};
  attributes.type = FI_AV_TABLE;
  attributes.flags = FI_EVENT;
  Owned<fid_av> av;
  REQUIRE_OK(fi_av_open(open.domain.get(), &attributes, av.out(), nullptr));
  REQUIRE_OK(bind_events(av.get(), events.as_fid()));
  CHECK_EQ(fi_close(events.as_fid()), -FI_EBUSY);
}

TEST(life_two_domains_side_by_side) {
  const OpenDomain first = OpenDomain::usual();
  Owned<fid_domain> second;
  REQUIRE_OK(fi_domain(first.fabric.get(), first.info.get(), second.out(), nullptr));
  const Owned<fid_cq> one = open_cq(first.domain.get());
  const Owned<fid_cq> other = open_cq(second.get());
}

// Objects of other endpoint types and what the info did not promise: an error, never a crash through an empty slot.
TEST(life_foreign_objects_are_refused, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  fid_pep* passive = nullptr;
  CHECK(fi_passive_ep(open.fabric.get(), open.info.get(), &passive, nullptr) < 0);
  fid_ep* shared = nullptr;
  CHECK(fi_srx_context(open.domain.get(), open.info->rx_attr, &shared, nullptr) < 0 || fi_close(&shared->fid) == 0);
  fid_stx* transmit = nullptr;
  CHECK(fi_stx_context(open.domain.get(), open.info->tx_attr, &transmit, nullptr) < 0);
  fid_ep* scalable = nullptr;
  CHECK(fi_scalable_ep(open.domain.get(), open.info.get(), &scalable, nullptr) < 0);
  void* operations = nullptr;
  CHECK(fi_open_ops(open.domain.as_fid(), "no such operations", 0, &operations, nullptr) < 0);
}

TEST(life_connection_calls_are_refused) {
  Node node(team);
  char address[64] = {};
  std::size_t length = sizeof(address);
  CHECK(fi_connect(node.ep(), address, nullptr, 0) < 0);
  CHECK(fi_accept(node.ep(), nullptr, 0) < 0);
  CHECK(fi_shutdown(node.ep(), 0) < 0);
  CHECK(fi_getpeer(node.ep(), address, &length) < 0);
  fid_mc* group = nullptr;
  CHECK(fi_join(node.ep(), address, 0, &group, nullptr) < 0);
}

TEST(life_remote_memory_calls_are_refused, .anchor_only = true) {
  Node node(team);
  const fi_addr_t self = node.insert(node.name());
  std::uint64_t word = 0;
  CHECK(fi_read(node.ep(), &word, sizeof(word), nullptr, self, 0, 0, nullptr) < 0);
  CHECK(fi_write(node.ep(), &word, sizeof(word), nullptr, self, 0, 0, nullptr) < 0);
  CHECK(fi_inject_write(node.ep(), &word, sizeof(word), self, 0, 0) < 0);
  CHECK(fi_atomic(node.ep(), &word, 1, nullptr, self, 0, 0, FI_UINT64, FI_SUM, nullptr) < 0);
  std::size_t count = 0;
  CHECK(fi_atomicvalid(node.ep(), FI_UINT64, FI_SUM, &count) < 0);
}

// Outstanding receives go silently with their endpoint, and the queue can be read afterwards.
TEST(life_close_with_receives_posted) {
  Node node(team);
  char buffer[64];
  for (int i = 0; i < 100; ++i) {
    node.submit([&] { return fi_recv(node.ep(), buffer, sizeof(buffer), nullptr, FI_ADDR_UNSPEC, nullptr); });
  }
  node.close_endpoint();
  while (node.progress()) {
  }
}

}  // namespace anchor::fabtests
