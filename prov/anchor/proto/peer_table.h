// SPDX-License-Identifier: BSD-2-Clause
// The peers of one endpoint: by fi_addr_t (each send), by number (matching) and by name (connection set-up).
// Owns them. Used under the endpoint's lock.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/address_vector.h"
#include "os/endpoint_name.h"
#include "proto/peer.h"

namespace anchor {

class PeerTable {
 public:
  void bind(const AddressVector* addresses) noexcept { addresses_ = addresses; }

  // Whether catch_up() has nothing to do.
  bool up_to_date() const noexcept { return addresses_ == nullptr || addresses_->version() == version_; }

  // Takes over what was inserted into the address vector or removed from it since; whether there was anything. To be
  // called before a request is taken on, and before a message is.
  bool catch_up() noexcept {
    if (up_to_date()) [[likely]]
      return false;
    look_again();
    return true;
  }

  // The peer an address leads to, nullptr if the address is not in the address vector.
  Peer* at_address(std::uint64_t address) {
    Peer* met = met_at(address);
    return met != nullptr ? met : resolve(address);
  }
  // The same for an address that was asked for before; nullptr: ask at_address().
  Peer* met_at(std::uint64_t address) const noexcept {
    const auto index = static_cast<std::uint32_t>(address);
    return index < by_address_.size() && by_address_[index].address == address ? by_address_[index].peer : nullptr;
  }

  // What completions say in place of an address.
  std::uint64_t reported(std::uint64_t address) const noexcept {
    return addresses_ != nullptr ? addresses_->reported(address) : address;
  }

  Peer& with_name(const EndpointName& name);
  // Removes a peer that nothing refers to any more.
  void retire(Peer& peer);

  std::size_t size() const noexcept { return peers_.size(); }  // numbers in use are below this
  // All peers. They may be retired meanwhile; others that are added may be passed over.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t number = 0; number < size(); ++number)
      if (Peer* peer = numbered(number)) visit(*peer);
  }
  Peer* numbered(std::size_t number) const noexcept { return peers_[number].get(); }  // nullptr: a free number

 private:
  struct Entry {
    std::uint64_t address = kAnyAddress;
    Peer* peer = nullptr;
  };

  Peer* resolve(std::uint64_t address);
  void look_again() noexcept;
  void identify(Peer& peer) const noexcept;

  std::vector<Entry> by_address_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::uint32_t> free_numbers_;
  std::unordered_map<EndpointName, Peer*, EndpointNameHash> by_name_;
  const AddressVector* addresses_ = nullptr;
  std::uint64_t version_ = 0;  // of the address vector, as far as it is known here
};

}  // namespace anchor
