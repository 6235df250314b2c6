// SPDX-License-Identifier: BSD-2-Clause
// Owners of libfabric objects, and the queries that lead to them.
//
// An owner closes its object when it goes, and notes a failure if libfabric refuses. Movable, not thread-safe.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_tagged.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "check.h"

namespace anchor::fabtests {

inline constexpr std::uint32_t kApiVersion = FI_VERSION(1, 17);

template <class Object>
class Owned {
 public:
  Owned() noexcept = default;
  explicit Owned(Object* object) noexcept : object_(object) {}
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() { reset(); }

  void reset() {
    if (object_ != nullptr) CHECK_OK(fi_close(&std::exchange(object_, nullptr)->fid));
  }
  Object* get() const noexcept { return object_; }
  Object* operator->() const noexcept { return object_; }
  fid* as_fid() const noexcept { return &object_->fid; }
  // For libfabric's output parameters. Requires that nothing is owned yet.
  Object** out() noexcept { return &object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  Object* object_ = nullptr;
};

struct InfoDeleter {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
};
using Info = std::unique_ptr<fi_info, InfoDeleter>;

// Empty hints that name the provider under test and nothing else.
Info provider_hints();
// The usual request: reliable datagram endpoints that send and receive messages, tagged and not.
Info message_hints(std::uint64_t caps = FI_MSG | FI_TAGGED);

// fi_getinfo; *result is set on success.
int get_info(std::uint32_t version, const char* node, const char* service, std::uint64_t flags, const fi_info* hints,
             Info* result);
int get_info(const fi_info* hints, Info* result);

// Skips the test when a provider other than anchor has no answer; that is a failure of anchor.
Info info_or_skip(const fi_info* hints, const std::string& node = {}, const std::string& service = {},
                  std::uint64_t flags = 0);

// A fabric and a domain for an info.
struct OpenDomain {
  OpenDomain() = default;
  explicit OpenDomain(const fi_info* info);
  static OpenDomain usual() { return OpenDomain(info_or_skip(message_hints().get()).get()); }

  Info info;
  Owned<fid_fabric> fabric;
  Owned<fid_domain> domain;
};

Owned<fid_cq> open_cq(fid_domain* domain, fi_cq_format format = FI_CQ_FORMAT_TAGGED, std::size_t size = 0);
Owned<fid_av> open_av(fid_domain* domain, fi_av_type type = FI_AV_TABLE);
Owned<fid_cntr> open_counter(fid_domain* domain);
// fi_av_bind, which newer libfabric headers call deprecated.
int bind_events(fid_av* av, fid* events, std::uint64_t flags = 0);
Owned<fid_eq> open_eq(fid_fabric* fabric, std::uint64_t flags = 0);

}  // namespace anchor::fabtests
