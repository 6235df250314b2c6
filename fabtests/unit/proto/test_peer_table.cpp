// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/peer_table.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Table {
  Table() { peers.bind(&addresses); }

  AddressVector addresses{AddressVector::Kind::kMap, 4};
  PeerTable peers;
};

}  // namespace

Test(peer_table, an_address_leads_to_the_peer_of_its_name) {
  Table table;
  const std::uint64_t a = table.addresses.insert(named("a")), b = table.addresses.insert(named("b"));
  Peer* found = table.peers.at_address(b);
  cr_assert_eq(found, &table.peers.with_name(named("b")));
  cr_assert_eq(found->address, b);
  cr_assert_eq(table.peers.at_address(b), found);
  cr_assert_neq(table.peers.at_address(a), found);
  cr_assert_eq(table.peers.size(), 2u);
}

Test(peer_table, knows_whom_it_met_and_whether_that_is_still_so) {
  Table table;
  const std::uint64_t a = table.addresses.insert(named("a"));
  cr_assert_not(table.peers.up_to_date());
  table.peers.catch_up();
  cr_assert(table.peers.up_to_date());
  cr_assert_null(table.peers.met_at(a), "not asked for yet");
  Peer* peer = table.peers.at_address(a);
  cr_assert_eq(table.peers.met_at(a), peer);
  cr_assert_null(table.peers.met_at(a + 1));
  cr_assert_null(table.peers.met_at(kAnyAddress));
  cr_assert_eq(table.addresses.remove(a), 0);
  cr_assert_not(table.peers.up_to_date());
  table.peers.catch_up();
  cr_assert_null(table.peers.met_at(a));
}

Test(peer_table, unknown_addresses_lead_nowhere) {
  Table table;
  const std::uint64_t a = table.addresses.insert(named("a"));
  cr_assert_null(table.peers.at_address(a + 1));
  cr_assert_null(table.peers.at_address(a | 1ull << 32));
  cr_assert_null(table.peers.at_address(kAnyAddress));
  PeerTable unbound;
  cr_assert_null(unbound.at_address(0));
}

Test(peer_table, two_addresses_of_one_name_are_one_peer_known_by_the_lower) {
  Table table;
  const std::uint64_t low = table.addresses.insert(named("a")), high = table.addresses.insert(named("a"));
  Peer* peer = table.peers.at_address(high);
  cr_assert_eq(table.peers.at_address(low), peer);
  cr_assert_eq(peer->address, low);
  cr_assert_eq(table.addresses.remove(low), 0);
  table.peers.catch_up();
  cr_assert_eq(peer->address, high);
  cr_assert_null(table.peers.at_address(low));
  cr_assert_eq(table.peers.at_address(high), peer);
}

Test(peer_table, a_peer_is_reported_by_the_identifier_of_its_address) {
  Table table;
  const std::uint64_t id = 77;
  const std::uint64_t address = table.addresses.insert(named("a"), &id);
  const Peer* peer = table.peers.at_address(address);
  cr_assert(peer->address == address && peer->reported == 77);
  cr_assert_eq(table.addresses.set_user_id(address, kAnyAddress), 0);
  table.peers.catch_up();
  cr_assert(peer->address == address && peer->reported == kAnyAddress);
  cr_assert_eq(table.addresses.remove(address), 0);
  table.peers.catch_up();
  cr_assert(peer->address == kAnyAddress && peer->reported == kAnyAddress);
}

Test(peer_table, an_address_reused_for_another_name_leads_there) {
  Table table;
  const std::uint64_t old = table.addresses.insert(named("a"));
  Peer* former = table.peers.at_address(old);
  cr_assert_eq(table.addresses.remove(old), 0);
  table.peers.catch_up();
  cr_assert_eq(former->address, kAnyAddress);
  const std::uint64_t next = table.addresses.insert(named("b"));
  cr_assert_neq(table.peers.at_address(next), former);
  cr_assert_null(table.peers.at_address(old));
}

Test(peer_table, a_place_in_a_table_reused_for_another_name_leads_there) {
  AddressVector addresses(AddressVector::Kind::kTable, 4);
  PeerTable peers;
  peers.bind(&addresses);
  const std::uint64_t place = addresses.insert(named("a"));
  Peer* former = peers.at_address(place);
  cr_assert_eq(addresses.remove(place), 0);
  cr_assert_eq(addresses.insert(named("b")), place);
  peers.catch_up();
  cr_assert_eq(former->address, kAnyAddress);
  cr_assert_eq(peers.at_address(place), &peers.with_name(named("b")));
}

Test(peer_table, a_peer_heard_from_before_learns_its_address) {
  Table table;
  Peer& heard = table.peers.with_name(named("a"));
  cr_assert_eq(heard.address, kAnyAddress);
  const std::uint64_t address = table.addresses.insert(named("a"));
  table.peers.catch_up();
  cr_assert_eq(heard.address, address);
  table.addresses.insert(named("a"));
  table.addresses.insert(named("unheard of"));
  table.peers.catch_up();
  cr_assert_eq(heard.address, address);
  cr_assert_eq(table.peers.size(), 1u);
}

Test(peer_table, numbers_are_used_again) {
  Table table;
  Peer& first = table.peers.with_name(named("a"));
  Peer& second = table.peers.with_name(named("b"));
  cr_assert_eq(first.number, 0u);
  cr_assert_eq(second.number, 1u);
  table.peers.retire(first);
  cr_assert_null(table.peers.numbered(0));
  cr_assert_eq(table.peers.with_name(named("c")).number, 0u);
  cr_assert_eq(table.peers.with_name(named("a")).number, 2u);
  cr_assert_eq(table.peers.numbered(1), &second);
}

Test(peer_table, all_are_visited_though_some_are_retired_meanwhile) {
  Table table;
  for (const char* name : {"a", "b", "c", "d"}) table.peers.with_name(named(name));
  table.peers.retire(*table.peers.numbered(1));
  std::vector<std::uint32_t> seen;
  table.peers.for_each([&](Peer& peer) {
    seen.push_back(peer.number);
    if (peer.number != 3) table.peers.retire(peer);
  });
  cr_assert(seen == std::vector<std::uint32_t>({0, 2, 3}));
  cr_assert_eq(&table.peers.with_name(named("d")), table.peers.numbered(3));
}

Test(peer_table, a_retired_peer_is_found_anew) {
  Table table;
  const std::uint64_t a = table.addresses.insert(named("a"));
  table.peers.at_address(a)->gone = true;
  table.peers.retire(*table.peers.at_address(a));
  cr_assert_not(table.peers.at_address(a)->gone);
}
