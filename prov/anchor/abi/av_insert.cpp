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
  // The outcome of finding an address, in order.
  void add(int status, const Address& address);
  // What the insertion function returns.
  int finish();

 private:
  int insert(const Address& address);
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
  return av_.user_ids() == UserIds::kAtInsertion && addresses_ != nullptr ? 0 : -FI_EINVAL;
}

int Insertion::insert(const Address& inserted) {
  const bool identified = (flags_ & FI_AV_USER_ID) != 0;
  const std::uint64_t address = av_.insert(inserted, identified ? addresses_ + position_ : nullptr);
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

void Insertion::add(int status, const Address& address) {
  if (status == 0) status = insert(address);
  if (status != 0) report_failure(status);
  if ((flags_ & FI_SYNC_ERR) != 0) static_cast<int*>(context_)[position_] = -status;
  ++position_;
}

int Insertion::finish() {
  if (!av_.asynchronous()) return static_cast<int>(inserted_);
  av_.event_queue()->post(FI_AV_COMPLETE, {.fid = &av_.fid, .context = context_, .data = inserted_});
  return 0;
}

// What fi_av_insertsym(3) describes; node or service may be missing.
struct Sequence {
  const char* node;
  std::size_t nodes;
  const char* service;
  std::size_t services;
};

// Whether a sequence of `count` can begin with `text`: one does with anything.
bool is_sequence(const char* text, std::size_t count) noexcept {
  char last[kHostSize];
  return count <= 1 || (text != nullptr && advance_text(text, count - 1, last, sizeof(last)));
}

int find_member(const Av& av, const Sequence& all, std::size_t node, std::size_t service, Address* address) {
  char node_text[kHostSize];
  char service_text[kNameSize];
  const bool named = (all.node == nullptr || advance_text(all.node, node, node_text, sizeof(node_text))) &&
                     (all.service == nullptr || advance_text(all.service, service, service_text, sizeof(service_text)));
  if (!named) return -EINVAL;
  const ServiceQuery query{.node = all.node ? node_text : nullptr, .service = all.service ? service_text : nullptr};
  return resolve(av.domain().address_format(), query, address);
}

int insert_sequence(const Av& av, const Sequence& all, Insertion insertion) noexcept {
  return guarded([&] {
    const int status = insertion.check();
    if (status != 0) return status;
    for (std::size_t node = 0; node < all.nodes; ++node) {
      for (std::size_t service = 0; service < all.services; ++service) {
        Address address;
        const int outcome = find_member(av, all, node, service, &address);
        insertion.add(outcome, address);
      }
    }
    return insertion.finish();
  });
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
      Address address;
      const int outcome = list.next(&address);
      insertion.add(outcome, address);
    }
    return insertion.finish();
  });
}

int av_insertsvc(fid_av* descriptor, const char* node, const char* service, fi_addr_t* fi_addr, std::uint64_t flags,
                 void* context) noexcept {
  if (node == nullptr && service == nullptr) return -FI_EINVAL;
  return insert_sequence(Av::from(descriptor), {node, 1, service, 1},
                         Insertion(Av::from(descriptor), fi_addr, flags, context));
}

int av_insertsym(fid_av* descriptor, const char* node, std::size_t nodecnt, const char* service, std::size_t svccnt,
                 fi_addr_t* fi_addr, std::uint64_t flags, void* context) noexcept {
  if (node == nullptr || !is_sequence(node, nodecnt) || !is_sequence(service, svccnt)) return -FI_EINVAL;
  return insert_sequence(Av::from(descriptor), {node, nodecnt, service, svccnt},
                         Insertion(Av::from(descriptor), fi_addr, flags, context));
}

}  // namespace anchor
