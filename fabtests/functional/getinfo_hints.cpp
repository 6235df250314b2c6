// SPDX-License-Identifier: BSD-2-Clause
// The matrix of hints which must be served, and that the answer honours each of them.
#include <cstring>
#include <functional>
#include <vector>

#include "common/objects.h"
#include "common/registry.h"
#include "common/team.h"

namespace anchor::fabtests {

namespace {

struct Wish {
  const char* name;
  std::function<void(fi_info&)> ask;
  std::function<bool(const fi_info&)> granted;
};

void check_wishes(const std::vector<Wish>& wishes) {
  for (const Wish& wish : wishes) {
    const Info hints = message_hints();
    wish.ask(*hints);
    Info info;
    const int rc = get_info(hints.get(), &info);
    check_success(FABTESTS_PLACE, wish.name, rc);
    for (const fi_info* each = info.get(); each != nullptr; each = each->next) {
      check_true(FABTESTS_PLACE, std::string("granted: ") + wish.name, wish.granted(*each));
    }
  }
}

Wish threading(const char* name, fi_threading level) {
  return {name, [level](fi_info& h) { h.domain_attr->threading = level; },
          [level](const fi_info& i) { return i.domain_attr->threading == level; }};
}

// A mode the application offers is never more than offered, and 0 is fine.
Wish mode(const char* name, std::uint64_t bits) {
  return {name, [bits](fi_info& h) { h.mode = bits; }, [bits](const fi_info& i) { return (i.mode & ~bits) == 0; }};
}

// fi_mr(3): a provider clears what it does not require. anchor requires nothing.
Wish registration(const char* name, int bits) {
  return {name, [bits](fi_info& h) { h.domain_attr->mr_mode = bits; },
          [](const fi_info& i) { return i.domain_attr->mr_mode == 0; }};
}

Wish transmit_flags(const char* name, std::uint64_t bits) {
  return {name, [bits](fi_info& h) { h.tx_attr->op_flags = bits; },
          [bits](const fi_info& i) { return (i.tx_attr->op_flags & bits) == bits; }};
}

}  // namespace

// A weaker level than offered must be echoed, not strengthened (MPICH insists).
TEST(getinfo_threading_levels, .anchor_only = true) {
  check_wishes({threading("FI_THREAD_SAFE", FI_THREAD_SAFE), threading("FI_THREAD_FID", FI_THREAD_FID),
                threading("FI_THREAD_ENDPOINT", FI_THREAD_ENDPOINT),
                threading("FI_THREAD_COMPLETION", FI_THREAD_COMPLETION),
                threading("FI_THREAD_DOMAIN", FI_THREAD_DOMAIN)});
}

TEST(getinfo_modes_offered) {
  check_wishes({mode("none", 0), mode("FI_CONTEXT", FI_CONTEXT), mode("FI_CONTEXT2", FI_CONTEXT2),
                mode("FI_CONTEXT|FI_CONTEXT2|FI_ASYNC_IOV|FI_RX_CQ_DATA",
                     FI_CONTEXT | FI_CONTEXT2 | FI_ASYNC_IOV | FI_RX_CQ_DATA)});
}

TEST(getinfo_registration_modes, .anchor_only = true) {
  check_wishes({registration("0", 0), registration("FI_MR_VIRT_ADDR", FI_MR_VIRT_ADDR),
                registration("allocated, key, address", FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_VIRT_ADDR),
                registration("everything", FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_VIRT_ADDR | FI_MR_LOCAL |
                                               FI_MR_ENDPOINT | FI_MR_RAW | FI_MR_RMA_EVENT | FI_MR_MMU_NOTIFY)});
}

TEST(getinfo_transmit_flags, .anchor_only = true) {
  check_wishes({transmit_flags("0", 0), transmit_flags("FI_COMPLETION", FI_COMPLETION),
                transmit_flags("FI_INJECT_COMPLETE", FI_INJECT_COMPLETE),
                transmit_flags("FI_TRANSMIT_COMPLETE", FI_TRANSMIT_COMPLETE),
                transmit_flags("FI_DELIVERY_COMPLETE", FI_DELIVERY_COMPLETE),
                transmit_flags("FI_COMPLETION|FI_DELIVERY_COMPLETE", FI_COMPLETION | FI_DELIVERY_COMPLETE)});
}

TEST(getinfo_sizes_within_reach, .anchor_only = true) {
  check_wishes({
      {"inject_size 192", [](fi_info& h) { h.tx_attr->inject_size = 192; },
       [](const fi_info& i) { return i.tx_attr->inject_size >= 192; }},
      {"inject_size 16", [](fi_info& h) { h.tx_attr->inject_size = 16; },
       [](const fi_info& i) { return i.tx_attr->inject_size >= 16; }},
      {"iov_limit 4", [](fi_info& h) { h.tx_attr->iov_limit = h.rx_attr->iov_limit = 4; },
       [](const fi_info& i) { return i.tx_attr->iov_limit >= 4 && i.rx_attr->iov_limit >= 4; }},
      {"cq_data_size 4", [](fi_info& h) { h.domain_attr->cq_data_size = 4; },
       [](const fi_info& i) { return i.domain_attr->cq_data_size >= 4; }},
      {"cq_data_size 8", [](fi_info& h) { h.domain_attr->cq_data_size = 8; },
       [](const fi_info& i) { return i.domain_attr->cq_data_size >= 8; }},
      {"tx and rx size 64", [](fi_info& h) { h.tx_attr->size = h.rx_attr->size = 64; },
       [](const fi_info& i) { return i.tx_attr->size >= 64 && i.rx_attr->size >= 64; }},
      {"max_msg_size 1 TiB", [](fi_info& h) { h.ep_attr->max_msg_size = std::size_t{1} << 40; },
       [](const fi_info& i) { return i.ep_attr->max_msg_size >= (std::size_t{1} << 40); }},
      {"mr_key_size 2", [](fi_info& h) { h.domain_attr->mr_key_size = 2; }, [](const fi_info&) { return true; }},
  });
}

TEST(getinfo_domain_attributes) {
  check_wishes({
      {"any av_type", [](fi_info&) {}, [](const fi_info& i) { return i.domain_attr->av_type == FI_AV_UNSPEC; }},
      {"av_type map", [](fi_info& h) { h.domain_attr->av_type = FI_AV_MAP; },
       [](const fi_info& i) { return i.domain_attr->av_type != FI_AV_TABLE; }},
      {"av_type table", [](fi_info& h) { h.domain_attr->av_type = FI_AV_TABLE; },
       [](const fi_info& i) { return i.domain_attr->av_type != FI_AV_MAP; }},
      {"manual progress",
       [](fi_info& h) { h.domain_attr->control_progress = h.domain_attr->data_progress = FI_PROGRESS_MANUAL; },
       [](const fi_info& i) { return i.domain_attr->data_progress == FI_PROGRESS_MANUAL; }},
      {"automatic progress", [](fi_info& h) { h.domain_attr->data_progress = FI_PROGRESS_AUTO; },
       [](const fi_info& i) { return i.domain_attr->data_progress == FI_PROGRESS_AUTO; }},
      {"resource management", [](fi_info& h) { h.domain_attr->resource_mgmt = FI_RM_ENABLED; },
       [](const fi_info& i) { return i.domain_attr->resource_mgmt == FI_RM_ENABLED; }},
      {"no resource management", [](fi_info& h) { h.domain_attr->resource_mgmt = FI_RM_DISABLED; },
       [](const fi_info&) { return true; }},
      {"no order", [](fi_info& h) { h.tx_attr->msg_order = h.rx_attr->msg_order = 0; },
       [](const fi_info&) { return true; }},
  });
}

// Each subset of the direction bits, for either kind of message.
TEST(getinfo_directions) {
  for (const std::uint64_t kind : {FI_MSG, FI_TAGGED, FI_MSG | FI_TAGGED}) {
    for (const std::uint64_t direction : {0ull, FI_SEND, FI_RECV, FI_SEND | FI_RECV}) {
      const Info info = info_or_skip(message_hints(kind | direction).get());
      CHECK_EQ(info->caps & (kind | direction), kind | direction);
      CHECK_EQ(info->caps & (FI_MSG | FI_TAGGED), kind);
    }
  }
}

// The names that one answer gave lead to it again.
TEST(getinfo_by_name) {
  const Info first = info_or_skip(message_hints().get());
  const Info hints = message_hints();
  hints->domain_attr->name = strdup(first->domain_attr->name);
  hints->fabric_attr->name = strdup(first->fabric_attr->name);
  Info again;
  REQUIRE_OK(get_info(hints.get(), &again));
  CHECK_EQ(std::string(again->domain_attr->name), std::string(first->domain_attr->name));
}

}  // namespace anchor::fabtests
