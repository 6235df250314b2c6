// SPDX-License-Identifier: BSD-2-Clause
#include "fabric.h"

#include <rdma/fi_errno.h>

#include <cstring>
#include <memory>

namespace anchor::bench {
namespace {

using Hints = std::unique_ptr<fi_info, decltype(&fi_freeinfo)>;

// Asks for little, so that a provider may choose its fastest way: no order, no directed receives, no sources,
// no lock, no progress thread. Memory registration is offered where it costs a client nothing.
Hints make_hints(const std::string& provider, const Demand& demand) {
  Hints hints(fi_allocinfo(), fi_freeinfo);
  hints->caps = demand.capabilities;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->domain_attr->control_progress = FI_PROGRESS_MANUAL;
  hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
  hints->domain_attr->mr_mode = FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->fabric_attr->prov_name = strdup(provider.c_str());
  hints->rx_attr->size = demand.receive_depth;
  return hints;
}

}  // namespace

long require(long status, const char* call) {
  if (status >= 0) return status;
  throw std::runtime_error(std::string(call) + ": " + fi_strerror(static_cast<int>(-status)));
}

fi_info* find_provider(const Options& options, const Demand& demand) {
  const Hints hints = make_hints(options.provider, demand);
  const bool bound = !options.source.empty();
  const char* node = bound ? options.source.c_str() : nullptr;
  fi_info* found = nullptr;
  const int status = fi_getinfo(FI_VERSION(1, 17), node, nullptr, bound ? FI_SOURCE : 0, hints.get(), &found);
  // A provider that promises less is still asked to do it: its own limit makes the better message.
  if (status == -FI_ENODATA && demand.receive_depth > 0)
    return find_provider(options, {.capabilities = demand.capabilities});
  require(status, "fi_getinfo");
  return found;
}

Fabric::Fabric(const Options& options, const Demand& demand) : info_(find_provider(options, demand)) {
  require(fi_fabric(info_->fabric_attr, &fabric_, nullptr), "fi_fabric");
  require(fi_domain(fabric_, info_, &domain_, nullptr), "fi_domain");
}

Fabric::~Fabric() {
  if (domain_) fi_close(&domain_->fid);
  if (fabric_) fi_close(&fabric_->fid);
  if (info_) fi_freeinfo(info_);
}

}  // namespace anchor::bench
