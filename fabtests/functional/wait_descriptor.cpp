// SPDX-License-Identifier: BSD-2-Clause
// A queue's descriptor in poll, select and epoll, level and edge: it is readable when, and not before, something came.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "common/registry.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr int kRounds = 200;

// Rank 1 answers each word of rank 0's with a message, so that rank 0 can be asleep when it comes.
void send_on_demand(Team& team, int rounds) {
  Node node(team);
  const fi_addr_t peer = node.insert(team.hear(0));
  for (int i = 0; i < rounds; ++i) {
    team.hear(0);
    node.submit([&] { return fi_tinject(node.ep(), &i, sizeof(i), peer, 1); });
  }
  team.barrier();
}

template <class Wait>
void wait_in(Team& team, Wait&& wait) {
  if (team.rank() == 1) return send_on_demand(team, kRounds);
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  team.tell(1, name_of(sleeper.ep.get()));
  for (int i = 0; i < kRounds; ++i) {
    int number = -1;
    sleeper.receive(&number, sizeof(number));
    sleeper.fall_asleep();
    CHECK(!sleeper.readable(0));
    team.tell(1, "send");
    while (sleeper.entries.empty()) {
      wait(sleeper.fd);
      sleeper.read_all();
      if (sleeper.entries.empty()) sleeper.fall_asleep();
    }
    sleeper.entries.clear();
    REQUIRE_EQ(number, i);
  }
  team.barrier();
}

void wait_in_epoll(Team& team, std::uint32_t events) {
  int set = -1;
  wait_in(team, [&](int fd) {
    if (set < 0) {
      set = epoll_create1(EPOLL_CLOEXEC);
      epoll_event wanted{};
      wanted.events = events;
      REQUIRE(epoll_ctl(set, EPOLL_CTL_ADD, fd, &wanted) == 0);
    }
    epoll_event found;
    CHECK_EQ(epoll_wait(set, &found, 1, 10'000), 1);
  });
  if (set >= 0) close(set);
}

}  // namespace

TEST(descriptor_in_poll, .ranks = 2, .anchor_only = true) {
  wait_in(team, [](int fd) {
    pollfd wanted{fd, POLLIN, 0};
    CHECK_EQ(poll(&wanted, 1, 10'000), 1);
  });
}

TEST(descriptor_in_select, .ranks = 2, .anchor_only = true) {
  wait_in(team, [](int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    timeval limit{10, 0};
    CHECK_EQ(select(fd + 1, &set, nullptr, nullptr, &limit), 1);
  });
}

TEST(descriptor_in_epoll, .ranks = 2, .anchor_only = true) { wait_in_epoll(team, EPOLLIN); }
TEST(descriptor_in_epoll_edge_triggered, .ranks = 2, .anchor_only = true) { wait_in_epoll(team, EPOLLIN | EPOLLET); }

TEST(descriptor_covers_many_messages, .ranks = 2, .anchor_only = true, .shm_only = true) {
  constexpr int kMessages = 40;
  if (team.rank() == 1) {
    Node node(team);
    const fi_addr_t peer = node.insert(team.hear(0));
    for (int i = 0; i <= kMessages; ++i) {
      if (i <= 1) team.hear(0);
      node.submit([&] { return fi_tinject(node.ep(), &i, sizeof(i), peer, 1); });
    }
    team.tell(0, "all sent");
    team.barrier();
    return;
  }
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  team.tell(1, name_of(sleeper.ep.get()));
  int numbers[kMessages + 1];
  for (int& number : numbers) sleeper.receive(&number, sizeof(number));
  team.tell(1, "connect");
  sleeper.await(1);
  sleeper.fall_asleep();
  team.tell(1, "send");
  team.hear(1);
  CHECK(sleeper.readable(0));
  sleeper.await(kMessages + 1);
  for (int i = 0; i <= kMessages; ++i) CHECK_EQ(numbers[i], i);
  sleeper.fall_asleep();
  CHECK(!sleeper.readable(0));
  team.barrier();
}

// Nothing but one's own calls happens between fi_trywait and the wait, and some of them complete something.
TEST(descriptor_tells_of_own_completions, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  const fi_addr_t self = insert_address(sleeper.av.get(), name_of(sleeper.ep.get()));
  char in = 0;
  for (int i = 0; i < 50; ++i) {
    sleeper.receive(&in, 1);
    sleeper.fall_asleep();
    CHECK(!sleeper.readable(0));
    REQUIRE_OK(fi_tsend(sleeper.ep.get(), "x", 1, nullptr, self, 1, nullptr));
    CHECK(sleeper.readable(1000));
    sleeper.await(2 * static_cast<std::size_t>(i) + 2);
    CHECK_EQ(in, 'x');
  }
}

TEST(descriptor_tells_of_a_signal, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  sleeper.fall_asleep();
  CHECK(!sleeper.readable(0));
  CHECK_OK(fi_cq_signal(sleeper.cq.get()));
  CHECK(sleeper.readable(1000));
  sleeper.fall_asleep();
  CHECK(!sleeper.readable(0));
}

TEST(descriptor_as_pollfd, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open, FI_WAIT_POLLFD);
  fi_wait_pollfd wanted{};
  CHECK_EQ(fi_control(sleeper.cq.as_fid(), FI_GETWAIT, &wanted), -FI_ETOOSMALL);
  REQUIRE_EQ(wanted.nfds, 1u);
  pollfd place{};
  wanted.fd = &place;
  REQUIRE_OK(fi_control(sleeper.cq.as_fid(), FI_GETWAIT, &wanted));
  sleeper.fall_asleep();
  CHECK_EQ(poll(&place, 1, 0), 0);
  CHECK_OK(fi_cq_signal(sleeper.cq.get()));
  CHECK_EQ(poll(&place, 1, 1000), 1);
}

TEST(descriptor_only_where_it_was_asked_for, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open, FI_WAIT_UNSPEC);
  int fd = -1;
  CHECK(fi_control(sleeper.cq.as_fid(), FI_GETWAIT, &fd) < 0);
  fi_wait_obj object = FI_WAIT_NONE;
  CHECK_OK(fi_control(sleeper.cq.as_fid(), FI_GETWAITOBJ, &object));
  CHECK_EQ(object, FI_WAIT_UNSPEC);
}

// The alarm of who waited outside, gone off meanwhile, is no reason to stay awake.
TEST(descriptor_beside_a_blocking_read, .ranks = 2, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  meet(team, sleeper);
  team.barrier();
  sleeper.fall_asleep();
  CHECK(sleeper.readable(2000));  // for a look at whether the peer lives
  sleeper.read_all();
  const double before = processor_seconds();
  fi_cq_tagged_entry entry;
  CHECK_EQ(fi_cq_sread(sleeper.cq.get(), &entry, 1, nullptr, 1000), -FI_EAGAIN);
  CHECK(processor_seconds() - before < 0.3);
  team.barrier();
}

// A child has no part in what its parent shares with peers, and can give its copies back.
TEST(descriptor_in_a_forked_child, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  sleeper.fall_asleep();
  CHECK_EQ(exit_code_of_child([&] {
             sleeper.ep.reset();
             return 0;
           }),
           0);
}

}  // namespace anchor::fabtests
