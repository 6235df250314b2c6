// SPDX-License-Identifier: BSD-2-Clause
// Hints about fabric and domain (fi_fabric(3), fi_domain(3)).
#include <rdma/fabric.h>
#include <strings.h>

#include <algorithm>
#include <string_view>

#include "abi/capabilities.h"
#include "abi/domain.h"
#include "abi/fabric.h"
#include "abi/hint_check.h"
#include "abi/info_hints.h"
#include "abi/provider.h"

namespace anchor {
namespace {

// FI_PROGRESS_CONTROL_UNIFIED of libfabric 2.x: manual, and the application serialises besides.
constexpr int kProgressControlUnified = 3;

bool same_name(const char* hint, const char* wanted, const char* offered) noexcept {
  if (wanted == nullptr || ::strcasecmp(wanted, offered) == 0) return true;
  ANCHOR_INFO(kCore, "hint %s: %s wanted, %s offered", hint, wanted, offered);
  return false;
}

bool same_text(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// fi_getinfo(3) separates provider names by ";" and excludes one by "^" before it. Several that are wanted mean one
// provider built upon another, which we are never part of.
bool names_us(std::string_view names) noexcept {
  while (!names.empty()) {
    const std::size_t end = names.find(';');
    std::string_view name = names.substr(0, end);
    const bool excluded = name.starts_with('^');
    if (excluded) name.remove_prefix(1);
    if (same_text(name, kProviderName) == excluded) return false;
    names.remove_prefix(end == names.npos ? names.size() : end + 1);
  }
  return true;
}

bool threading_served(fi_threading wanted) noexcept {
  return within("domain_attr->threading", static_cast<std::uint64_t>(wanted), FI_THREAD_ENDPOINT);
}

// No control operation is left unfinished when its call returns, which is progress enough for any model.
bool control_progress_served(fi_progress wanted) noexcept {
  return wanted == FI_PROGRESS_AUTO || wanted == kProgressControlUnified ||
         equal("domain_attr->control_progress", wanted, FI_PROGRESS_MANUAL);
}

// Automatic progress is a thread's work (dispatch/progress_thread.h).
bool data_progress_served(fi_progress wanted) noexcept {
  return wanted == FI_PROGRESS_AUTO || equal("domain_attr->data_progress", wanted, FI_PROGRESS_MANUAL);
}

bool contexts_served(const fi_domain_attr& hints, const fi_domain_attr& offer) noexcept {
  return within("domain_attr->max_ep_tx_ctx", hints.max_ep_tx_ctx, offer.max_ep_tx_ctx) &&
         within("domain_attr->max_ep_rx_ctx", hints.max_ep_rx_ctx, offer.max_ep_rx_ctx) &&
         within("domain_attr->max_ep_stx_ctx", hints.max_ep_stx_ctx, 0) &&
         within("domain_attr->max_ep_srx_ctx", hints.max_ep_srx_ctx, 0) &&
         within("domain_attr->mr_iov_limit", hints.mr_iov_limit, offer.mr_iov_limit);
}

// Nothing but memory limits these, so what is wanted is what there is.
void grow_counts(const fi_domain_attr& hints, fi_domain_attr* offer) noexcept {
  offer->cq_cnt = std::max(offer->cq_cnt, hints.cq_cnt);
  offer->ep_cnt = std::max(offer->ep_cnt, hints.ep_cnt);
  offer->tx_ctx_cnt = std::max(offer->tx_ctx_cnt, hints.tx_ctx_cnt);
  offer->rx_ctx_cnt = std::max(offer->rx_ctx_cnt, hints.rx_ctx_cnt);
  offer->cntr_cnt = std::max(offer->cntr_cnt, hints.cntr_cnt);
  offer->mr_cnt = std::max(offer->mr_cnt, hints.mr_cnt);
}

bool domain_values_served(std::uint32_t version, const fi_domain_attr& hints, const fi_domain_attr& offer) noexcept {
  const bool keys_count = version >= FI_VERSION(1, 5);
  return threading_served(hints.threading) && control_progress_served(hints.control_progress) &&
         data_progress_served(hints.data_progress) &&
         within("domain_attr->resource_mgmt", hints.resource_mgmt, FI_RM_ENABLED) &&
         within("domain_attr->av_type", hints.av_type, FI_AV_TABLE) &&
         within("domain_attr->mr_key_size", hints.mr_key_size, offer.mr_key_size) &&
         within("domain_attr->cq_data_size", hints.cq_data_size, offer.cq_data_size) &&
         subset("domain_attr->caps", hints.caps, offer.caps) &&
         (!keys_count || within("domain_attr->auth_key_size", hints.auth_key_size, 0)) &&
         within("domain_attr->max_err_data", hints.max_err_data, offer.max_err_data);
}

bool open_domain_served(const fi_domain_attr& hints, fi_domain_attr* offer) noexcept {
  if (hints.domain == nullptr) return true;
  if (!Domain::is_open(hints.domain, offer->name)) {
    ANCHOR_INFO(kCore, "hint domain_attr->domain: no open domain of %s", offer->name);
    return false;
  }
  offer->domain = hints.domain;
  return true;
}

}  // namespace

// fi_mr(3): a provider clears each mr_mode bit that it does not require, and we require none; an application that
// offers virtual addresses may well count from 0 all the same (upstream's fi_rdm_deferred_wq). Only the two old values,
// which force what they say, are confirmed.
bool apply_domain_hints(std::uint32_t version, const fi_domain_attr* hints, fi_domain_attr* offer) noexcept {
  if (hints == nullptr) return true;
  if (!same_name("domain_attr->name", hints->name, offer->name) || !open_domain_served(*hints, offer)) return false;
  if (!domain_values_served(version, *hints, *offer) || !contexts_served(*hints, *offer)) return false;
  if (hints->threading != FI_THREAD_UNSPEC) offer->threading = hints->threading;
  if (hints->control_progress != FI_PROGRESS_UNSPEC) offer->control_progress = hints->control_progress;
  if (hints->data_progress != FI_PROGRESS_UNSPEC) offer->data_progress = hints->data_progress;
  if (hints->resource_mgmt != FI_RM_UNSPEC) offer->resource_mgmt = hints->resource_mgmt;
  if (hints->av_type != FI_AV_UNSPEC) offer->av_type = hints->av_type;
  if (hints->mr_mode == kMrBasic || hints->mr_mode == kMrScalable) offer->mr_mode = hints->mr_mode;
  grow_counts(*hints, offer);
  offer->tclass = hints->tclass;
  return true;
}

bool apply_fabric_hints(const fi_fabric_attr* hints, fi_fabric_attr* offer) noexcept {
  if (hints == nullptr) return true;
  if (!same_name("fabric_attr->name", hints->name, offer->name)) return false;
  if (hints->prov_name != nullptr && !names_us(hints->prov_name)) {
    ANCHOR_INFO(kCore, "hint fabric_attr->prov_name: %s is not %s alone", hints->prov_name, kProviderName);
    return false;
  }
  if (!within("fabric_attr->prov_version", hints->prov_version, kProviderVersion)) return false;
  if (hints->fabric == nullptr) return true;
  if (!Fabric::is_open(hints->fabric)) {
    ANCHOR_INFO(kCore, "hint fabric_attr->fabric: not an open fabric of ours");
    return false;
  }
  offer->fabric = hints->fabric;
  return true;
}

}  // namespace anchor
