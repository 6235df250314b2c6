// SPDX-License-Identifier: BSD-2-Clause
// Whether a peer lives, and what many or hostile ones cost.
#include <criterion/criterion.h>
#include <sys/resource.h>

#include <cerrno>
#include <vector>

#include "../os/log_capture.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(shm_remote_region_life, knows_whether_its_owner_lives) {
  ShmPlace place;
  Child owner = place.owner_elsewhere("a");
  cr_assert(owner.await());
  const auto peer = place.attached("a");
  Mapping mapping;
  cr_assert_eq(peer->map(0, kPageSize, &mapping), 0);
  cr_assert(peer->alive());
  owner.kill();
  cr_assert_not(peer->alive());
  cr_assert(mapping.data()[5] == std::byte{'h'}, "what is mapped stays readable");
  const auto successor = place.published("a");
  cr_assert_not(peer->alive(), "another owner of the name is another region");
  Mapping second;
  cr_assert_eq(peer->map(0, kPageSize, &second), -ENOENT);
  cr_assert_eq(peer->claim_contact(0), -ENOENT);
}

Test(shm_remote_region_life, a_closed_one_is_dead) {
  ShmPlace place;
  auto region = place.published("a");
  const auto peer = place.attached("a");
  cr_assert(peer->alive(), "an owner in the same process counts");
  region.reset();
  cr_assert_not(peer->alive());
}

Test(shm_remote_region_life, dies_with_its_owner_though_the_owners_child_lives) {
  ShmPlace place;
  Child owner([&](const Meeting& meeting) {
    const auto region = place.published("a");
    if (::fork() == 0) {
      meeting.tell();
      meeting.await();
      ::_exit(0);
    }
    sleep_for_ever();
    return 0;
  });
  cr_assert(owner.await());
  const auto peer = place.attached("a");
  cr_assert(peer->alive());
  owner.kill();
  cr_assert_not(peer->alive());
  cr_assert_eq(place.attach_error("a"), -EOWNERDEAD);
  owner.tell();
}

Test(shm_remote_region_life, a_peer_that_cuts_its_file_is_dead_and_harmless) {
  ShmPlace place;
  Child owner = place.owner_elsewhere("a");
  cr_assert(owner.await());
  const auto peer = place.attached("a");
  Mapping mapping, other;
  cr_assert_eq(peer->map(0, kPageSize, &mapping), 0);
  cr_assert_eq(peer->map(kPageSize, kPageSize, &other), 0);
  owner.tell();
  volatile std::byte* const touched = mapping.data();
  while (!mapping.lost()) touched[8] = std::byte{1};
  cr_assert(owner.await());
  cr_assert(touched[5] == std::byte{0});
  cr_assert(other.lost(), "one region, one fate");
  cr_assert_not(peer->alive());
}

Test(shm_remote_region_life, a_cut_file_is_dead_before_it_is_touched) {
  ShmPlace place;
  Child owner = place.owner_elsewhere("a");
  cr_assert(owner.await());
  const auto peer = place.attached("a");
  Mapping mapping;
  cr_assert_eq(peer->map(0, kPageSize, &mapping), 0);
  owner.tell();
  cr_assert(owner.await());
  cr_assert_not(mapping.lost());
  cr_assert_not(peer->alive());
}

Test(shm_remote_region_life, five_hundred_of_them_need_no_descriptors) {
  ShmPlace place;
  const rlimit limit{256, 256};
  cr_assert_eq(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  constexpr int kOwners = 4, kEach = 125;
  std::vector<Child> owners;
  for (int owner = 0; owner < kOwners; ++owner) {
    owners.emplace_back([&place, owner](const Meeting& meeting) {
      std::vector<std::unique_ptr<LocalRegion>> regions;
      for (int i = 0; i < kEach; ++i) regions.push_back(place.published(std::to_string(owner * kEach + i)));
      meeting.tell();
      meeting.await();
      return regions.back() != nullptr ? 0 : 1;
    });
    cr_assert(owners.back().await());
  }
  const std::size_t before = open_descriptors();
  std::vector<std::unique_ptr<RemoteRegion>> peers;
  std::vector<Mapping> mappings(kOwners * kEach);
  for (int i = 0; i < kOwners * kEach; ++i) {
    peers.push_back(place.attached(std::to_string(i)));
    cr_assert_not_null(peers.back().get());
    cr_assert_eq(peers.back()->claim_contact(0), 0);
    cr_assert_eq(peers.back()->map(0, kPageSize, &mappings[i]), 0);
    peers.back()->release_contact();
  }
  for (const auto& peer : peers) cr_assert(peer->alive());
  cr_assert_eq(open_descriptors(), before);
  for (auto& owner : owners) {
    owner.tell();
    cr_assert_eq(owner.join(), 0);
  }
  for (const auto& peer : peers) cr_assert_not(peer->alive());
}

Test(shm_remote_region_life, without_descriptors_nobody_is_declared_dead) {
  const LogCapture log;
  ShmPlace place;
  auto region = place.published("a");
  // A sanitizer that meets a type for the first time needs descriptors itself.
  cr_assert_eq(place.attach_error("b"), -ENOENT);
  place.attached("a").reset();
  place.published("c").reset();
  const auto peer = place.attached("a");
  rlimit before{};
  cr_assert_eq(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  cr_assert_eq(::setrlimit(RLIMIT_NOFILE, &none), 0);
  cr_assert_eq(place.attach_error("a"), -EAGAIN);
  cr_assert_eq(peer->claim_contact(0), -EAGAIN);
  Mapping mapping;
  cr_assert_eq(peer->map(0, kPageSize, &mapping), -EAGAIN);
  cr_assert(log.warned_of("ulimit -n"));
  cr_assert_eq(log.warnings(), 1, "of one shortage");
  cr_assert(peer->alive());
  region.reset();
  cr_assert_not(peer->alive(), "a name that is gone needs no descriptor");
  ::setrlimit(RLIMIT_NOFILE, &before);
}
