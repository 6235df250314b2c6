// SPDX-License-Identifier: BSD-2-Clause
// A /dev/shm with next to no room, and one in which another user was first. Needs root.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/node.h"
#include "common/registry.h"
#include "common/shared_memory.h"

namespace anchor::fabtests {

namespace {

constexpr uid_t kNobody = 65534;
constexpr std::size_t kMost = 2000;  // endpoints in 1 MiB: more cannot be

// An endpoint by hand: a Node would fail the test when it cannot be opened.
struct Attempt {
  explicit Attempt(const OpenDomain& open, const fi_info* info = nullptr) {
    cq = open_cq(open.domain.get());
    av = open_av(open.domain.get());
    fi_info* from = const_cast<fi_info*>(info != nullptr ? info : open.info.get());
    rc = fi_endpoint(open.domain.get(), from, ep.out(), nullptr);
    if (rc == 0) rc = fi_ep_bind(ep.get(), av.as_fid(), 0);
    if (rc == 0) rc = fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV);
    if (rc == 0) rc = fi_enable(ep.get());
  }
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
  int rc = 0;
};

std::vector<std::unique_ptr<Attempt>> open_until_full(const OpenDomain& open) {
  std::vector<std::unique_ptr<Attempt>> attempts;
  while (attempts.size() < kMost) {
    attempts.push_back(std::make_unique<Attempt>(open));
    if (attempts.back()->rc != 0) break;
  }
  return attempts;
}

NodeOptions named(const std::string& service) {
  NodeOptions options;
  options.host = kThisHost;
  options.service = service;
  return options;
}

std::vector<std::string> difference(const std::vector<std::string>& all, const std::vector<std::string>& but) {
  std::vector<std::string> rest;
  std::set_difference(all.begin(), all.end(), but.begin(), but.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

// Endpoints are opened until the room is used up: a clear error, not a signal; and what is open goes on working.
TEST(confined_to_one_mebibyte, .anchor_only = true, .root_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=300"}) {
  if (!enter_private_shared_memory("size=1m")) skip("may not mount");
  const OpenDomain open = OpenDomain::usual();
  auto attempts = open_until_full(open);
  const int rc = attempts.back()->rc;
  CHECK(rc == -FI_ENOSPC || rc == -FI_ENOMEM);
  CHECK(attempts.size() > 1);
  // Everybody talks to the first: some will find no room for a FIFO, and are told so.
  Attempt& first = *attempts.front();
  const Bytes name = name_of(first.ep.get());
  std::vector<std::uint64_t> places(attempts.size());
  for (std::uint64_t& place : places) {
    CHECK_OK(fi_recv(first.ep.get(), &place, 8, nullptr, FI_ADDR_UNSPEC, nullptr));
  }
  std::size_t ended = 0;
  Completions received(first.cq.get(), false);
  for (std::size_t i = 0; i + 1 < attempts.size(); ++i) {
    Attempt& sender = *attempts[i];
    const fi_addr_t to = insert_address(sender.av.get(), name);
    std::uint64_t number = i;
    Completions sent(sender.cq.get(), false);
    const Deadline deadline(10);
    ssize_t rc_send;
    while ((rc_send = fi_send(sender.ep.get(), &number, 8, nullptr, to, &number)) == -FI_EAGAIN && !deadline.expired())
      sent.poll();
    const bool self = i == 0;  // its queue tells of sends and receives
    while (rc_send == 0 && (self ? received.empty() : sent.empty()) && !deadline.expired()) {
      sent.poll();
      received.poll();
    }
    ended += rc_send != 0 || !sent.empty() || !received.empty() ? 1 : 0;
  }
  CHECK_EQ(ended, attempts.size() - 1);
}

// Room that was given back is found again.
TEST(confined_room_is_given_back, .anchor_only = true, .root_only = true, .shm_only = true) {
  if (!enter_private_shared_memory("size=1m")) skip("may not mount");
  const OpenDomain open = OpenDomain::usual();
  const std::size_t count = open_until_full(open).size();
  CHECK(regions_in_shared_memory().empty());
  CHECK_EQ(open_until_full(open).size(), count);
}

TEST(confined_to_nothing, .anchor_only = true, .root_only = true, .shm_only = true) {
  if (!enter_private_shared_memory("size=4k")) skip("may not mount");
  const OpenDomain open = OpenDomain::usual();
  const Attempt attempt(open);
  CHECK(attempt.rc == -FI_ENOSPC || attempt.rc == -FI_ENOMEM);
  CHECK(regions_in_shared_memory().empty());
}

// Names carry the user: the same name of two users is two endpoints, and a message never goes to the stranger.
TEST(confined_same_name_of_two_users, .ranks = 2, .anchor_only = true, .root_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=400"}) {
  if (team.rank() == 1) {
    REQUIRE(setgid(kNobody) == 0 && setuid(kNobody) == 0);
    Node stranger(team, named("7002"));
    char byte = 0;
    stranger.submit([&] { return fi_trecv(stranger.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, 0, ~0ull, nullptr); });
    team.tell(0, "open");
    team.hear(0);
    CHECK(stranger.receives().empty());
    return;
  }
  team.hear(1);
  Node node(team);
  const fi_addr_t to = node.insert(address_of(kThisHost, "7002"));
  node.submit([&] { return fi_tsend(node.ep(), "x", 1, nullptr, to, 1, nullptr); });
  node.await_send_error(5);
  {
    Node own(team, named("7002"));
    char byte = 0;
    own.submit([&] { return fi_trecv(own.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.submit([&] { return fi_tsend(node.ep(), "y", 1, nullptr, to, 1, nullptr); });
    own.until("a message to oneself", [&] {
      node.progress();  // both endpoints are ours to keep going
      return !own.receives().empty() && !node.sends().empty();
    });
    CHECK_EQ(byte, 'y');
  }
  team.tell(1, "close");
}

// A file that another user has put where our region would be is an error, for its owner-to-be and for who looks for it.
TEST(confined_region_of_another_user, .anchor_only = true, .root_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=300"}) {
  if (!shared_memory_is_private()) skip("needs a /dev/shm of its own");
  const OpenDomain open = OpenDomain::usual();
  const Info info = node_info(named("7003"));
  const std::vector<std::string> before = regions_in_shared_memory();
  std::vector<std::string> ours;
  {
    const Attempt attempt(open, info.get());
    REQUIRE_OK(attempt.rc);
    ours = difference(regions_in_shared_memory(), before);
  }
  REQUIRE(!ours.empty());
  for (const std::string& name : ours) {
    const std::string path = "/dev/shm/" + name;
    const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0666);
    REQUIRE(file >= 0 && ftruncate(file, 1 << 20) == 0 && fchmod(file, 0666) == 0);
    REQUIRE(fchown(file, kNobody, kNobody) == 0);
    close(file);
  }
  {
    const Attempt attempt(open, info.get());
    CHECK(attempt.rc < 0);
    Node node(team);
    const fi_addr_t to = node.insert(address_of(kThisHost, "7003"));
    node.submit([&] { return fi_send(node.ep(), "x", 1, nullptr, to, nullptr); });
    node.await_send_error(5);
  }
  for (const std::string& name : ours) unlink(("/dev/shm/" + name).c_str());
}

// Nobody else may open our regions.
TEST(confined_regions_are_private, .anchor_only = true, .shm_only = true) {
  if (!shared_memory_is_private()) skip("needs a /dev/shm of its own");
  Node node(team);
  const std::vector<std::string> names = regions_in_shared_memory();
  CHECK(!names.empty());
  for (const std::string& name : names) {
    struct stat status {};
    REQUIRE(stat(("/dev/shm/" + name).c_str(), &status) == 0);
    CHECK_EQ(status.st_mode & 0777u, 0600u);
    CHECK_EQ(status.st_uid, geteuid());
    CHECK(name.rfind("anchor-" + std::to_string(geteuid()) + "-", 0) == 0);
  }
}

}  // namespace anchor::fabtests
