// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <vector>

#include "../os/log_capture.h"
#include "dma/shm_wait_pipe.h"
#include "os/unique_fd.h"
#include "shm_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool readable(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

unsigned files_in(const std::string& directory) {
  unsigned count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

// The owner of "a", with its pipe.
Child sleeper_elsewhere(ShmPlace& place) {
  return Child([&](const Meeting& meeting) {
    const auto region = place.published("a");
    if (region == nullptr || region->wait_object() < 0) return 1;
    meeting.tell();
    meeting.await();
    return 0;
  });
}

}  // namespace

Test(shm_wait_pipe, its_name_tells_whose_it_is) {
  const std::string path = wait_pipe_path("/d/anchor-0-x", FileIdentity{1, 77});
  cr_assert(path == "/d/anchor-0-x+77");
  std::string_view number;
  cr_assert(owner_of_wait_pipe(path, &number) == "/d/anchor-0-x" && number == "77");
  cr_assert(owner_of_wait_pipe("/d/anchor-0-x", &number).empty());
  cr_assert_eq(region_path("/d", named("a+7")).find('+'), std::string::npos);
}

Test(shm_wait_pipe, a_peer_wakes_the_owner_until_it_drains) {
  ShmPlace place;
  const auto owner = place.published("a");
  const auto peer = place.attached("a");
  const int fd = owner->wait_object();
  cr_assert_geq(fd, 0);
  cr_assert_eq(owner->wait_object(), fd);
  cr_assert_not(readable(fd));
  cr_assert_eq(peer->wake(), 0);
  cr_assert_eq(peer->wake(), 0);
  cr_assert(readable(fd));
  owner->drain_wakes();
  cr_assert_not(readable(fd));
  cr_assert_eq(owner->wake(), 0);
  cr_assert(readable(fd));
}

Test(shm_wait_pipe, one_that_is_full_holds_up_nobody) {
  ShmPlace place;
  const auto owner = place.published("a");
  const auto peer = place.attached("a");
  const int fd = owner->wait_object();
  for (unsigned i = 0; i < 200'000; ++i) cr_assert_eq(peer->wake(), 0);
  owner->drain_wakes();
  cr_assert_not(readable(fd));
}

Test(shm_wait_pipe, there_is_none_before_it_is_asked_for_and_none_after_its_owner_left) {
  ShmPlace place;
  auto owner = place.published("a");
  const auto peer = place.attached("a");
  cr_assert_eq(peer->wake(), -ENOENT);
  cr_assert_eq(files_in(place.scratch.path()), 1u);
  cr_assert_geq(owner->wait_object(), 0);
  cr_assert_eq(files_in(place.scratch.path()), 2u);
  owner.reset();
  cr_assert_eq(files_in(place.scratch.path()), 0u);
}

// SIGPIPE would end the test.
Test(shm_wait_pipe, waking_the_dead_does_no_harm) {
  ShmPlace place;
  auto owner = place.published("a");
  const auto peer = place.attached("a");
  cr_assert_geq(owner->wait_object(), 0);
  cr_assert_eq(peer->wake(), 0);
  owner.reset();
  cr_assert_eq(peer->wake(), -EPIPE);
}

Test(shm_wait_pipe, its_owners_death_is_told_to_all_who_watch) {
  ShmPlace place;
  Child owner = sleeper_elsewhere(place);
  cr_assert(owner.await());
  const auto one = place.published("b"), other = place.published("c");
  const auto peer = place.attached("a"), to_other = place.attached("a");
  cr_assert_eq(peer->watch_with(one->death_notices(), 7), 0);
  cr_assert_eq(to_other->watch_with(other->death_notices(), 9), 0);
  cr_assert_eq(peer->wake(), 0);
  cr_assert_not(readable(one->death_notices()));
  owner.kill();
  std::uint64_t keys[2];
  cr_assert(readable(one->death_notices()) && readable(other->death_notices()));
  cr_assert(one->take_death_notices(keys, 2) == 1 && keys[0] == 7);
  cr_assert(other->take_death_notices(keys, 2) == 1 && keys[0] == 9);
  cr_assert_not(readable(one->death_notices()));
  cr_assert_eq(one->take_death_notices(keys, 2), 0u);
  peer->unwatch();
  cr_assert_eq(peer->watch_with(one->death_notices(), 7), -ENXIO);
  cr_assert_eq(peer->wake(), -ENXIO);
}

Test(shm_wait_pipe, another_peers_death_is_not_told) {
  ShmPlace place;
  const auto owner = place.published("a"), watcher = place.published("b");
  cr_assert_geq(owner->wait_object(), 0);
  const auto peer = place.attached("a");
  cr_assert_eq(peer->watch_with(watcher->death_notices(), 7), 0);
  Child other([&](const Meeting& meeting) {
    if (place.attached("a")->wake() != 0) return 1;
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(other.await());
  other.kill();
  place.attached("a").reset();
  owner->drain_wakes();
  std::uint64_t key;
  cr_assert_eq(watcher->take_death_notices(&key, 1), 0u);
}

Test(shm_wait_pipe, who_is_not_watched_any_more_is_not_told_of) {
  ShmPlace place;
  auto owner = place.published("a");
  const auto watcher = place.published("b");
  cr_assert_geq(owner->wait_object(), 0);
  const auto peer = place.attached("a");
  cr_assert_eq(peer->watch_with(watcher->death_notices(), 7), 0);
  peer->unwatch();
  cr_assert_eq(peer->wake(), 0);
  owner.reset();
  cr_assert_not(readable(watcher->death_notices()));
}

Test(shm_wait_pipe, who_has_none_cannot_be_watched) {
  ShmPlace place;
  const auto owner = place.published("a"), watcher = place.published("b");
  const auto peer = place.attached("a");
  cr_assert_eq(peer->watch_with(watcher->death_notices(), 7), -ENOENT);
  cr_assert_geq(owner->wait_object(), 0);
  cr_assert_eq(peer->watch_with(watcher->death_notices(), 7), 0);
}

// Whoever has hundreds of peers wakes them all, and leaves the application half of its descriptors.
Test(shm_wait_pipe, scarce_descriptors_are_left_alone) {
  ShmPlace place;
  const auto owner = place.published("a"), watcher = place.published("b");
  const auto peer = place.attached("a");
  cr_assert_geq(owner->wait_object(), 0);
  const int notices = watcher->death_notices();
  std::vector<UniqueFd> taken;
  rlimit limit{};
  cr_assert_eq(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 64;
  cr_assert_eq(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  while (taken.empty() || taken.back().get() < 31) taken.emplace_back(::dup(notices));
  cr_assert_geq(taken.size(), 2u);
  cr_assert_eq(peer->watch_with(notices, 7), -EMFILE);
  cr_assert_eq(peer->wake(), 0);
  const int next = taken.back().get() + 1;
  cr_assert_eq(::fcntl(next, F_GETFD), -1);
  taken.resize(taken.size() - 2);
  cr_assert_eq(peer->watch_with(notices, 7), 0);
}

Test(shm_wait_pipe, what_the_dead_leave_is_swept) {
  ShmPlace place;
  Child owner = sleeper_elsewhere(place);
  cr_assert(owner.await());
  const auto living = place.published("b");
  cr_assert_geq(living->wait_object(), 0);
  place.device.sweep();
  cr_assert_eq(files_in(place.scratch.path()), 4u);
  owner.kill();
  place.device.sweep();
  cr_assert_eq(files_in(place.scratch.path()), 2u);
  cr_assert_eq(place.attached("b")->wake(), 0);
}

Test(shm_wait_pipe, one_without_its_region_is_swept_too) {
  ShmPlace place;
  const std::string path = wait_pipe_path(place.path("a"), FileIdentity{0, 12345});
  cr_assert_eq(::mkfifo(path.c_str(), 0600), 0);
  const auto other = place.published("a");
  place.device.sweep();
  cr_assert_eq(files_in(place.scratch.path()), 1u);
}

Test(shm_wait_pipe, what_is_no_pipe_of_ours_is_not_used) {
  const LogCapture log;
  ShmPlace place;
  ProcessFd pipe;
  const std::string path = place.scratch.path() + "/x";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  cr_assert_geq(file, 0);
  ::close(file);
  cr_assert_eq(open_wait_pipe(path.c_str(), &pipe), -EACCES);
  cr_assert_eq(::unlink(path.c_str()), 0);
  cr_assert_eq(::mkfifo(path.c_str(), 0600), 0);
  cr_assert_eq(open_wait_pipe(path.c_str(), &pipe), -ENXIO);
  const UniqueFd owner(::open(path.c_str(), O_RDWR));
  cr_assert_eq(::chmod(path.c_str(), 0666), 0);
  cr_assert_eq(open_wait_pipe(path.c_str(), &pipe), -EACCES);
  cr_assert_eq(::chmod(path.c_str(), 0600), 0);
  cr_assert_eq(open_wait_pipe(path.c_str(), &pipe), 0);
}
