// SPDX-License-Identifier: BSD-2-Clause
// Hints that cannot be served are refused with -FI_ENODATA, strictly: layered providers probe every core provider, and
// a polite answer to a request that is not met becomes somebody's crash.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "common/objects.h"
#include "common/registry.h"
#include "common/team.h"

namespace anchor::fabtests {

namespace {

struct Demand {
  const char* name;
  std::function<void(fi_info&)> ask;
};

void check_refused(const std::vector<Demand>& demands) {
  for (const Demand& demand : demands) {
    const Info hints = message_hints();
    demand.ask(*hints);
    Info info;
    check_equal(FABTESTS_PLACE, demand.name, get_info(hints.get(), &info), -FI_ENODATA);
  }
}

Demand capability(const char* name, std::uint64_t bits) {
  return {name, [bits](fi_info& h) { h.caps = FI_MSG | FI_TAGGED | bits; }};
}

}  // namespace

// Capabilities that only narrow or extend one that was not asked for.
TEST(getinfo_refuses_modifiers_of_nothing, .anchor_only = true) {
  check_refused({capability("FI_READ", FI_READ), capability("FI_REMOTE_WRITE", FI_REMOTE_WRITE),
                 capability("FI_RMA_EVENT", FI_RMA_EVENT),
                 capability("FI_RMA_EVENT of an initiator", FI_RMA | FI_WRITE | FI_RMA_EVENT)});
}

// What the provider does not do (yet): asking for it must not lead to an endpoint without it.
TEST(getinfo_refuses_unknown_capabilities, .anchor_only = true) {
  check_refused({capability("FI_COLLECTIVE", FI_COLLECTIVE), capability("FI_MULTICAST", FI_MULTICAST),
                 capability("FI_NAMED_RX_CTX", FI_NAMED_RX_CTX), capability("FI_HMEM", FI_HMEM)});
}

TEST(getinfo_refuses_other_endpoints, .anchor_only = true) {
  check_refused({{"FI_EP_MSG", [](fi_info& h) { h.ep_attr->type = FI_EP_MSG; }},
                 {"FI_EP_DGRAM", [](fi_info& h) { h.ep_attr->type = FI_EP_DGRAM; }},
                 {"another protocol", [](fi_info& h) { h.ep_attr->protocol = FI_PROTO_SOCK_TCP; }},
                 {"two transmit contexts", [](fi_info& h) { h.ep_attr->tx_ctx_cnt = 2; }},
                 {"two receive contexts", [](fi_info& h) { h.ep_attr->rx_ctx_cnt = 2; }},
                 {"a shared receive context", [](fi_info& h) { h.ep_attr->rx_ctx_cnt = FI_SHARED_CONTEXT; }},
                 {"an authorisation key", [](fi_info& h) {
                    h.ep_attr->auth_key_size = 8;
                    h.ep_attr->auth_key = static_cast<std::uint8_t*>(std::calloc(1, 8));
                  }}});
}

TEST(getinfo_refuses_sizes_out_of_reach, .anchor_only = true) {
  check_refused({{"inject_size", [](fi_info& h) { h.tx_attr->inject_size = std::size_t{1} << 40; }},
                 {"tx iov_limit", [](fi_info& h) { h.tx_attr->iov_limit = 1000; }},
                 {"rx iov_limit", [](fi_info& h) { h.rx_attr->iov_limit = 1000; }},
                 {"cq_data_size", [](fi_info& h) { h.domain_attr->cq_data_size = 16; }},
                 {"tx size", [](fi_info& h) { h.tx_attr->size = std::size_t{1} << 40; }},
                 {"rx size", [](fi_info& h) { h.rx_attr->size = std::size_t{1} << 40; }},
                 {"max_ep_tx_ctx", [](fi_info& h) { h.domain_attr->max_ep_tx_ctx = 2; }}});
}

TEST(getinfo_refuses_orders_not_kept, .anchor_only = true) {
  check_refused({{"of sends", [](fi_info& h) { h.tx_attr->msg_order = 1ull << 62; }},
                 {"of receives", [](fi_info& h) { h.rx_attr->msg_order = 1ull << 62; }}});
}

TEST(getinfo_refuses_other_names, .anchor_only = true) {
  check_refused({{"domain", [](fi_info& h) { h.domain_attr->name = strdup("nowhere"); }},
                 {"fabric", [](fi_info& h) { h.fabric_attr->name = strdup("nothing"); }},
                 {"address format", [](fi_info& h) { h.addr_format = FI_ADDR_GNI; }},
                 {"InfiniBand addresses", [](fi_info& h) { h.addr_format = FI_SOCKADDR_IB; }}});
}

// The attributes of one direction may not ask for more than the whole.
TEST(getinfo_refuses_contradictions, .anchor_only = true) {
  check_refused({{"tx caps beyond caps",
                  [](fi_info& h) {
                    h.caps = FI_MSG;
                    h.tx_attr->caps = FI_MSG | FI_TAGGED;
                  }},
                 {"rx caps beyond caps", [](fi_info& h) {
                    h.caps = FI_MSG;
                    h.rx_attr->caps = FI_TAGGED;
                  }}});
}

// ofi_rxm asks every provider for a core to build on; our answer would have it stacked on us.
TEST(getinfo_is_no_core_for_others, .anchor_only = true) {
  constexpr std::uint64_t kCoreProvidersOnly = 1ull << 59;
  const Info hints = message_hints();
  hints->ep_attr->type = FI_EP_MSG;
  Info info;
  CHECK_EQ(get_info(kApiVersion, nullptr, nullptr, kCoreProvidersOnly, hints.get(), &info), -FI_ENODATA);
  hints->ep_attr->type = FI_EP_DGRAM;
  CHECK_EQ(get_info(kApiVersion, nullptr, nullptr, kCoreProvidersOnly, hints.get(), &info), -FI_ENODATA);
}

TEST(getinfo_of_another_provider) {
  const Info hints = message_hints();
  std::free(hints->fabric_attr->prov_name);
  hints->fabric_attr->prov_name = strdup("no_such_provider");
  Info info;
  CHECK_EQ(get_info(hints.get(), &info), -FI_ENODATA);
}

}  // namespace anchor::fabtests
