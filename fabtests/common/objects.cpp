// SPDX-License-Identifier: BSD-2-Clause
#include "objects.h"

#include <cstring>

#include "team.h"

namespace anchor::fabtests {

Info provider_hints() {
  Info hints(fi_allocinfo());
  REQUIRE(hints != nullptr);
  hints->fabric_attr->prov_name = strdup(Team::provider().c_str());
  return hints;
}

Info message_hints(std::uint64_t caps) {
  Info hints = provider_hints();
  hints->caps = caps;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  hints->tx_attr->msg_order = FI_ORDER_SAS;
  hints->rx_attr->msg_order = FI_ORDER_SAS;
  return hints;
}

int get_info(std::uint32_t version, const char* node, const char* service, std::uint64_t flags, const fi_info* hints,
             Info* result) {
  fi_info* list = nullptr;
  const int rc = fi_getinfo(version, node, service, flags, hints, &list);
  if (rc == 0) result->reset(list);
  return rc;
}

int get_info(const fi_info* hints, Info* result) { return get_info(kApiVersion, nullptr, nullptr, 0, hints, result); }

Info info_or_skip(const fi_info* hints, const std::string& node, const std::string& service, std::uint64_t flags) {
  Info result;
  const int rc = get_info(kApiVersion, node.empty() ? nullptr : node.c_str(),
                          service.empty() ? nullptr : service.c_str(), flags, hints, &result);
  if (rc != 0 && !Team::provider_is_anchor()) skip(std::string("fi_getinfo: ") + fi_strerror(-rc));
  REQUIRE_OK(rc);
  return result;
}

OpenDomain::OpenDomain(const fi_info* from) : info(fi_dupinfo(from)) {
  REQUIRE_OK(fi_fabric(info->fabric_attr, fabric.out(), nullptr));
  REQUIRE_OK(fi_domain(fabric.get(), info.get(), domain.out(), nullptr));
}

Owned<fid_cq> open_cq(fid_domain* domain, fi_cq_format format, std::size_t size) {
  fi_cq_attr attributes{};
  attributes.format = format;
  attributes.size = size;
  attributes.wait_obj = FI_WAIT_NONE;
  Owned<fid_cq> queue;
  REQUIRE_OK(fi_cq_open(domain, &attributes, queue.out(), nullptr));
  return queue;
}

Owned<fid_av> open_av(fid_domain* domain, fi_av_type type) {
  fi_av_attr attributes{};
  attributes.type = type;
  Owned<fid_av> addresses;
  REQUIRE_OK(fi_av_open(domain, &attributes, addresses.out(), nullptr));
  return addresses;
}

Owned<fid_cntr> open_counter(fid_domain* domain) {
  fi_cntr_attr attributes{};
  attributes.events = FI_CNTR_EVENTS_COMP;
  attributes.wait_obj = FI_WAIT_NONE;
  Owned<fid_cntr> counter;
  const int rc = fi_cntr_open(domain, &attributes, counter.out(), nullptr);
  if (rc == -FI_ENOSYS && !Team::provider_is_anchor()) skip("no counters");
  REQUIRE_OK(rc);
  return counter;
}

int bind_events(fid_av* av, fid* events, std::uint64_t flags) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return fi_av_bind(av, events, flags);
#pragma GCC diagnostic pop
}

Owned<fid_eq> open_eq(fid_fabric* fabric, std::uint64_t flags) {
  fi_eq_attr attributes{};
  attributes.size = 64;
  attributes.flags = flags;
  attributes.wait_obj = FI_WAIT_NONE;
  Owned<fid_eq> queue;
  REQUIRE_OK(fi_eq_open(fabric, &attributes, queue.out(), nullptr));
  return queue;
}

}  // namespace anchor::fabtests
