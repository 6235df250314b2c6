// SPDX-License-Identifier: BSD-2-Clause
#include "abi/info.h"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "abi/capabilities.h"
#include "abi/domain.h"
#include "abi/fabric.h"
#include "abi/fid.h"
#include "abi/info_address.h"
#include "abi/info_hints.h"
#include "abi/parameters.h"
#include "abi/provider.h"
#include "core/work_request.h"
#include "dma/registry.h"
#include "os/log.h"
#include "proto/limits.h"

namespace anchor {
namespace {

// Flags libfabric sets when one provider asks for another to build upon; fi_getinfo(3) has none up there.
constexpr std::uint64_t kInternalFlags = ~0ull << 57 & ~static_cast<std::uint64_t>(FI_SOURCE);
constexpr std::uint64_t kRescan = 1ull << 35;  // FI_RESCAN of libfabric 2.x: our list of devices never ages
constexpr std::uint64_t kKnownFlags = FI_NUMERICHOST | FI_PROV_ATTR_ONLY | FI_SOURCE | kRescan;

char* duplicate(std::string_view text) {
  char* copy = ::strndup(text.data(), text.size());  // fi_freeinfo(3) frees it
  if (copy == nullptr) throw std::bad_alloc();
  return copy;
}

InfoPointer empty_info() {
  InfoPointer info(fi_allocinfo());
  if (!info) throw std::bad_alloc();
  return info;
}

void fill_contexts(fi_tx_attr* tx, fi_rx_attr* rx) {
  tx->caps = kTransmitCaps & kDefaultCaps;
  tx->msg_order = kMessageOrder | kRemoteOrder;
  tx->inject_size = kInjectSize;
  tx->size = parameters().tx_size;
  tx->iov_limit = kMaxSegments;
  tx->rma_iov_limit = kMaxSegments;
  rx->caps = kReceiveCaps & kDefaultCaps;
  rx->msg_order = kMessageOrder | kRemoteOrder;
  rx->size = parameters().rx_size;
  rx->iov_limit = kMaxSegments;
}

void fill_endpoint(fi_ep_attr* endpoint) noexcept {
  endpoint->type = FI_EP_RDM;
  endpoint->protocol = kProtocol;
  endpoint->protocol_version = kProtocolVersion;
  endpoint->max_msg_size = kMaxMessageSize;
  endpoint->max_order_raw_size = SIZE_MAX;
  endpoint->max_order_war_size = SIZE_MAX;
  endpoint->max_order_waw_size = SIZE_MAX;
  endpoint->mem_tag_format = kAllTagBits;
  endpoint->tx_ctx_cnt = 1;
  endpoint->rx_ctx_cnt = 1;
}

void fill_domain(std::uint32_t version, std::string_view device, fi_domain_attr* domain) {
  domain->name = duplicate(device);
  domain->domain = Domain::first_open(device);
  domain->threading = FI_THREAD_SAFE;
  domain->control_progress = FI_PROGRESS_MANUAL;
  domain->data_progress = FI_PROGRESS_MANUAL;
  domain->resource_mgmt = FI_RM_ENABLED;
  domain->av_type = FI_AV_UNSPEC;  // either; FI_AV_TABLE would say that there are no maps
  domain->mr_mode = version != 0 && version < FI_VERSION(1, 5) ? kMrScalable : 0;
  domain->mr_key_size = sizeof(std::uint64_t);
  domain->cq_data_size = kCompletionDataSize;
  domain->cq_cnt = kObjectCount;
  domain->ep_cnt = kObjectCount;
  domain->tx_ctx_cnt = kObjectCount;
  domain->rx_ctx_cnt = kObjectCount;
  domain->max_ep_tx_ctx = 1;
  domain->max_ep_rx_ctx = 1;
  domain->cntr_cnt = kObjectCount;
  domain->mr_iov_limit = kMaxSegments;
  domain->mr_cnt = kRegionCount;
  domain->caps = domain_caps(version);
  domain->max_err_data = kNameSize;
}

// Who asks may not be served at all.
int check_flags(std::uint64_t flags) {
  if ((flags & kInternalFlags) != 0) {
    ANCHOR_INFO(kCore, "no endpoints to build another provider upon: flags %#llx",
                static_cast<unsigned long long>(flags));
    return -FI_ENODATA;
  }
  if ((flags & ~kKnownFlags) == 0) return 0;
  ANCHOR_INFO(kCore, "unknown fi_getinfo flags %#llx", static_cast<unsigned long long>(flags & ~kKnownFlags));
  return -FI_EBADFLAGS;
}

// prov_name stays empty, here and in full_offer(): libfabric fills it in, and takes a name that is there for another
// provider's beneath us. (Without other flags it answers FI_PROV_ATTR_ONLY itself.)
InfoPointer provider_attributes() {
  InfoPointer info = empty_info();
  info->fabric_attr->prov_version = kProviderVersion;
  return info;
}

int make_offers(const InfoQuery& query, InfoPointer* offers) {
  int result = -FI_ENODATA;
  fi_info* last = nullptr;
  for (const std::string_view device : offered_devices()) {
    InfoPointer offer = full_offer(query.version, device);
    int status = query.hints != nullptr ? apply_hints(query.version, *query.hints, offer.get()) : 0;
    if (status == 0) status = apply_addresses(query, offer.get());
    if (status != 0) {
      result = *offers ? result : status;
      continue;
    }
    result = 0;
    fi_info* next = offer.release();
    if (last == nullptr) offers->reset(next);
    if (last != nullptr) last->next = next;
    last = next;
  }
  return result;
}

}  // namespace

std::vector<std::string_view> offered_devices() {
  std::vector<std::string_view> names;
  std::string_view rest = parameters().devices;
  const DeviceOptions options = device_options();
  if (rest.empty())
    for (std::size_t i = 0; i < device_count(); ++i)
      if (first_device()[i].present(options)) names.push_back(first_device()[i].name);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view name = rest.substr(0, comma);
    const DeviceEntry* device = find_device(name);
    const bool present = device != nullptr && device->present(options);
    if (present) names.push_back(device->name);
    if (!present) {
      ANCHOR_WARN(kCore, "there is no device %.*s%s", static_cast<int>(name.size()), name.data(),
                  device != nullptr ? ": FI_ANCHOR_WINDOW is not set" : ": FI_ANCHOR_DEVICES has shm and window");
    }
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  }
  // One endpoint reaches peers of both kinds (DeviceOptions::near_as_shm). Two offers would be spread over the ranks of
  // a job.
  if (std::find(names.begin(), names.end(), "window") != names.end()) names = {"window"};
  std::erase_if(names, [&](std::string_view name) { return !find_device(name)->usable(options); });
  return names;
}

InfoPointer full_offer(std::uint32_t version, std::string_view device) {
  InfoPointer info = empty_info();
  info->caps = kDefaultCaps;
  info->addr_format = FI_ADDR_STR;
  fill_contexts(info->tx_attr, info->rx_attr);
  fill_endpoint(info->ep_attr);
  fill_domain(version, device, info->domain_attr);
  info->fabric_attr->name = duplicate(kFabricName);
  info->fabric_attr->fabric = Fabric::first_open();
  info->fabric_attr->prov_version = kProviderVersion;
  return info;
}

int get_info(std::uint32_t version, const char* node, const char* service, std::uint64_t flags, const fi_info* hints,
             fi_info** info) noexcept {
  return guarded([&] {
    const int status = check_flags(flags);
    if (status != 0) return status;
    if ((flags & FI_PROV_ATTR_ONLY) != 0) {
      *info = provider_attributes().release();
      return 0;
    }
    InfoPointer offers;
    const int outcome = make_offers({version, node, service, flags, hints}, &offers);
    if (outcome == 0) *info = offers.release();
    return outcome;
  });
}

}  // namespace anchor
