// SPDX-License-Identifier: BSD-2-Clause
// An endpoint whose one queue has a descriptor, and the ways an event loop waits for it.
#pragma once

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/node.h"

namespace anchor::fabtests {

inline constexpr std::uint64_t kAnyTag = ~0ull;

struct Sleeper {
  explicit Sleeper(const OpenDomain& with, fi_wait_obj object = FI_WAIT_FD)
      : open(with), av(open_av(with.domain.get())) {
    fi_cq_attr attributes{};
    attributes.format = FI_CQ_FORMAT_TAGGED;
    attributes.wait_obj = object;
    REQUIRE_OK(fi_cq_open(with.domain.get(), &attributes, cq.out(), nullptr));
    REQUIRE_OK(fi_endpoint(with.domain.get(), with.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    REQUIRE_OK(fi_enable(ep.get()));
    if (object == FI_WAIT_FD) REQUIRE_OK(fi_control(cq.as_fid(), FI_GETWAIT, &fd));
  }

  int try_wait() {
    fid* object = cq.as_fid();
    return fi_trywait(open.fabric.get(), &object, 1);
  }
  bool readable(int milliseconds) const {
    pollfd wanted{fd, POLLIN, 0};
    return poll(&wanted, 1, milliseconds) == 1;
  }
  // Progress until nothing is left to do: what fi_trywait waits for.
  void fall_asleep() {
    const Deadline deadline(10);
    while (try_wait() != 0) {
      REQUIRE(!deadline.expired());
      read_all();
    }
  }
  // Reads into `entries`.
  void read_all() {
    fi_cq_tagged_entry entry;
    ssize_t rc;
    while ((rc = fi_cq_read(cq.get(), &entry, 1)) == 1) entries.push_back(entry);
    if (rc == -FI_EAVAIL) {
      fi_cq_err_entry error{};
      REQUIRE_EQ(fi_cq_readerr(cq.get(), &error, 0), 1);
      errors.push_back(error.err);
    }
  }
  // As an event loop does it, until there are so many entries and errors.
  void await(std::size_t wanted, double seconds = 15) {
    const Deadline deadline(seconds);
    while (entries.size() + errors.size() < wanted) {
      REQUIRE(!deadline.expired());
      if (try_wait() == 0) readable(1000);
      read_all();
    }
  }
  void receive(void* buffer, std::size_t size, fi_addr_t from = FI_ADDR_UNSPEC) {
    REQUIRE_OK(fi_trecv(ep.get(), buffer, size, nullptr, from, 0, kAnyTag, buffer));
  }

  const OpenDomain& open;
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
  int fd = -1;
  std::vector<fi_cq_tagged_entry> entries;
  std::vector<int> errors;
};

// Both of two ranks call it: each gets a byte from the other, whose address it returns.
inline fi_addr_t meet(Team& team, Sleeper& sleeper) {
  const auto names = team.gather(name_of(sleeper.ep.get()));
  const fi_addr_t peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  char in;
  sleeper.receive(&in, 1);
  REQUIRE_OK(fi_tinject(sleeper.ep.get(), "x", 1, peer, 1));
  sleeper.await(1);
  return peer;
}

// Processor time of this process, in seconds.
inline double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// How often threads of this process have gone to sleep.
inline long sleeps() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

// -1: it did not exit.
template <class Body>
int exit_code_of_child(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace anchor::fabtests
