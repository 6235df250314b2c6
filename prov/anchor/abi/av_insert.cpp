// SPDX-License-Identifier: BSD-2-Clause
// Insertion into an address vector, and how its outcome is told (fi_av(3)): by the return value and perhaps an array of
// errors, or, when the vector was opened with FI_EVENT, by events.
#include <rdma/fi_errno.h>

#include <cerrno>

#include "abi/address_list.h"
#include "abi/av.h"
#include "abi/names.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr std::size_t kHostSize = 1025;  // NI_MAXHOST

// One call of an insertion function.
class Insertion {
 public:
  Insertion(Av& av, fi_addr_t* addresses, std::uint64_t flags, void* context) noexcept
      : av_(av), addresses_(addresses), flags_(flags), context_(context) {}

  int check() const noexcept;
  // The outcome of finding out an address's name, in order.
  void add(int status, const EndpointName& name);
  // What the insertion function returns.
  int finish();

 private:
  int insert(const EndpointName& name);
  void report_failure(int status);

  Av& av_;
  fi_addr_t* const addresses_;
  const std::uint64_t flags_;
  void* const context_;
  std::size_t position_ = 0;
  std::size_t inserted_ = 0;
};

int Insertion::check() const noexcept {
  if ((flags_ & ~(FI_MORE | FI_SYNC_ERR | FI_AV_USER_ID)) != 0) return -FI_EBADFLAGS;
  if (av_.asynchronous() && av_.event_queue() == nullptr) return -FI_ENOEQ;
  if ((flags_ & FI_SYNC_ERR) != 0 && (av_.asynchronous() || context_ == nullptr)) return -FI_EINVAL;
  if ((flags_ & FI_AV_USER_ID) == 0) return 0;
  // The identifiers come in the array, unless the vector takes them by fi_av_set_user_id(3) only.
  const bool served = av_.user_ids() && !av_.user_ids()->mandatory() && addresses_ != nullptr;
  return served ? 0 : -FI_EINVAL;
}

int Insertion::insert(const EndpointName& name) {
  const bool identified = (flags_ & FI_AV_USER_ID) != 0;
  const std::uint64_t address = av_.insert(name, identified ? addresses_ + position_ : nullptr);
  if (address == FI_ADDR_NOTAVAIL) return -FI_ENOMEM;
  if (addresses_ != nullptr) addresses_[position_] = address;
  ++inserted_;
  return 0;
}

void Insertion::report_failure(int status) {
  if (addresses_ != nullptr) addresses_[position_] = FI_ADDR_NOTAVAIL;
  ANCHOR_INFO(kAddressVector, "address %zu cannot be inserted: error %d", position_, -status);
  if (!av_.asynchronous()) return;
  av_.event_queue()->post_error(
      {.fid = &av_.fid, .context = context_, .data = position_, .error = -status, .provider_error = 0});
}

void Insertion::add(int status, const EndpointName& name) {
  if (status == 0) status = insert(name);
  if (status != 0) report_failure(status);
  if ((flags_ & FI_SYNC_ERR) != 0) static_cast<int*>(context_)[position_] = -status;
  ++position_;
}

int Insertion::finish() {
  if (!av_.asynchronous()) return static_cast<int>(inserted_);
  av_.event_queue()->post(FI_AV_COMPLETE, {.fid = &av_.fid, .context = context_, .data = inserted_});
  return 0;
}

int name_of_service(const Av& av, const char* node, const char* service, EndpointName* name) {
  const std::uint32_t format = av.domain().address_format();
  Address address;
  const int status = resolve(format, {.node = node, .service = service}, &address);
  return status != 0 ? status : peer_name(format, address.bytes.data(), address.size, name);
}

// A node and a service of the sequences that begin with those; either may be missing.
void add_member(Insertion& insertion, const Av& av, const char* node, std::size_t node_offset, const char* service,
                std::size_t service_offset) {
  char node_text[kHostSize];
  char service_text[kNameSize];
  const bool found = (node == nullptr || advance_text(node, node_offset, node_text, sizeof(node_text))) &&
                     (service == nullptr || advance_text(service, service_offset, service_text, sizeof(service_text)));
  EndpointName name;
  int status = -EINVAL;
  if (found) status = name_of_service(av, node ? node_text : nullptr, service ? service_text : nullptr, &name);
  insertion.add(status, name);
}

}  // namespace

int av_insert(fid_av* descriptor, const void* addr, std::size_t count, fi_addr_t* fi_addr, std::uint64_t flags,
              void* context) noexcept {
  Av& av = Av::from(descriptor);
  return guarded([&] {
    Insertion insertion(av, fi_addr, flags, context);
    const int status = insertion.check();
    if (status != 0) return status;
    AddressList list(av.domain().address_format(), addr, count);
    for (std::size_t i = 0; i < count; ++i) {
      EndpointName name;
      const int outcome = list.next(&name);
      insertion.add(outcome, name);
    }
    return insertion.finish();
  });
}

int av_insertsvc(fid_av* descriptor, const char* node, const char* service, fi_addr_t* fi_addr, std::uint64_t flags,
                 void* context) noexcept {
  return av_insertsym(descriptor, node, 1, service, 1, fi_addr, flags, context);
}

int av_insertsym(fid_av* descriptor, const char* node, std::size_t nodecnt, const char* service, std::size_t svccnt,
                 fi_addr_t* fi_addr, std::uint64_t flags, void* context) noexcept {
  Av& av = Av::from(descriptor);
  if (node == nullptr && service == nullptr) return -FI_EINVAL;
  if ((node == nullptr && nodecnt > 1) || (service == nullptr && svccnt > 1)) return -FI_EINVAL;
  return guarded([&] {
    Insertion insertion(av, fi_addr, flags, context);
    const int status = insertion.check();
    if (status != 0) return status;
    for (std::size_t n = 0; n < nodecnt; ++n)
      for (std::size_t s = 0; s < svccnt; ++s) add_member(insertion, av, node, n, service, s);
    return insertion.finish();
  });
}

}  // namespace anchor
