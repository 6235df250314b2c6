// SPDX-License-Identifier: BSD-2-Clause
#include "proto/peer_table.h"

#include <algorithm>

namespace anchor {

Peer* PeerTable::resolve(std::uint64_t address) {
  EndpointName name;
  if (addresses_ == nullptr || address == kAnyAddress || addresses_->lookup(address, &name) != 0) return nullptr;
  Peer& peer = with_name(name);
  const auto index = static_cast<std::uint32_t>(address);
  if (index >= by_address_.size()) by_address_.resize(index + 1);
  by_address_[index] = {address, &peer};
  return &peer;
}

Peer& PeerTable::with_name(const EndpointName& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) return *found->second;
  auto peer = std::make_unique<Peer>();
  peer->name = name;
  identify(*peer);
  if (free_numbers_.empty()) {
    peer->number = static_cast<std::uint32_t>(peers_.size());
    peers_.emplace_back();
  } else {
    peer->number = free_numbers_.back();
    free_numbers_.pop_back();
  }
  Peer& made = *peer;
  peers_[made.number] = std::move(peer);
  by_name_.emplace(name, &made);
  return made;
}

void PeerTable::look_again() noexcept {
  version_ = addresses_->version();  // first: a change that comes in between is seen again
  for (Entry& entry : by_address_) {
    EndpointName name;
    if (entry.peer != nullptr && (addresses_->lookup(entry.address, &name) != 0 || name != entry.peer->name))
      entry = {};
  }
  for (const auto& peer : peers_)
    if (peer != nullptr) identify(*peer);
}

void PeerTable::identify(Peer& peer) const noexcept {
  if (addresses_ == nullptr) return;
  peer.address = addresses_->find(peer.name);
  peer.reported = addresses_->reported(peer.address);
}

void PeerTable::retire(Peer& peer) {
  for (Entry& entry : by_address_)
    if (entry.peer == &peer) entry = {};
  by_name_.erase(peer.name);
  const std::uint32_t number = peer.number;
  peers_[number].reset();
  free_numbers_.push_back(number);
}

}  // namespace anchor
