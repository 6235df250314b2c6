// SPDX-License-Identifier: BSD-2-Clause
#include "abi/info_hints.h"

#include <rdma/fi_errno.h>

#include <algorithm>

#include "abi/capabilities.h"
#include "abi/hint_check.h"
#include "proto/limits.h"

namespace anchor {
namespace {

// Secondary capabilities and modifiers that mean nothing without another one (fi_getinfo(3)).
bool caps_make_sense(std::uint64_t caps) noexcept {
  if ((caps & FI_SOURCE_ERR) != 0 && (caps & FI_SOURCE) == 0) {
    ANCHOR_INFO(kCore, "hint caps: FI_SOURCE_ERR needs FI_SOURCE");
    return false;
  }
  if ((caps & kRemoteModifiers) != 0 && (caps & kRemoteCaps) == 0) {
    ANCHOR_INFO(kCore, "hint caps: FI_READ, FI_WRITE, FI_REMOTE_READ and FI_REMOTE_WRITE need FI_RMA or FI_ATOMIC");
    return false;
  }
  if ((caps & FI_RMA_EVENT) != 0 && (with_modifiers(caps) & kTargetModifiers) == 0) {
    ANCHOR_INFO(kCore, "hint caps: FI_RMA_EVENT needs FI_REMOTE_READ or FI_REMOTE_WRITE");
    return false;
  }
  return true;
}

std::uint64_t served_order(std::uint64_t caps) noexcept {
  return kMessageOrder | kRemoteOrder | ((caps & kRemoteCaps) != 0 ? 0 : kVacuousOrder);
}

std::uint64_t context_caps(std::uint64_t hinted, std::uint64_t endpoint) noexcept {
  return hinted != 0 ? hinted & endpoint : endpoint;
}

}  // namespace

bool apply_caps(const fi_info& hints, fi_info* offer) noexcept {
  if (hints.caps == 0) return true;
  if (!subset("caps", hints.caps, kSupportedCaps) || !caps_make_sense(hints.caps)) return false;
  offer->caps = with_modifiers(hints.caps) | kFreeCaps;
  return true;
}

bool apply_transmit_hints(const fi_tx_attr* hints, std::uint64_t caps, fi_tx_attr* offer) noexcept {
  const std::uint64_t own = transmit_caps(caps);
  offer->caps = own;
  if (hints == nullptr) return true;
  const bool served = subset("tx_attr->caps", hints->caps, caps) &&
                      subset("tx_attr->op_flags", hints->op_flags, kTransmitOpFlags | (caps & FI_TRIGGER)) &&
                      subset("tx_attr->msg_order", hints->msg_order, served_order(caps)) &&
                      subset("tx_attr->comp_order", hints->comp_order, 0) &&
                      within("tx_attr->inject_size", hints->inject_size, offer->inject_size) &&
                      within("tx_attr->size", hints->size, kMaxTransmitSize) &&
                      within("tx_attr->iov_limit", hints->iov_limit, offer->iov_limit) &&
                      within("tx_attr->rma_iov_limit", hints->rma_iov_limit, offer->rma_iov_limit);
  if (!served) return false;
  offer->caps = context_caps(hints->caps, own);
  offer->op_flags = hints->op_flags;
  offer->msg_order |= hints->msg_order;
  offer->size = std::max(offer->size, hints->size);
  offer->tclass = hints->tclass;  // host memory has one class of traffic: every wish is granted
  return true;
}

// total_buffered_recv is not looked at: fi_endpoint(3) lets a provider ignore it, and we buffer all that comes.
bool apply_receive_hints(const fi_rx_attr* hints, std::uint64_t caps, fi_rx_attr* offer) noexcept {
  const std::uint64_t own = receive_caps(caps);
  offer->caps = own;
  if (hints == nullptr) return true;
  const bool served = subset("rx_attr->caps", hints->caps, caps) &&
                      subset("rx_attr->op_flags", hints->op_flags, kReceiveOpFlags | (caps & FI_TRIGGER)) &&
                      subset("rx_attr->msg_order", hints->msg_order, served_order(caps)) &&
                      subset("rx_attr->comp_order", hints->comp_order, 0) &&
                      within("rx_attr->size", hints->size, kMaxQueueSize) &&
                      within("rx_attr->iov_limit", hints->iov_limit, offer->iov_limit);
  if (!served) return false;
  offer->caps = context_caps(hints->caps, own);
  offer->op_flags = hints->op_flags;
  offer->msg_order |= hints->msg_order;
  offer->size = std::max(offer->size, hints->size);
  return true;
}

bool apply_endpoint_hints(std::uint32_t version, const fi_ep_attr* hints, fi_ep_attr* offer) noexcept {
  if (hints == nullptr) return true;
  const bool keys_count = version >= FI_VERSION(1, 5);  // fi_endpoint(3): older applications do not set the field
  const bool served =
      equal("ep_attr->type", hints->type, offer->type) && equal("ep_attr->protocol", hints->protocol, kProtocol) &&
      within("ep_attr->protocol_version", hints->protocol_version, kProtocolVersion) &&
      within("ep_attr->max_msg_size", hints->max_msg_size, offer->max_msg_size) &&
      within("ep_attr->msg_prefix_size", hints->msg_prefix_size, 0) &&
      within("ep_attr->tx_ctx_cnt", hints->tx_ctx_cnt, 1) && within("ep_attr->rx_ctx_cnt", hints->rx_ctx_cnt, 1) &&
      (!keys_count || within("ep_attr->auth_key_size", hints->auth_key_size, 0));
  if (!served) return false;
  // max_order_*_size: any size is in order. All 64 bits of a tag are compared whatever their meaning, so every format
  // is served.
  if (hints->mem_tag_format != 0) offer->mem_tag_format = hints->mem_tag_format;
  return true;
}

int apply_hints(std::uint32_t version, const fi_info& hints, fi_info* offer) noexcept {
  if (hints.handle != nullptr) {
    ANCHOR_INFO(kCore, "hint handle: there are no passive endpoints");
    return -FI_ENODATA;
  }
  const bool served = apply_fabric_hints(hints.fabric_attr, offer->fabric_attr) &&
                      apply_domain_hints(version, hints.domain_attr, offer->domain_attr) &&
                      apply_endpoint_hints(version, hints.ep_attr, offer->ep_attr) && apply_caps(hints, offer) &&
                      apply_transmit_hints(hints.tx_attr, offer->caps, offer->tx_attr) &&
                      apply_receive_hints(hints.rx_attr, offer->caps, offer->rx_attr);
  return served ? 0 : -FI_ENODATA;
}

}  // namespace anchor
