// SPDX-License-Identifier: BSD-2-Clause
// What several processes do to one directory at the same time.
#include <criterion/criterion.h>
#include <fcntl.h>

#include <cerrno>
#include <vector>

#include "../os/log_capture.h"
#include "os/unique_fd.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr int kProcesses = 8;

// All of them start when the last one is there.
template <class Body>
std::vector<Child> start_together(int count, Body body) {
  std::vector<Child> children;
  for (int i = 0; i < count; ++i) {
    children.emplace_back([&body, i](const Meeting& meeting) {
      meeting.tell();
      meeting.await();
      return body(meeting, i);
    });
    cr_assert(children.back().await());
  }
  for (const auto& child : children) child.tell();
  return children;
}

// Takes one name, holds it until everybody has tried. 0: won; 1: lost; anything else is wrong.
int contend(ShmPlace& place, const Meeting& meeting, const std::string& name) {
  const auto region = place.unpublished(name);
  if (region == nullptr) return 2;
  const int error = region->publish();
  meeting.tell();
  meeting.await();
  if (error != 0) return error == -EADDRINUSE ? 1 : 3;
  const auto peer = place.attached(name);
  return peer != nullptr && peer->alive() ? 0 : 4;
}

void expect_one_winner(ShmPlace& place) {
  const auto body = [&place](const Meeting& meeting, int) { return contend(place, meeting, "contended"); };
  auto children = start_together(kProcesses, body);
  for (const auto& child : children) cr_assert(child.await());
  for (const auto& child : children) child.tell();
  int winners = 0;
  for (auto& child : children) {
    const int result = child.join();
    cr_assert(result == 0 || result == 1, "%d", result);
    winners += result == 0;
  }
  cr_assert_eq(winners, 1);
  cr_assert_eq(place.scratch.entries(), 0);
}

}  // namespace

Test(shm_device, refuses_nonsense) {
  ShmPlace place;
  std::unique_ptr<LocalRegion> region;
  cr_assert_eq(place.device.create(EndpointName{}, kPageSize, &region), -EINVAL);
  cr_assert_eq(place.device.create(named("a"), 0, &region), -EINVAL);
  cr_assert_eq(place.device.create(named("a"), 100, &region), -EINVAL);
  cr_assert_null(region.get());
}

Test(shm_device, names_the_directory_that_is_missing) {
  const LogCapture log;
  ShmSettings settings;
  settings.directory = "/nowhere/at/all";
  ShmDevice device(settings);
  std::unique_ptr<LocalRegion> region;
  cr_assert_eq(device.create(named("a"), kPageSize, &region), -ENOENT);
  cr_assert(log.warned_of("/nowhere/at/all"));
}

Test(shm_device, one_of_many_processes_gets_a_name) {
  ShmPlace place;
  for (int turn = 0; turn < 10; ++turn) expect_one_winner(place);
}

Test(shm_device, one_of_many_processes_gets_a_name_without_nameless_files) {
  ShmSettings settings;
  settings.nameless_files = false;
  ShmPlace place(settings);
  for (int turn = 0; turn < 10; ++turn) expect_one_winner(place);
}

Test(shm_device, one_of_many_processes_takes_a_dead_owners_name_over) {
  ShmPlace place;
  for (int turn = 0; turn < 10; ++turn) {
    place.leave_behind("contended");
    expect_one_winner(place);
  }
}

// Owners come, go, and are killed while everybody sweeps: nobody living ever loses the name, nobody dead keeps it.
static void sweep_and_create(const ShmSettings& settings) {
  ShmPlace place(settings);
  const auto body = [&place](const Meeting&, int self) {
    for (int turn = 0; turn < 60; ++turn) {
      const std::string name = "own-" + std::to_string(self);
      const auto region = place.published(name);
      if (region == nullptr) return 1;
      place.device.sweep();
      const auto peer = place.attached(name);
      if (peer == nullptr || !peer->alive()) return 2;
      if (turn % 4 != 0) continue;
      const std::string shared = "shared-" + std::to_string(turn % 3);
      Child passing([&](const Meeting& meeting) {
        const auto victim = place.published(shared);  // somebody else may have the name
        meeting.tell();
        sleep_for_ever();
        return 0;
      });
      if (!passing.await()) return 3;
      passing.kill();
    }
    return 0;
  };
  auto children = start_together(kProcesses, body);
  for (auto& child : children) cr_assert_eq(child.join(), 0);
  place.device.sweep();
  cr_assert_eq(place.scratch.entries(), 0);
}

Test(shm_device, sweeping_and_creating_at_the_same_time) { sweep_and_create({}); }

Test(shm_device, sweeping_and_creating_at_the_same_time_without_nameless_files) {
  ShmSettings settings;
  settings.nameless_files = false;
  sweep_and_create(settings);
}

// Everybody finds the same leftover at once and clears it up; whoever gets the name next must not lose it to somebody
// who is still about to clear up the leftover before it.
Test(shm_device, clearing_up_late_hits_no_successor) {
  ShmPlace place;
  const std::string path = place.path("a");
  const auto body = [&](const Meeting&, int) {
    for (int turn = 0; turn < 1000; ++turn) {
      // Without a lock a file is as dead as one whose owner was killed.
      { const UniqueFd leftover(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600)); }
      const auto region = place.unpublished("a");
      const int error = region->publish();
      if (error != 0 && error != -EADDRINUSE) return 1;
      if (error != 0) continue;
      const auto peer = place.attached("a");
      for (int look = 0; look < 5; ++look) {
        if (peer == nullptr || !peer->alive()) return 2;
      }
    }
    return 0;
  };
  auto children = start_together(kProcesses, body);
  for (auto& child : children) cr_assert_eq(child.join(), 0);
}

// A waiting peer attaches to whatever has the name; it must never get a dead owner's region, even while that is
// removed.
Test(shm_device, a_waiting_peer_never_attaches_to_the_dead) {
  ShmPlace place;
  Child owners([&](const Meeting& meeting) {
    for (int turn = 0; turn < 40; ++turn) {
      place.leave_behind("a");
      place.device.sweep();
    }
    const auto last = place.published("a");
    last->header()[0] = std::byte{'z'};
    meeting.tell();
    meeting.await();
    return 0;
  });
  // Every region but the last belongs to a process that lives only for a moment. One that was found alive and is dead
  // afterwards died in between, and its file can never be found again.
  std::unique_ptr<RemoteRegion> peer;
  Mapping header;
  while (header.data() == nullptr || header.data()[0] != std::byte{'z'}) {
    header = Mapping();
    const int error = place.device.attach(named("a"), &peer);
    cr_assert(error == 0 || error == -ENOENT || error == -EOWNERDEAD, "%d", error);
    if (error != 0) continue;
    const int mapped = peer->map(0, kPageSize, &header);
    cr_assert(mapped == 0 || mapped == -ENOENT, "%d", mapped);
    if (mapped == 0 && !peer->alive()) {
      std::unique_ptr<RemoteRegion> next;
      if (place.device.attach(named("a"), &next) == 0) cr_assert_not(peer->alive());
    }
  }
  cr_assert(peer->alive());
  owners.tell();
  cr_assert_eq(owners.join(), 0);
}
