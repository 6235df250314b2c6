// SPDX-License-Identifier: BSD-2-Clause
// A fabric, a domain and what is opened on it, through the calls that libfabric makes; closed in reverse.
#pragma once

#include <criterion/criterion.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_tagged.h>

#include <functional>

#include "abi/fabric.h"
#include "hints.h"

namespace anchor {

// Closes its object, and expects that to succeed.
template <class Descriptor>
class Opened {
 public:
  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (descriptor_ != nullptr) cr_expect_eq(close(), 0);
  }
  Descriptor** out() { return &descriptor_; }
  Descriptor* get() const { return descriptor_; }
  Descriptor* operator->() const { return descriptor_; }
  ::fid* fid() const { return &descriptor_->fid; }
  int close() {
    const int status = fi_close(&descriptor_->fid);
    if (status == 0) descriptor_ = nullptr;
    return status;
  }

 private:
  Descriptor* descriptor_ = nullptr;
};

struct OpenDomain {
  using Change = std::function<void(fi_info&)>;

  // wish changes the hints, insist what fi_getinfo answered, before it is used.
  explicit OpenDomain(
      const Change& wish = [](fi_info&) {}, std::uint32_t version = FI_VERSION(1, 17),
      const Change& insist = [](fi_info&) {}) {
    const InfoPointer hints = empty_hints();
    wish(*hints);
    Answer answer = ask(hints.get(), nullptr, nullptr, 0, version);
    cr_assert_eq(answer.status, 0);
    info = std::move(answer.info);
    info->fabric_attr->api_version = version;  // as libfabric does
    insist(*info);
    cr_assert_eq(open_fabric(info->fabric_attr, fabric.out(), nullptr), 0);
    cr_assert_eq(fi_domain(fabric.get(), info.get(), domain.out(), nullptr), 0);
  }

  InfoPointer info;
  Opened<fid_fabric> fabric;
  Opened<fid_domain> domain;
};

// An endpoint with one queue for both directions, not yet enabled.
struct OpenEndpoint {
  explicit OpenEndpoint(const OpenDomain& open, std::uint64_t queue_flags = 0) {
    fi_cq_attr cq_attr{};
    cq_attr.format = FI_CQ_FORMAT_TAGGED;
    cq_attr.wait_obj = FI_WAIT_UNSPEC;
    cr_assert_eq(fi_cq_open(open.domain.get(), &cq_attr, cq.out(), nullptr), 0);
    fi_av_attr av_attr{};
    cr_assert_eq(fi_av_open(open.domain.get(), &av_attr, av.out(), nullptr), 0);
    cr_assert_eq(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr), 0);
    cr_assert_eq(fi_ep_bind(ep.get(), av.fid(), 0), 0);
    cr_assert_eq(fi_ep_bind(ep.get(), cq.fid(), FI_TRANSMIT | FI_RECV | queue_flags), 0);
  }

  // Its own address, inserted.
  fi_addr_t self() {
    char name[64];
    std::size_t size = sizeof(name);
    cr_assert_eq(fi_getname(ep.fid(), name, &size), 0);
    fi_addr_t address = FI_ADDR_NOTAVAIL;
    cr_assert_eq(fi_av_insert(av.get(), name, 1, &address, 0, nullptr), 1);
    return address;
  }

  fi_cq_tagged_entry next() {
    fi_cq_tagged_entry entry{};
    cr_assert_eq(fi_cq_sread(cq.get(), &entry, 1, nullptr, 10'000), 1);
    return entry;
  }

  Opened<fid_cq> cq;
  Opened<fid_av> av;
  Opened<fid_ep> ep;
};

}  // namespace anchor
