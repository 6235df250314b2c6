// SPDX-License-Identifier: BSD-2-Clause
// Address vectors: what insertion returns, what lookup gives back, and what becomes of bad addresses.
#include <cstring>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

// Names of endpoints that need not exist: inserting asks nobody.
std::vector<Bytes> some_names(Node& node, int count) {
  std::vector<Bytes> names;
  const Bytes own = node.name();
  const std::size_t end = to_text(own).find('\0');
  REQUIRE(end != std::string::npos);
  for (int i = 0; i < count; ++i) {
    Bytes name = own;
    const std::string suffix = "x" + std::to_string(i);
    REQUIRE(end + suffix.size() < name.size());
    std::memcpy(name.data() + end, suffix.data(), suffix.size());
    names.push_back(name);
  }
  return names;
}

Bytes joined(const std::vector<Bytes>& names) {
  Bytes all;
  for (const Bytes& name : names) all.insert(all.end(), name.begin(), name.end());
  return all;
}

void check_lookup(fid_av* av, fi_addr_t address, const Bytes& want) {
  Bytes got(want.size() + 8, std::byte{0x5A});
  std::size_t length = got.size();
  if (!CHECK_OK(fi_av_lookup(av, address, got.data(), &length))) return;
  CHECK_EQ(length, want.size());
  got.resize(want.size());
  CHECK(got == want);
}

}  // namespace

TEST(av_table_counts_from_zero, .anchor_only = true) {
  Node node(team, {.av_type = FI_AV_TABLE});
  const std::vector<Bytes> names = some_names(node, 100);
  std::vector<fi_addr_t> addresses(names.size());
  CHECK_EQ(fi_av_insert(node.av(), joined(names).data(), 60, addresses.data(), 0, nullptr), 60);
  CHECK_EQ(fi_av_insert(node.av(), joined(names).data() + 60 * names[0].size(), 40, &addresses[60], FI_MORE, nullptr),
           40);
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK_EQ(addresses[i], i);
    check_lookup(node.av(), addresses[i], names[i]);
  }
}

// OpenSHMEM: no place for the results, because the index is the order of insertion.
TEST(av_table_without_results, .ranks = 2) {
  Node node(team, {.av_type = FI_AV_TABLE});
  for (const Bytes& name : team.gather(node.name())) {
    CHECK_EQ(fi_av_insert(node.av(), name.data(), 1, nullptr, 0, nullptr), 1);
  }
  char in = 0, out = static_cast<char>('a' + team.rank());
  node.submit([&] { return fi_recv(node.ep(), &in, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
  const fi_addr_t other = 1 - static_cast<fi_addr_t>(team.rank());
  node.submit([&] { return fi_send(node.ep(), &out, 1, nullptr, other, nullptr); });
  node.await_send();
  node.await_receive();
  CHECK_EQ(in, static_cast<char>('a' + 1 - team.rank()));
  team.barrier();
}

TEST(av_map_inserts_and_looks_up, .anchor_only = true) {
  Node node(team, {.av_type = FI_AV_MAP});
  const std::vector<Bytes> names = some_names(node, 100);
  std::vector<fi_addr_t> addresses(names.size(), FI_ADDR_NOTAVAIL);
  CHECK_EQ(fi_av_insert(node.av(), joined(names).data(), names.size(), addresses.data(), 0, nullptr), 100);
  for (std::size_t i = 0; i < names.size(); ++i) check_lookup(node.av(), addresses[i], names[i]);
}

TEST(av_unspecified_type_is_told, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  fi_av_attr attributes{};
  attributes.type = FI_AV_UNSPEC;
  Owned<fid_av> av;
  REQUIRE_OK(fi_av_open(open.domain.get(), &attributes, av.out(), nullptr));
  CHECK(attributes.type == FI_AV_MAP || attributes.type == FI_AV_TABLE);
}

TEST(av_insert_nothing, .anchor_only = true) {
  Node node(team);
  CHECK_EQ(fi_av_insert(node.av(), nullptr, 0, nullptr, 0, nullptr), 0);
}

TEST(av_lookup_truncates, .anchor_only = true) {
  Node node(team);
  const Bytes name = node.name();
  const fi_addr_t self = node.insert(name);
  Bytes part(name.size(), std::byte{0xEE});
  std::size_t length = 5;
  REQUIRE_OK(fi_av_lookup(node.av(), self, part.data(), &length));
  CHECK(length >= name.size() || !Team::provider_is_anchor());
  CHECK_EQ(std::memcmp(part.data(), name.data(), 5), 0);
  check_untouched(part.data() + 5, part.size() - 5, std::byte{0xEE});
}

TEST(av_lookup_of_unknown_address, .anchor_only = true) {
  Node node(team);
  const fi_addr_t self = node.insert(node.name());
  Bytes buffer(64);
  std::size_t length = buffer.size();
  for (const fi_addr_t unknown : {self + 1ull, self + (1ull << 31), self + (1ull << 32), ~0ull}) {
    CHECK(fi_av_lookup(node.av(), unknown, buffer.data(), &length) < 0);
  }
}

// A bad address among good ones costs itself only, and is reported where FI_SYNC_ERR asks for it.
TEST(av_bad_address_among_good_ones, .anchor_only = true) {
  Node node(team);
  std::vector<Bytes> names = some_names(node, 3);
  names[1].assign(names[1].size(), std::byte{0});
  std::vector<fi_addr_t> addresses(3, 0);
  CHECK_EQ(fi_av_insert(node.av(), joined(names).data(), 3, addresses.data(), 0, nullptr), 2);
  CHECK_EQ(addresses[1], FI_ADDR_NOTAVAIL);
  check_lookup(node.av(), addresses[0], names[0]);
  check_lookup(node.av(), addresses[2], names[2]);
}

TEST(av_errors_one_by_one, .anchor_only = true) {
  Node node(team);
  std::vector<Bytes> names = some_names(node, 3);
  std::memset(names[2].data(), 0xFF, names[2].size());
  std::vector<fi_addr_t> addresses(3, 0);
  int errors[3] = {-1, -1, -1};
  CHECK_EQ(fi_av_insert(node.av(), joined(names).data(), 3, addresses.data(), FI_SYNC_ERR, errors), 2);
  CHECK_EQ(errors[0], 0);
  CHECK_EQ(errors[1], 0);
  CHECK(errors[2] > 0);
}

TEST(av_refuses_unknown_flags, .anchor_only = true) {
  Node node(team);
  const Bytes name = node.name();
  fi_addr_t address = 0;
  CHECK(fi_av_insert(node.av(), name.data(), 1, &address, FI_DISCARD, nullptr) < 0);
}

// MPICH tries a shared, named vector for reading; success would be dereferenced as a shared array.
TEST(av_named_for_reading_is_refused, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  fi_av_attr attributes{};
  attributes.type = FI_AV_TABLE;
  attributes.name = const_cast<char*>("FI_NAMED_AV_0");
  attributes.flags = FI_READ;
  fid_av* av = nullptr;
  CHECK(fi_av_open(open.domain.get(), &attributes, &av, nullptr) < 0);
}

TEST(av_refuses_receive_contexts, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  fi_av_attr attributes{};
  attributes.type = FI_AV_MAP;
  attributes.rx_ctx_bits = 4;
  fid_av* av = nullptr;
  CHECK(fi_av_open(open.domain.get(), &attributes, &av, nullptr) < 0);
}

#ifdef FI_AV_USER_ID
// Completions name the source by the number that the application gave it.
TEST(av_user_id, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = FI_MSG | FI_SOURCE | FI_AV_USER_ID});
  const std::vector<Bytes> names = team.gather(node.name());
  fi_addr_t other = 0xABCDEF0000ull + static_cast<fi_addr_t>(1 - team.rank());
  CHECK_EQ(fi_av_insert(node.av(), names[1 - team.rank()].data(), 1, &other, FI_AV_USER_ID, nullptr), 1);
  char byte = 'u';
  node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
  node.submit([&] { return fi_inject(node.ep(), "v", 1, other); });
  CHECK_EQ(node.await_receive().source, 0xABCDEF0000ull + static_cast<fi_addr_t>(1 - team.rank()));
  team.barrier();
}
#endif

}  // namespace anchor::fabtests
