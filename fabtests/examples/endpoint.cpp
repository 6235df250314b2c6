// SPDX-License-Identifier: BSD-2-Clause
#include "endpoint.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace anchor::examples {
namespace {

constexpr std::size_t kQueueSize = 4096;
constexpr std::size_t kLongestName = 256;

// Receives from one peer alone (FI_DIRECTED_RECV) are how providers that can report a peer's death do so.
Owned<fi_info> find(const std::string& provider, const std::string& source) {
  Owned<fi_info> hints(fi_allocinfo());
  hints->caps = FI_TAGGED | FI_DIRECTED_RECV;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->resource_mgmt = FI_RM_ENABLED;
  hints->fabric_attr->prov_name = strdup(provider.c_str());
  fi_info* found = nullptr;
  const char* node = source.empty() ? nullptr : source.c_str();
  require(fi_getinfo(FI_VERSION(1, 17), node, nullptr, node != nullptr ? FI_SOURCE : 0, hints.get(), &found),
          provider + ": fi_getinfo");
  return Owned<fi_info>(found);
}

// libfabric's opening calls end in an output parameter and a context that we have no use for.
template <class Object, class Open>
Owned<Object> opened(const char* what, Open&& open) {
  Object* object = nullptr;
  require(open(&object), what);
  return Owned<Object>(object);
}

}  // namespace

void give_up(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(why.size()),
               why.data());
  std::exit(EXIT_FAILURE);
}

void require(long rc, std::string_view what) {
  if (rc < 0) give_up(what, fi_strerror(static_cast<int>(-rc)));
}

Endpoint::Endpoint(const std::string& provider, const std::string& source) : info_(find(provider, source)) {
  fi_cq_attr queue{};
  queue.size = kQueueSize;
  queue.format = FI_CQ_FORMAT_TAGGED;
  queue.wait_obj = FI_WAIT_FD;
  fi_av_attr addresses{};
  addresses.type = FI_AV_TABLE;
  fabric_ = opened<fid_fabric>("fi_fabric", [&](auto out) { return fi_fabric(info_->fabric_attr, out, nullptr); });
  domain_ =
      opened<fid_domain>("fi_domain", [&](auto out) { return fi_domain(fabric_.get(), info_.get(), out, nullptr); });
  cq_ = opened<fid_cq>("fi_cq_open", [&](auto out) { return fi_cq_open(domain_.get(), &queue, out, nullptr); });
  av_ = opened<fid_av>("fi_av_open", [&](auto out) { return fi_av_open(domain_.get(), &addresses, out, nullptr); });
  ep_ = opened<fid_ep>("fi_endpoint", [&](auto out) { return fi_endpoint(domain_.get(), info_.get(), out, nullptr); });
  require(fi_ep_bind(ep_.get(), &av_->fid, 0), "binding the address vector");
  require(fi_ep_bind(ep_.get(), &cq_->fid, FI_TRANSMIT | FI_RECV), "binding the queue");
  require(fi_enable(ep_.get()), "fi_enable");
  require(fi_control(&cq_->fid, FI_GETWAIT, &descriptor_), "the queue's descriptor");
}

std::string Endpoint::name() const {
  std::string name(kLongestName, '\0');
  std::size_t length = name.size();
  require(fi_getname(&ep_->fid, name.data(), &length), "fi_getname");
  name.resize(length);
  return name;
}

fi_addr_t Endpoint::insert(std::string_view name) {
  fi_addr_t address = FI_ADDR_NOTAVAIL;
  const int inserted = fi_av_insert(av_.get(), name.data(), 1, &address, 0, nullptr);
  return inserted == 1 ? address : FI_ADDR_NOTAVAIL;
}

bool Endpoint::may_sleep() const noexcept {
  fid* queue = &cq_->fid;
  return fi_trywait(fabric_.get(), &queue, 1) == FI_SUCCESS;
}

std::string to_digits(std::string_view name) {
  std::string digits;
  for (const char byte : name) {
    char pair[3];
    std::snprintf(pair, sizeof(pair), "%02x", static_cast<unsigned char>(byte));
    digits += pair;
  }
  return digits;
}

std::string from_digits(std::string_view digits) {
  std::string name;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    name += static_cast<char>(std::strtoul(std::string(digits.substr(at, 2)).c_str(), nullptr, 16));
  return name;
}

}  // namespace anchor::examples
