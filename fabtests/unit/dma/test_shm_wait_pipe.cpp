// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "../os/log_capture.h"
#include "dma/shm_wait_pipe.h"
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

Test(shm_wait_pipe, there_is_none_before_the_owner_sleeps_and_none_after_it_left) {
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
  cr_assert_eq(peer->wake(), 0);
}

Test(shm_wait_pipe, what_the_dead_leave_is_swept) {
  ShmPlace place;
  Child owner([&](const Meeting& meeting) {
    const auto region = place.published("a");
    if (region == nullptr || region->wait_object() < 0) return 1;
    meeting.tell();
    meeting.await();
    return 0;
  });
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
  cr_assert_eq(::chmod(path.c_str(), 0666), 0);
  cr_assert_eq(open_wait_pipe(path.c_str(), &pipe), -EACCES);
  cr_assert_eq(::chmod(path.c_str(), 0600), 0);
  cr_assert_eq(open_wait_pipe(path.c_str(), &pipe), 0);
}
