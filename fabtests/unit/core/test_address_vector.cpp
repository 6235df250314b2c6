// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <map>
#include <random>
#include <string>

#include "core/address_vector.h"
#include "core/work_request.h"

using namespace anchor;

namespace {

EndpointName name_of(unsigned number) { return EndpointName::from("anchor://peer-" + std::to_string(number)); }

}  // namespace

Test(address_vector, gives_insertion_order_and_finds_both_ways) {
  for (auto kind : {AddressVector::Kind::kMap, AddressVector::Kind::kTable}) {
    AddressVector addresses(kind, 10);
    for (unsigned i = 0; i < 100; ++i) cr_assert_eq(addresses.insert(name_of(i)), i);
    cr_assert_eq(addresses.count(), 100u);
    for (unsigned i = 0; i < 100; ++i) {
      EndpointName name;
      cr_assert_eq(addresses.lookup(i, &name), 0);
      cr_assert(name == name_of(i));
      cr_assert_eq(addresses.find(name), i);
    }
    cr_assert_eq(addresses.find(name_of(100)), kAnyAddress);
  }
}

Test(address_vector, unknown_addresses_are_refused) {
  AddressVector addresses(AddressVector::Kind::kMap, 0);
  EndpointName name = name_of(5);
  cr_assert_eq(addresses.insert(name_of(0)), 0u);
  for (std::uint64_t address : {std::uint64_t{1}, std::uint64_t{1} << 32, kAnyAddress}) {
    cr_assert_eq(addresses.lookup(address, &name), -ENOENT);
    cr_assert_eq(addresses.remove(address), -ENOENT);
  }
  cr_assert(name == name_of(5), "outputs are set only on success");
}

Test(address_vector, a_map_recognises_a_removed_address) {
  AddressVector addresses(AddressVector::Kind::kMap, 0);
  const std::uint64_t first = addresses.insert(name_of(0));
  cr_assert_eq(addresses.remove(first), 0);
  cr_assert_eq(addresses.remove(first), -ENOENT);
  const std::uint64_t second = addresses.insert(name_of(1));
  cr_assert_eq(second, first | 1ull << 32);
  EndpointName name;
  cr_assert_eq(addresses.lookup(first, &name), -ENOENT);
  cr_assert_eq(addresses.lookup(second, &name), 0);
  cr_assert_eq(addresses.find(name_of(0)), kAnyAddress);
}

Test(address_vector, a_table_reuses_the_index_itself) {
  AddressVector addresses(AddressVector::Kind::kTable, 0);
  for (unsigned i = 0; i < 4; ++i) addresses.insert(name_of(i));
  cr_assert_eq(addresses.remove(3), 0);
  cr_assert_eq(addresses.remove(1), 0);
  cr_assert_eq(addresses.insert(name_of(10)), 1u, "the lowest free slot");
  cr_assert_eq(addresses.insert(name_of(11)), 3u);
  cr_assert_eq(addresses.insert(name_of(12)), 4u);
}

Test(address_vector, a_name_inserted_twice_is_found_at_its_lowest_slot) {
  AddressVector addresses(AddressVector::Kind::kTable, 0);
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(addresses.insert(name_of(7)), i);
  cr_assert_eq(addresses.find(name_of(7)), 0u);
  cr_assert_eq(addresses.remove(0), 0);
  cr_assert_eq(addresses.find(name_of(7)), 1u);
  cr_assert_eq(addresses.insert(name_of(7)), 0u);
  cr_assert_eq(addresses.find(name_of(7)), 0u);
}

Test(address_vector, a_user_identifier_stands_for_its_address) {
  AddressVector addresses(AddressVector::Kind::kTable, 0);
  const std::uint64_t id = 77;
  const std::uint64_t plain = addresses.insert(name_of(0)), named = addresses.insert(name_of(1), &id);
  cr_assert_eq(addresses.reported(plain), plain);
  cr_assert_eq(addresses.reported(named), 77u);
  const std::uint64_t before = addresses.version();
  cr_assert_eq(addresses.set_user_id(named, 78), 0);
  cr_assert_neq(addresses.version(), before, "who knows it has to look again");
  cr_assert_eq(addresses.reported(named), 78u);
  cr_assert_eq(addresses.remove(named), 0);
  cr_assert_eq(addresses.reported(named), named);
  cr_assert_eq(addresses.set_user_id(named, 79), -ENOENT);
  cr_assert_eq(addresses.insert(name_of(2)), named);
  cr_assert_eq(addresses.reported(named), named, "an identifier goes with its address");
  cr_assert_eq(addresses.reported(kAnyAddress), kAnyAddress);
}

Test(address_vector, random_use_agrees_with_a_plain_map) {
  std::mt19937 random(3);
  AddressVector addresses(AddressVector::Kind::kMap, 0);
  std::map<std::uint32_t, std::pair<std::uint64_t, unsigned>> expected;  // index: address, name
  for (unsigned step = 0; step < 20'000; ++step) {
    const unsigned number = random() % 60;
    if (random() % 2 == 0 && expected.size() < 200) {
      std::uint32_t lowest = 0;
      while (expected.contains(lowest)) ++lowest;
      const std::uint64_t address = addresses.insert(name_of(number));
      cr_assert_eq(static_cast<std::uint32_t>(address), lowest);
      expected[lowest] = {address, number};
    } else if (!expected.empty()) {
      const auto victim = std::next(expected.begin(), random() % expected.size());
      cr_assert_eq(addresses.remove(victim->second.first), 0);
      expected.erase(victim);
    }
    std::uint64_t lowest_address = kAnyAddress;
    for (const auto& [index, entry] : expected) {
      if (entry.second == number && lowest_address == kAnyAddress) lowest_address = entry.first;
    }
    cr_assert_eq(addresses.find(name_of(number)), lowest_address);
    cr_assert_eq(addresses.count(), expected.size());
  }
}
