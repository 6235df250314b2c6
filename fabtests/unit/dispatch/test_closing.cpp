// SPDX-License-Identifier: BSD-2-Clause
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// Progresses `node` until what another thread does is done.
template <class Work>
void meanwhile(Opened& node, Work&& work) {
  std::atomic<bool> done{false};
  std::thread worker([&] {
    work();
    done.store(true);
  });
  while (!done.load()) node.endpoint.progress();
  worker.join();
}

}  // namespace

Test(closing, injected_messages_that_wait_still_arrive) {
  Place place;
  Opened b(place.device, "b");
  auto a = std::make_unique<Opened>(place.device, "a");
  const std::uint64_t to_b = a->addresses.insert(named("b"));
  for (unsigned i = 0; i < 300; ++i) {
    char byte = static_cast<char>(i % 100);
    cr_assert_eq(a->send(to_b, &byte, 1, kInject), 0);
  }
  meanwhile(b, [&] { a.reset(); });
  for (unsigned i = 0; i < 300; ++i) {
    char in = -1;
    cr_assert_eq(b.receive(&in, 1), 0);
    cr_assert_eq(b.await(), 1);
    cr_assert_eq(in, static_cast<char>(i % 100));
  }
}

Test(closing, other_sends_that_wait_hold_nothing_up) {
  Place place;
  auto a = std::make_unique<Opened>(place.device, "a");
  cr_assert_eq(a->send(a->addresses.insert(named("nobody")), "x", 1), 0);
  const TimePoint before = Clock::now();
  a.reset();
  cr_assert(Clock::now() - before < Milliseconds{4000}, "it waited for what nobody was promised");
}

Test(closing, a_child_of_the_process_closes_nothing) {
  Place place;
  Opened b(place.device, "b");
  auto a = std::make_unique<Opened>(place.device, "a");
  const std::uint64_t to_b = a->addresses.insert(named("b"));
  char in[1];
  const auto talk = [&] {
    cr_assert_eq(b.receive(in, 1), 0);
    cr_assert_eq(a->send(to_b, "x", 1), 0);
    cr_assert_eq(b.await(*a), 1);
  };
  talk();
  const pid_t child = ::fork();
  if (child == 0) {
    a.reset();
    ::_exit(0);
  }
  int status = -1;
  cr_assert_eq(::waitpid(child, &status, 0), child);
  cr_assert_eq(status, 0);
  talk();
}

Test(closing, the_peer_is_told) {
  EndpointSettings settings;
  settings.liveness_interval = Milliseconds{1'000'000};  // it cannot find out by itself
  Place place;
  Opened b(place.device, "b", settings);
  auto a = std::make_unique<Opened>(place.device, "a");
  char in[1];
  const auto large = std::make_unique<char[]>(1 << 20);
  cr_assert_eq(a->send(a->addresses.insert(named("b")), "x", 1), 0);
  cr_assert_eq(b.receive(in, 1), 0);
  cr_assert_eq(b.await(*a), 1);
  cr_assert_eq(b.send(b.addresses.insert(named("a")), large.get(), 1 << 20), 0);
  a.reset();
  cr_assert_eq(b.await(), -ECONNRESET);
}

// b's send is for whoever has the name next, since a closed before it had answered.
Test(closing, is_told_from_a_crash) {
  EndpointSettings settings;
  settings.liveness_interval = Milliseconds{1};
  Place place;
  Opened b(place.device, "b", settings);
  auto a = std::make_unique<Opened>(place.device, "a");
  cr_assert_eq(b.send(b.addresses.insert(named("a")), "x", 1), 0);
  a.reset();
  const TimePoint before = Clock::now();
  while (Clock::now() - before < Milliseconds{50}) b.endpoint.progress();
  a = std::make_unique<Opened>(place.device, "a");
  char in = 0;
  cr_assert_eq(a->receive(&in, 1), 0);
  cr_assert_eq(a->await(b), 1);
  cr_assert_eq(in, 'x');
}
