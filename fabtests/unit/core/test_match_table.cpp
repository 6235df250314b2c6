// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <map>
#include <random>
#include <vector>

#include "core/match_table.h"
#include "failing_memory.h"

using namespace anchor;

namespace {

struct Element {
  unsigned key;
  std::uint64_t hash;  // chosen by the test, so that it can collide
  Links<Element> ring;
};

struct ElementRing {
  Links<Element>& operator()(Element* element) const { return element->ring; }
};

struct Table : MatchTable<Element, ElementRing> {
  bool add(Element& element) {
    return append(&element, element.hash, [&](const Element* other) { return other->key == element.key; });
  }
  Element* look(unsigned key, std::uint64_t hash) const {
    return find(hash, [&](const Element* other) { return other->key == key; });
  }
};

}  // namespace

Test(match_table, empty_finds_nothing) {
  Table table;
  cr_assert_null(table.look(1, 1));
  cr_assert(table.empty());
  table.clear();
}

Test(match_table, keys_with_one_hash_stay_apart) {
  Table table;
  Element a{1, 77, {}}, b{2, 77, {}}, c{1, 77, {}};
  cr_assert(table.add(a) && table.add(b) && table.add(c));
  cr_assert_eq(table.look(1, 77), &a);
  cr_assert_eq(table.look(2, 77), &b);
  table.remove(&a, 77);
  cr_assert_eq(table.look(1, 77), &c);
  table.remove(&c, 77);
  cr_assert_null(table.look(1, 77));
  cr_assert_eq(table.look(2, 77), &b);
}

// Hashes that fall on the same few slots, over the end of the table too: removal must never hide an element.
Test(match_table, removal_closes_gaps) {
  std::mt19937 random(11);
  for (unsigned round = 0; round < 200; ++round) {
    Table table;
    std::vector<Element> elements(10);
    for (unsigned i = 0; i < elements.size(); ++i) {
      elements[i] = {i, 14 + random() % 4 + (random() % 3 << 8), {}};
      cr_assert(table.add(elements[i]));
    }
    while (!elements.empty()) {
      table.remove(&elements.back(), elements.back().hash);
      const Element gone = elements.back();
      elements.pop_back();
      cr_assert_null(table.look(gone.key, gone.hash));
      for (Element& element : elements) cr_assert_eq(table.look(element.key, element.hash), &element);
    }
    cr_assert(table.empty());
  }
}

Test(match_table, grows_and_keeps_everything) {
  Table table;
  const MatchHash hash{1, ~0ull / 3};
  std::vector<Element> elements(5000);
  for (unsigned i = 0; i < elements.size(); ++i) {
    elements[i] = {i, hash(0, i), {}};
    cr_assert(table.add(elements[i]));
  }
  for (Element& element : elements) cr_assert_eq(table.look(element.key, element.hash), &element);
  cr_assert_eq(table.capacity(), 8192u);
  table.clear();
  cr_assert(table.empty());
  for (Element& element : elements) cr_assert_null(table.look(element.key, element.hash));
}

Test(match_table, without_memory_it_fills_up_and_refuses) {
  Table table;
  std::vector<Element> elements(20);
  for (unsigned i = 0; i < elements.size(); ++i) elements[i] = {i, i * 3ull, {}};
  test::memory_exhausted = true;
  cr_assert_not(table.add(elements[0]));
  test::memory_exhausted = false;
  cr_assert(table.add(elements[0]));
  test::memory_exhausted = true;
  unsigned taken = 1;
  while (taken < elements.size() && table.add(elements[taken])) ++taken;
  cr_assert_eq(taken, table.capacity() - 1);
  cr_assert_null(table.look(999, 5));
  Element twin{0, 0, {}};
  cr_assert(table.add(twin), "a known key needs no slot");
  for (unsigned i = 0; i < taken; ++i) cr_assert_eq(table.look(i, i * 3ull), &elements[i]);
}

Test(match_table, hash_spreads_counting_tags_and_sources) {
  const MatchHash hash{0x1234'5678'9abc'def0, 0xfedc'ba98'7654'3211};
  std::map<std::uint64_t, unsigned> low_bits;
  unsigned fullest = 0;
  for (std::uint32_t source = 0; source < 64; ++source) {
    for (std::uint64_t tag = 0; tag < 64; ++tag)
      fullest = std::max(fullest, ++low_bits[hash(source, tag << 32) % 4096]);
  }
  cr_assert_gt(low_bits.size(), 2000u, "%zu slots hit by 4096 keys", low_bits.size());
  cr_assert_lt(fullest, 16u);
}
