// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>

#include "abi/capabilities.h"
#include "abi/info_hints.h"
#include "core/work_request.h"
#include "hints.h"
#include "proto/limits.h"

using namespace anchor;

namespace {

struct Case {
  const char* name;
  std::function<void(fi_info&)> wish;
  bool served;
};

void check(std::initializer_list<Case> cases) {
  for (const Case& each : cases) {
    const InfoPointer hints = empty_hints();
    each.wish(*hints);
    const Answer answer = ask(hints.get());
    cr_expect_eq(answer.status, each.served ? 0 : -FI_ENODATA, "%s: %d", each.name, answer.status);
    cr_expect_eq(answer.info != nullptr, each.served, "%s", each.name);
  }
}

std::uint64_t caps_for(std::uint64_t caps) {
  const InfoPointer hints = empty_hints();
  hints->caps = caps;
  const Answer answer = ask(hints.get());
  return answer.info ? answer.info->caps : 0;
}

}  // namespace

Test(info_hints, capabilities) {
  check({{"none", [](fi_info&) {}, true},
         {"all that is supported", [](fi_info& h) { h.caps = kSupportedCaps; }, true},
         {"FI_RMA", [](fi_info& h) { h.caps = FI_MSG | FI_RMA; }, true},
         {"FI_READ", [](fi_info& h) { h.caps = FI_RMA | FI_READ; }, true},
         {"FI_READ of nothing", [](fi_info& h) { h.caps = FI_MSG | FI_READ; }, false},
         {"FI_ATOMIC", [](fi_info& h) { h.caps = FI_TAGGED | FI_ATOMIC; }, true},
         {"FI_TRIGGER", [](fi_info& h) { h.caps = FI_MSG | FI_TRIGGER; }, true},
         {"FI_TRIGGER by default",
          [](fi_info& h) {
            h.caps = FI_MSG | FI_TRIGGER;
            h.tx_attr->op_flags = FI_TRIGGER;
          },
          true},
         {"FI_TRIGGER without the capability", [](fi_info& h) { h.tx_attr->op_flags = FI_TRIGGER; }, false},
         {"FI_RMA_EVENT", [](fi_info& h) { h.caps = FI_RMA | FI_RMA_EVENT; }, true},
         {"FI_RMA_EVENT of nothing", [](fi_info& h) { h.caps = FI_MSG | FI_RMA_EVENT; }, false},
         {"FI_RMA_EVENT where nobody comes", [](fi_info& h) { h.caps = FI_RMA | FI_WRITE | FI_RMA_EVENT; }, false},
         {"FI_HMEM", [](fi_info& h) { h.caps = FI_MSG | FI_HMEM; }, false},
         {"FI_SHARED_AV", [](fi_info& h) { h.caps = FI_MSG | FI_SHARED_AV; }, false},
         {"FI_SOURCE_ERR alone", [](fi_info& h) { h.caps = FI_MSG | FI_SOURCE_ERR; }, false},
         {"FI_SOURCE_ERR", [](fi_info& h) { h.caps = FI_MSG | FI_SOURCE | FI_SOURCE_ERR; }, true}});
}

Test(info_hints, capabilities_are_those_asked_for_and_the_free_ones) {
  cr_assert_eq(caps_for(0), kDefaultCaps);
  cr_assert_eq(caps_for(FI_MSG), FI_MSG | kMessageModifiers | kFreeCaps);
  cr_assert_eq(caps_for(FI_RMA), FI_RMA | kRemoteModifiers | kFreeCaps);
  cr_assert_eq(caps_for(FI_RMA | FI_MSG | FI_READ), FI_RMA | FI_READ | FI_MSG | kMessageModifiers | kFreeCaps);
  cr_assert_eq(caps_for(FI_TAGGED | FI_SEND), FI_TAGGED | FI_SEND | kFreeCaps);
  cr_assert_eq(caps_for(FI_MSG | FI_AV_USER_ID), FI_MSG | FI_AV_USER_ID | kMessageModifiers | kFreeCaps);
}

Test(info_hints, every_combination_of_primary_capabilities_is_in_its_directions) {
  constexpr std::uint64_t kEach[] = {FI_MSG, FI_TAGGED, FI_DIRECTED_RECV, FI_RMA, FI_ATOMIC};
  for (unsigned chosen = 1; chosen < 1u << std::size(kEach); ++chosen) {
    std::uint64_t caps = 0;
    for (unsigned i = 0; i < std::size(kEach); ++i) caps |= (chosen >> i & 1) != 0 ? kEach[i] : 0;
    const InfoPointer hints = empty_hints();
    hints->caps = caps;
    const Answer answer = ask(hints.get());
    cr_assert(answer.info, "%#llx", static_cast<unsigned long long>(caps));
    cr_expect_eq(answer.info->tx_attr->caps & kPrimaryCaps, caps & ~FI_DIRECTED_RECV);
    cr_expect_eq(answer.info->rx_attr->caps & kPrimaryCaps, caps);
  }
}

Test(info_hints, a_direction_left_out_has_no_capabilities) {
  const InfoPointer hints = empty_hints();
  hints->caps = FI_MSG | FI_RECV;
  const Answer answer = ask(hints.get());
  cr_assert(answer.info);
  cr_assert_eq(answer.info->tx_attr->caps, 0u);
  cr_assert_eq(answer.info->rx_attr->caps, FI_MSG | FI_RECV | FI_MULTI_RECV);
}

Test(info_hints, endpoint) {
  check({{"FI_EP_RDM", [](fi_info& h) { h.ep_attr->type = FI_EP_RDM; }, true},
         {"FI_EP_MSG", [](fi_info& h) { h.ep_attr->type = FI_EP_MSG; }, false},
         {"FI_EP_DGRAM", [](fi_info& h) { h.ep_attr->type = FI_EP_DGRAM; }, false},
         {"own protocol", [](fi_info& h) { h.ep_attr->protocol = kProtocol; }, true},
         {"protocol", [](fi_info& h) { h.ep_attr->protocol = FI_PROTO_UDP; }, false},
         {"protocol_version", [](fi_info& h) { h.ep_attr->protocol_version = kProtocolVersion + 1; }, false},
         {"largest message", [](fi_info& h) { h.ep_attr->max_msg_size = kMaxMessageSize; }, true},
         {"larger message", [](fi_info& h) { h.ep_attr->max_msg_size = kMaxMessageSize + 1; }, false},
         {"prefix", [](fi_info& h) { h.ep_attr->msg_prefix_size = 8; }, false},
         {"ordered RMA", [](fi_info& h) { h.ep_attr->max_order_waw_size = SIZE_MAX; }, true},
         {"shared context", [](fi_info& h) { h.ep_attr->tx_ctx_cnt = FI_SHARED_CONTEXT; }, false},
         {"key", [](fi_info& h) { h.ep_attr->auth_key_size = 1; }, false},
         {"handle", [](fi_info& h) { h.handle = &reinterpret_cast<fid&>(h); }, false}});
}

Test(info_hints, contexts) {
  check({{"completion levels", [](fi_info& h) { h.tx_attr->op_flags = kTransmitOpFlags; }, true},
         {"FI_COMMIT_COMPLETE", [](fi_info& h) { h.tx_attr->op_flags = FI_COMMIT_COMPLETE; }, false},
         {"FI_MULTI_RECV", [](fi_info& h) { h.rx_attr->op_flags = FI_MULTI_RECV | FI_COMPLETION; }, true},
         {"FI_MULTI_RECV to send", [](fi_info& h) { h.tx_attr->op_flags = FI_MULTI_RECV; }, false},
         {"send order", [](fi_info& h) { h.tx_attr->msg_order = h.rx_attr->msg_order = FI_ORDER_SAS; }, true},
         {"remote order", [](fi_info& h) { h.tx_attr->msg_order = FI_ORDER_WAW | FI_ORDER_RAW | FI_ORDER_SAW; }, true},
         {"unknown order", [](fi_info& h) { h.tx_attr->msg_order = 1ull << 50; }, false},
         {"strict completion", [](fi_info& h) { h.tx_attr->comp_order = 0x1ff; }, false},
         {"inject", [](fi_info& h) { h.tx_attr->inject_size = kInjectSize; }, true},
         {"large inject", [](fi_info& h) { h.tx_attr->inject_size = kInjectSize + 1; }, false},
         {"iov", [](fi_info& h) { h.tx_attr->iov_limit = h.rx_attr->iov_limit = 4; }, true},
         {"long iov", [](fi_info& h) { h.rx_attr->iov_limit = 5; }, false},
         {"rma iov", [](fi_info& h) { h.tx_attr->rma_iov_limit = 4; }, true},
         {"long rma iov", [](fi_info& h) { h.tx_attr->rma_iov_limit = 5; }, false},
         {"order that nothing breaks",
          [](fi_info& h) {
            h.caps = FI_MSG;
            h.tx_attr->msg_order = FI_ORDER_WAS;
          },
          true},
         {"order of writes after sends",
          [](fi_info& h) {
            h.caps = FI_MSG | FI_RMA;
            h.tx_attr->msg_order = FI_ORDER_WAS;
          },
          false},
         {"buffering", [](fi_info& h) { h.rx_attr->total_buffered_recv = 1u << 30; }, true},
         {"sends", [](fi_info& h) { h.tx_attr->size = kMaxTransmitSize; }, true},
         {"more sends", [](fi_info& h) { h.tx_attr->size = kMaxTransmitSize + 1; }, false},
         {"receives", [](fi_info& h) { h.rx_attr->size = kMaxQueueSize; }, true},
         {"more receives", [](fi_info& h) { h.rx_attr->size = kMaxQueueSize + 1; }, false},
         {"tx caps beyond caps",
          [](fi_info& h) {
            h.caps = FI_MSG;
            h.tx_attr->caps = FI_TAGGED;
          },
          false}});
}

Test(info_hints, domain) {
  check({{"shm", [](fi_info& h) { h.domain_attr->name = ::strdup("shm"); }, true},
         {"other domain", [](fi_info& h) { h.domain_attr->name = ::strdup("eth0"); }, false},
         {"manual", [](fi_info& h) { h.domain_attr->data_progress = FI_PROGRESS_MANUAL; }, true},
         {"automatic", [](fi_info& h) { h.domain_attr->data_progress = FI_PROGRESS_AUTO; }, true},
         {"unknown progress", [](fi_info& h) { h.domain_attr->data_progress = static_cast<fi_progress>(3); }, false},
         {"automatic control", [](fi_info& h) { h.domain_attr->control_progress = FI_PROGRESS_AUTO; }, true},
         {"managed", [](fi_info& h) { h.domain_attr->resource_mgmt = FI_RM_ENABLED; }, true},
         {"map", [](fi_info& h) { h.domain_attr->av_type = FI_AV_MAP; }, true},
         {"registration", [](fi_info& h) { h.domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR; }, true},
         {"8 bytes of data", [](fi_info& h) { h.domain_attr->cq_data_size = 8; }, true},
         {"9 bytes of data", [](fi_info& h) { h.domain_attr->cq_data_size = 9; }, false},
         {"scalable", [](fi_info& h) { h.domain_attr->max_ep_tx_ctx = 2; }, false},
         {"many endpoints", [](fi_info& h) { h.domain_attr->ep_cnt = 100000; }, true},
         {"FI_SHARED_AV", [](fi_info& h) { h.domain_attr->caps = FI_SHARED_AV; }, false},
         {"key", [](fi_info& h) { h.domain_attr->auth_key_size = 1; }, false},
         {"class", [](fi_info& h) { h.domain_attr->tclass = FI_TC_BULK_DATA; }, true}});
}

// fi_domain(3) has it since libfabric 1.20.
Test(info_hints, identifiers_are_a_capability_of_the_domain) {
  const InfoPointer hints = empty_hints();
  hints->domain_attr->caps = FI_AV_USER_ID;
  for (const std::uint32_t version : {FI_VERSION(1, 20), FI_VERSION(2, 1)}) {
    const Answer answer = ask(hints.get(), nullptr, nullptr, 0, version);
    cr_assert(answer.info);
    cr_assert_eq(answer.info->domain_attr->caps, FI_LOCAL_COMM | FI_REMOTE_COMM | FI_AV_USER_ID);
    cr_assert_eq(answer.info->caps, kDefaultCaps);  // no endpoint's unasked
  }
  cr_assert_eq(ask(hints.get(), nullptr, nullptr, 0, FI_VERSION(1, 19)).status, -FI_ENODATA);
  cr_assert_eq(ask(nullptr, nullptr, nullptr, 0, FI_VERSION(1, 19)).info->domain_attr->caps,
               FI_LOCAL_COMM | FI_REMOTE_COMM);
}

Test(info_hints, fabric_and_provider_names) {
  const auto provider = [](const char* name) {
    return [name](fi_info& h) { h.fabric_attr->prov_name = ::strdup(name); };
  };
  check({{"fabric", [](fi_info& h) { h.fabric_attr->name = ::strdup("anchor"); }, true},
         {"other fabric", [](fi_info& h) { h.fabric_attr->name = ::strdup("anchors"); }, false},
         {"anchor", provider("anchor"), true},
         {"ANCHOR", provider("ANCHOR"), true},
         {"tcp", provider("tcp"), false},
         {"anchor;ofi_rxm", provider("anchor;ofi_rxm"), false},
         {"ofi_rxm;anchor", provider("ofi_rxm;anchor"), false},
         {"^shm", provider("^shm"), true},
         {"anchor;^shm", provider("anchor;^shm"), true},
         {"^anchor", provider("^anchor"), false},
         {"anch", provider("anch"), false},
         {"version to come", [](fi_info& h) { h.fabric_attr->prov_version = FI_VERSION(99, 0); }, false}});
}

Test(info_hints, threading_is_echoed) {
  for (const fi_threading level :
       {FI_THREAD_SAFE, FI_THREAD_FID, FI_THREAD_DOMAIN, FI_THREAD_COMPLETION, FI_THREAD_ENDPOINT}) {
    const InfoPointer hints = empty_hints();
    hints->domain_attr->threading = level;
    const Answer answer = ask(hints.get());
    cr_assert(answer.info);
    cr_assert_eq(answer.info->domain_attr->threading, level);
  }
}

Test(info_hints, progress_is_echoed_and_data_progress_is_manual_otherwise) {
  for (const fi_progress model : {FI_PROGRESS_AUTO, FI_PROGRESS_MANUAL}) {
    const InfoPointer hints = empty_hints();
    hints->domain_attr->control_progress = model;
    const Answer answer = ask(hints.get());
    cr_assert(answer.info);
    cr_assert_eq(answer.info->domain_attr->control_progress, model);
    cr_assert_eq(answer.info->domain_attr->data_progress, FI_PROGRESS_MANUAL);
    hints->domain_attr->data_progress = model;
    cr_assert_eq(ask(hints.get()).info->domain_attr->data_progress, model);
  }
}

Test(info_hints, no_registration_mode_is_required) {
  for (const int mode : {1 << 0, 1 << 1}) {  // basic, scalable: forced
    const InfoPointer hints = empty_hints();
    hints->domain_attr->mr_mode = mode;
    cr_assert_eq(ask(hints.get()).info->domain_attr->mr_mode, mode);
    cr_assert_eq(ask(hints.get(), nullptr, nullptr, 0, FI_VERSION(1, 4)).info->domain_attr->mr_mode, mode);
  }
  for (int bit = 1 << 2; bit <= 1 << 11; bit <<= 1) {
    const InfoPointer hints = empty_hints();
    hints->domain_attr->mr_mode = bit;
    cr_assert_eq(ask(hints.get()).info->domain_attr->mr_mode, 0, "%#x", bit);
  }
  const InfoPointer hints = empty_hints();
  cr_assert_eq(ask(hints.get()).info->domain_attr->mr_mode, 0);
  cr_assert_eq(ask(hints.get(), nullptr, nullptr, 0, FI_VERSION(1, 4)).info->domain_attr->mr_mode, kMrScalable);
}

Test(info_hints, keys_of_old_applications_are_not_looked_at) {
  const InfoPointer hints = empty_hints();
  hints->ep_attr->auth_key_size = 77;
  cr_assert_eq(ask(hints.get(), nullptr, nullptr, 0, FI_VERSION(1, 4)).status, 0);
}

Test(info_hints, output_is_at_least_what_was_asked) {
  const InfoPointer hints = empty_hints();
  hints->tx_attr->size = 5000;
  hints->domain_attr->cq_cnt = 5000;
  hints->tx_attr->msg_order = FI_ORDER_SAS | FI_ORDER_RMA_WAW;
  const Answer answer = ask(hints.get());
  cr_assert(answer.info);
  cr_assert_eq(answer.info->tx_attr->size, 5000u);
  cr_assert_eq(answer.info->domain_attr->cq_cnt, 5000u);
  cr_assert_eq(answer.info->tx_attr->msg_order, kMessageOrder | kRemoteOrder);
}
