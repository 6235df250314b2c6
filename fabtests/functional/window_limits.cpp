// SPDX-License-Identifier: BSD-2-Clause
// As many endpoints as a host may have in a window, and a window that is full.
#include "common/node.h"
#include "window_area.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kHostEndpoints = 256;

// Endpoints of one domain which share queue and addresses.
struct Crowd {
  explicit Crowd(const Node& node)
      : domain(node.domain()),
        info(node.info()),
        cq(open_cq(domain)),
        av(open_av(domain)),
        completions(cq.get(), false) {}
  // 0, or why there is none more.
  int add() {
    Owned<fid_ep> ep;
    // One that cannot be enabled has to be closed as well.
    int error = fi_endpoint(domain, const_cast<fi_info*>(info), ep.out(), nullptr);
    if (error == 0) REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    if (error == 0) REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    if (error == 0) error = fi_enable(ep.get());
    if (error == 0) endpoints.push_back(std::move(ep));
    return error;
  }

  fid_domain* const domain;
  const fi_info* const info;
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Completions completions;
  std::vector<Owned<fid_ep>> endpoints;
};

std::vector<fi_addr_t> exchange_names(Team& team, Crowd& crowd) {
  Bytes names;
  for (const Owned<fid_ep>& ep : crowd.endpoints) {
    const Bytes name = name_of(ep.get());
    names.insert(names.end(), name.begin(), name.end());
  }
  const Bytes theirs = team.gather(names).at(static_cast<std::size_t>(1 - team.rank()));
  const auto stride = static_cast<std::ptrdiff_t>(names.size() / crowd.endpoints.size());
  std::vector<fi_addr_t> addresses;
  for (auto at = theirs.begin(); at != theirs.end(); at += stride)
    addresses.push_back(insert_address(crowd.av.get(), Bytes(at, at + stride)));
  return addresses;
}

}  // namespace

// Each endpoint of one rank talks to one of the other.
TEST(window_limits_endpoints, .ranks = 2, .seconds = 60, .anchor_only = true, .window_only = true) {
  Node node(team);
  fi_anchor_window_attr attributes;
  REQUIRE_OK(window_ops(node)->query(node.domain(), &attributes));
  team.tell(1 - team.rank(), std::to_string(attributes.host));
  const bool same_host = team.hear_text(1 - team.rank()) == std::to_string(attributes.host);
  const std::size_t count = (same_host ? kHostEndpoints / 2 : kHostEndpoints) - 1;  // and the node's own
  Crowd crowd(node);
  for (std::size_t i = 0; i < count; ++i) REQUIRE_EQ(crowd.add(), 0);
  team.barrier();
  CHECK_EQ(crowd.add(), -FI_ENOSPC);
  const std::vector<fi_addr_t> addresses = exchange_names(team, crowd);
  REQUIRE_EQ(addresses.size(), count);
  std::vector<std::uint64_t> places(count, ~0ull);
  const int key = team.add_progress([&] { crowd.completions.poll(); });
  const auto submit = [&](const std::function<ssize_t()>& operation) {
    ssize_t rc = 0;
    node.until("a place in the queue", [&] {
      crowd.completions.poll();
      return (rc = operation()) != -FI_EAGAIN;
    });
    REQUIRE_OK(rc);
  };
  for (std::size_t i = 0; i < count; ++i)
    submit([&] { return fi_recv(crowd.endpoints[i].get(), &places[i], 8, nullptr, FI_ADDR_UNSPEC, nullptr); });
  for (std::uint64_t i = 0; i < count; ++i)
    submit([&] { return fi_inject(crowd.endpoints[i].get(), &i, 8, addresses[i]); });
  for (std::size_t i = 0; i < count; ++i) {
    node.until(
        "all messages",
        [&] {
          crowd.completions.poll();
          return !crowd.completions.empty();
        },
        50);
    CHECK_EQ(crowd.completions.take().error, 0);
  }
  for (std::size_t i = 0; i < count; ++i) CHECK_EQ(places[i], i);
  team.barrier();
  team.remove_progress(key);
}

// An application takes all there is: there is no room for an endpoint then, and there is again when it is freed. What
// tests before this one had may come back at any time until both kinds of taker have found nothing.
TEST(window_limits_full, .seconds = 60, .anchor_only = true, .window_only = true) {
  Node node(team);
  fi_anchor_window_ops* const ops = window_ops(node);
  std::vector<void*> pieces;
  const auto take = [&](std::size_t bytes) {
    void* piece = nullptr;
    const int error = ops->allocate(node.domain(), bytes, 0, &piece);
    if (error == 0) pieces.push_back(piece);
    return error;
  };
  const auto take_all = [&] {
    fi_anchor_window_attr attributes;
    for (;;) {
      REQUIRE_OK(ops->query(node.domain(), &attributes));
      if (attributes.longest == 0) return;
      REQUIRE_OK(take(attributes.longest));
    }
  };
  Crowd crowd(node);
  int no_endpoint = 0, no_memory = 0;
  do {
    take_all();
    no_endpoint = crowd.add();
    no_memory = take(1);
  } while (no_endpoint == 0 || no_memory == 0);
  CHECK_EQ(no_endpoint, -FI_ENOSPC);
  CHECK_EQ(no_memory, -FI_ENOSPC);
  CHECK(crowd.endpoints.size() < kHostEndpoints - 1);  // for want of memory, not of slots
  for (void* piece : pieces) CHECK_EQ(ops->free(node.domain(), piece), 0);
  CHECK_EQ(crowd.add(), 0);
}

}  // namespace anchor::fabtests
