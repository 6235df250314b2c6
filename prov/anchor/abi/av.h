// SPDX-License-Identifier: BSD-2-Clause
// fi_av(3): an address vector, and the event queue it may report to.
//
// Thread-safe under every threading model: under FI_THREAD_COMPLETION, too, addresses may be inserted while endpoints
// that look peers up in it are at work.
#pragma once

#include <rdma/fi_domain.h>

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "abi/domain.h"
#include "abi/eq.h"
#include "abi/fid.h"
#include "abi/names.h"
#include "core/address_vector.h"

namespace anchor {

// How an application says what completions are to report in place of an fi_addr_t (FI_AV_USER_ID, fi_av(3)).
enum class UserIds {
  kNone,         // nobody asked for it
  kAtInsertion,  // those that come without one are reported as themselves
  kByCall,       // fi_av_set_user_id(3) of libfabric 1.20: until then an address is reported as unknown
};

class Av final : public fid_av {
 public:
  Av(Domain& domain, const fi_av_attr& attr, fi_av_type type, void* context);
  Av(const Av&) = delete;
  Av& operator=(const Av&) = delete;

  static Av& from(fid_av* descriptor) noexcept { return static_cast<Av&>(*descriptor); }

  int bind(Eq& eq, std::uint64_t flags) noexcept;

  // One address, well formed. FI_ADDR_NOTAVAIL when there is no memory. `user_id`: what to report in its place,
  // nullptr: itself.
  std::uint64_t insert(const Address& address, const std::uint64_t* user_id) noexcept;
  int set_user_id(std::uint64_t address, std::uint64_t id) noexcept;  // -FI_EINVAL: not there
  int remove(std::uint64_t address) noexcept;                         // -FI_EINVAL: not there
  int lookup(std::uint64_t address, Address* found) const noexcept;   // the address as inserted; -FI_EINVAL

  AddressVector& addresses() noexcept { return addresses_; }
  Domain& domain() const noexcept { return *domain_; }
  bool asynchronous() const noexcept { return asynchronous_; }
  Eq* event_queue() const noexcept { return event_queue_.get(); }
  UserIds user_ids() const noexcept { return user_ids_; }

  UseCount uses;

 private:
  AddressVector addresses_;
  Use<Domain> domain_;
  Use<Eq> event_queue_;
  const bool asynchronous_;
  const UserIds user_ids_;
  mutable std::mutex mutex_;
  // Addresses that are not what their name would say: this host's other IP addresses.
  std::unordered_map<std::uint64_t, Address> aliases_;
};

int open_address_vector(Domain& domain, fi_av_attr* attr, fid_av** av, void* context) noexcept;

// The operations that fill a vector (av_insert.cpp).
int av_insert(fid_av* av, const void* addr, std::size_t count, fi_addr_t* fi_addr, std::uint64_t flags,
              void* context) noexcept;
int av_insertsvc(fid_av* av, const char* node, const char* service, fi_addr_t* fi_addr, std::uint64_t flags,
                 void* context) noexcept;
int av_insertsym(fid_av* av, const char* node, std::size_t nodecnt, const char* service, std::size_t svccnt,
                 fi_addr_t* fi_addr, std::uint64_t flags, void* context) noexcept;

}  // namespace anchor
