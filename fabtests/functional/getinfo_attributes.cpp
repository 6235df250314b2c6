// SPDX-License-Identifier: BSD-2-Clause
// What fi_getinfo answers when little or nothing is asked, and whether the attributes are usable as they stand.
#include <cstring>
#include <set>

#include "common/objects.h"
#include "common/registry.h"
#include "common/team.h"

namespace anchor::fabtests {

namespace {

int infos_of(const fi_info* list, const std::string& provider) {
  int count = 0;
  for (; list != nullptr; list = list->next) count += provider == list->fabric_attr->prov_name ? 1 : 0;
  return count;
}

void check_message_attributes(const fi_info& info) {
  CHECK_EQ(info.ep_attr->type, FI_EP_RDM);
  CHECK_EQ(info.mode, 0u);
  CHECK(info.src_addr != nullptr || info.src_addrlen == 0);
  CHECK(info.ep_attr->max_msg_size >= (std::size_t{1} << 40));
  CHECK_EQ(info.ep_attr->msg_prefix_size, 0u);
  CHECK(info.ep_attr->tx_ctx_cnt >= 1 && info.ep_attr->rx_ctx_cnt >= 1);
  CHECK(info.domain_attr->name != nullptr && info.fabric_attr->name != nullptr);
  CHECK_EQ(info.domain_attr->cq_data_size, 8u);
  CHECK(info.domain_attr->max_ep_tx_ctx == 1 && info.domain_attr->max_ep_rx_ctx == 1);
  CHECK(info.domain_attr->threading != FI_THREAD_UNSPEC);
  CHECK(info.domain_attr->data_progress != FI_PROGRESS_UNSPEC);
}

void check_queue_attributes(const fi_info& info) {
  CHECK(info.tx_attr->size > 0 && info.rx_attr->size > 0);
  CHECK(info.tx_attr->inject_size >= 192);
  CHECK(info.tx_attr->iov_limit >= 4 && info.rx_attr->iov_limit >= 4);
  CHECK((info.tx_attr->msg_order & FI_ORDER_SAS) != 0);
  CHECK((info.rx_attr->msg_order & FI_ORDER_SAS) != 0);
  CHECK_EQ(info.tx_attr->caps & ~info.caps, 0u);
  CHECK_EQ(info.rx_attr->caps & ~info.caps, 0u);
}

}  // namespace

TEST(getinfo_attributes_are_usable, .anchor_only = true) {
  const Info info = info_or_skip(message_hints().get());
  for (const fi_info* each = info.get(); each != nullptr; each = each->next) {
    check_message_attributes(*each);
    check_queue_attributes(*each);
  }
}

TEST(getinfo_capabilities_for_mpi, .anchor_only = true) {
  const std::uint64_t wanted = FI_MSG | FI_TAGGED | FI_MULTI_RECV | FI_DIRECTED_RECV | FI_SOURCE | FI_SOURCE_ERR |
                               FI_LOCAL_COMM | FI_REMOTE_COMM;
  const Info info = info_or_skip(message_hints(wanted).get());
  CHECK_EQ(info->caps & wanted, wanted);
  // Secondary capabilities which cost nothing may come unasked; primary ones must not.
  const Info plain = info_or_skip(message_hints(FI_MSG).get());
  CHECK_EQ(plain->caps & (FI_TAGGED | FI_RMA | FI_ATOMIC), 0u);
}

TEST(getinfo_without_hints) {
  fi_info* list = nullptr;
  REQUIRE_OK(fi_getinfo(0, nullptr, nullptr, 0, nullptr, &list));
  const Info owner(list);
  CHECK(infos_of(list, Team::provider()) >= 1);
}

// MPICH: what the first answer offered, asked for as a whole, is had again.
TEST(getinfo_answer_is_a_valid_question) {
  fi_info* list = nullptr;
  REQUIRE_OK(fi_getinfo(kApiVersion, nullptr, nullptr, 0, provider_hints().get(), &list));
  const Info owner(list);
  for (const fi_info* each = list; each != nullptr; each = each->next) {
    Info again;
    CHECK_OK(get_info(each, &again));
    if (again != nullptr) CHECK_EQ(again->caps & each->caps, each->caps);
  }
}

// Several infos with equal attributes would be spread over ranks by Open MPI as if they were different interfaces.
TEST(getinfo_one_answer_a_device, .anchor_only = true) {
  const Info info = info_or_skip(message_hints().get());
  std::set<std::string> domains;
  for (const fi_info* each = info.get(); each != nullptr; each = each->next) {
    CHECK(domains.insert(each->domain_attr->name).second);
  }
}

TEST(getinfo_api_versions) {
  const std::uint32_t versions[] = {FI_VERSION(1, 0), FI_VERSION(1, 5), FI_VERSION(1, 10), FI_VERSION(1, 17),
                                    fi_version()};
  const Info hints = message_hints();
  for (const std::uint32_t version : versions) {
    Info info;
    const int rc = get_info(version, nullptr, nullptr, 0, hints.get(), &info);
    if (version == FI_VERSION(1, 0) && rc == -FI_ENODATA && !Team::provider_is_anchor()) continue;
    CHECK_OK(rc);
    if (info != nullptr) CHECK_EQ(info->fabric_attr->api_version, version);
  }
  Info info;
  CHECK_EQ(
      get_info(FI_VERSION(FI_MAJOR(fi_version()), FI_MINOR(fi_version()) + 1), nullptr, nullptr, 0, hints.get(), &info),
      -FI_ENOSYS);  // the library's own answer to a version from the future
}

// Everything has a name but a provider's own protocol, which libfabric 2 calls unknown.
TEST(getinfo_can_be_printed) {
  const Info info = info_or_skip(message_hints().get());
  const char* printed = fi_tostr(info.get(), FI_TYPE_INFO);
  REQUIRE(printed != nullptr);
  std::string text = printed;
  const std::string protocol = "protocol: Unknown";
  const std::size_t at = text.find(protocol);
  if (at != std::string::npos) text.erase(at, protocol.size());
  CHECK(text.find(Team::provider()) != std::string::npos);
  CHECK(text.find("FI_EP_RDM") != std::string::npos);
  CHECK(text.find("Unknown") == std::string::npos);
}

TEST(getinfo_copies_are_complete) {
  const Info info = info_or_skip(message_hints().get());
  const Info copy(fi_dupinfo(info.get()));
  REQUIRE(copy != nullptr);
  CHECK_EQ(std::string(fi_tostr(copy.get(), FI_TYPE_INFO)).empty(), false);
  CHECK(copy->next == nullptr);
  CHECK_EQ(std::string(copy->domain_attr->name), std::string(info->domain_attr->name));
}

// With FI_PROV_ATTR_ONLY the library itself lists the providers, without asking them what is there.
TEST(getinfo_provider_attributes_only, .anchor_only = true) {
  fi_info* list = nullptr;
  REQUIRE_OK(fi_getinfo(kApiVersion, nullptr, nullptr, FI_PROV_ATTR_ONLY, provider_hints().get(), &list));
  const Info owner(list);
  CHECK_EQ(infos_of(list, Team::provider()), 1);
}

// With another flag beside it, it asks them.
TEST(getinfo_provider_attributes_and_another_flag, .anchor_only = true) {
  fi_info* list = nullptr;
  REQUIRE_OK(
      fi_getinfo(kApiVersion, nullptr, nullptr, FI_PROV_ATTR_ONLY | FI_NUMERICHOST, provider_hints().get(), &list));
  const Info owner(list);
  CHECK_EQ(infos_of(list, Team::provider()), 1);
}

}  // namespace anchor::fabtests
