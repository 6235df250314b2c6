// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "dma/window_doorbell.h"
#include "dma/window_keeper.h"
#include "doorbell_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// A process of a host, with endpoints.
struct Joined {
  Joined(const WindowPlaces& places, int host) : host(places, host), doorbell(this->host.window) {
    cr_assert_eq(doorbell.open(true), 0);
    doorbell.join();
  }
  bool comes_to_serve() {
    return comes_true([this] {
      doorbell.tend();
      return doorbell.serves();
    });
  }
  OpenWindow host;
  WindowDoorbell doorbell;
};

constexpr std::chrono::microseconds kLongPause{1'000'000ll * 20};

}  // namespace

Test(window_doorbell, without_a_server_it_says_so_once) {
  const WindowPlaces places;
  const LogCapture log;
  Joined here(places, 0);
  for (int i = 0; i < 3; ++i) here.doorbell.tend();
  cr_assert_eq(LogCapture::warnings(), 1u);
  cr_assert(LogCapture::warned_of("nobody serves the doorbell at " + doorbell_path(here.host.window.home())));
  cr_assert(LogCapture::warned_of("start anchor_window serve"));
  cr_assert_not(here.doorbell.serves());
  cr_assert_eq(here.doorbell.ring(0), -EOPNOTSUPP);
}

Test(window_doorbell, one_that_is_not_configured_does_nothing) {
  const WindowPlaces places;
  const LogCapture log;
  OpenWindow host(places, 0);
  WindowDoorbell doorbell(host.window);
  cr_assert_eq(doorbell.open(false), 0);
  doorbell.join();
  doorbell.tend();
  doorbell.nudge();
  cr_assert_not(doorbell.is_open() || doorbell.serves());
  cr_assert_eq(doorbell.ring(0), -EOPNOTSUPP);
  cr_assert_eq(LogCapture::warnings(), 0u);
  cr_assert_not(host.window.all_ring(), "others hear that it cannot ring");
}

Test(window_doorbell, is_rung_and_nudged) {
  const WindowPlaces places;
  Joined here(places, 0);
  const PlayedServer played(here.host.window);
  cr_assert(here.comes_to_serve());
  const TimePoint begun = Clock::now();
  played.device.interrupt();
  here.doorbell.pause(kLongPause);
  here.doorbell.nudge();
  here.doorbell.pause(kLongPause);
  cr_assert(Clock::now() - begun < kLongPause);
  here.doorbell.pause(std::chrono::microseconds(1000));  // nothing is left of them: it ends by time
}

Test(window_doorbell, rings_by_the_server) {
  const WindowPlaces places;
  Joined here(places, 0);
  OpenWindow there(places, 1);
  PlayedServer played(here.host.window, 1), theirs(there.window, 0x90000);
  there.beat();
  cr_assert(here.comes_to_serve());
  cr_assert_eq(here.doorbell.ring(1), 0);
  cr_assert(comes_true([&] { return played.device.rung().size() == 1; }));
  cr_assert_eq(played.device.rung()[0], 0x90000u);
  cr_assert_eq(here.doorbell.ring(0), 0, "for a process of our own host as well");
}

Test(window_doorbell, rings_by_the_device) {
  const WindowPlaces places;
  Joined here(places, 0);
  const UniqueFd device(::open(places.scratch.file("device").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  PlayedServer played(here.host.window, 0x30000, device.get());
  cr_assert(here.comes_to_serve());
  cr_assert_eq(here.doorbell.ring(0), 0);
  std::uint32_t word = 0;
  cr_assert_eq(::pread(device.get(), &word, sizeof word, 64), 4);
  cr_assert_eq(word, 0x30000u);
  cr_assert(played.device.rung().empty(), "the server has nothing to do with it");
}

Test(window_doorbell, a_former_servers_device_is_not_rung) {
  const WindowPlaces places;
  const LogCapture log;
  Joined here(places, 0);
  const UniqueFd device(::open(places.scratch.file("device").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  {
    const PlayedServer former(here.host.window, 0x30000, device.get());
    cr_assert(here.comes_to_serve());
  }
  here.doorbell.pause(kLongPause);
  here.doorbell.tend();
  PlayedServer played(here.host.window, 0x70000);
  cr_assert(here.comes_to_serve());
  cr_assert_eq(here.doorbell.ring(0), 0);
  cr_assert(comes_true([&] { return played.device.rung().size() == 1; }));
  char byte;
  cr_assert_eq(::pread(device.get(), &byte, 1, 0), 0, "nothing was ever written there");
}

Test(window_doorbell, a_server_that_ends_is_missed_at_once) {
  const WindowPlaces places;
  const LogCapture log;
  Joined here(places, 0);
  OpenWindow there(places, 1);
  {
    const PlayedServer played(here.host.window);
    cr_assert(here.comes_to_serve());
    here.host.beat();
    cr_assert(DoorbellWord::all_ring(there.window.doorbell_of(0)));
  }
  here.doorbell.pause(kLongPause);  // the server's end is an end of it
  here.doorbell.tend();
  cr_assert_not(here.doorbell.serves());
  cr_assert(LogCapture::warned_of("it has ended"));
  cr_assert_not(DoorbellWord::all_ring(there.window.doorbell_of(0)), "the others know at once");
  const PlayedServer next(here.host.window);
  cr_assert(here.comes_to_serve(), "and comes to the next one");
}

Test(window_doorbell, does_not_rely_on_hosts_that_cannot_ring) {
  const WindowPlaces places;
  Joined here(places, 0), there(places, 1);
  const PlayedServer played(here.host.window);
  there.host.beat();
  here.host.beat();
  const auto served_here = [&] { return here.doorbell.ring(0) == 0; };
  cr_assert(comes_true([&] {
    here.doorbell.tend();
    return served_here();
  }));
  cr_assert_not(here.doorbell.serves(), "host 1 has nobody to ring by");
  const PlayedServer theirs(there.host.window);
  cr_assert(there.comes_to_serve());
  cr_assert(here.doorbell.serves());
}

Test(window_doorbell, believes_no_garbage_of_other_hosts) {
  const WindowPlaces places;
  Joined here(places, 0);
  OpenWindow there(places, 1);
  PlayedServer played(here.host.window);
  there.beat();
  cr_assert(here.comes_to_serve());
  NeighbourPage* page = neighbour_page(here.host.window.own().base(), 1);
  for (const std::uint64_t word : {std::uint64_t{5}, UINT64_MAX, std::uint64_t{0x500000000}}) {
    page->doorbell.store(word);
    cr_assert_eq(here.doorbell.ring(1), -EOPNOTSUPP);
  }
  page->doorbell.store(DoorbellWord::make(0xffffffff));
  cr_assert_eq(here.doorbell.ring(1), 0, "a wrong number rings nobody");
}

// What is said by a server that is none.
Test(window_doorbell, takes_a_sound_welcome_only) {
  const WindowPlaces places;
  const LogCapture log;
  OpenWindow host(places, 0);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address;
  cr_assert(doorbell_address(doorbell_path(host.window.home()), &address));
  cr_assert_eq(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  cr_assert_eq(::listen(listener.get(), 4), 0);
  const UniqueFd file(::open(places.scratch.file("memory").c_str(), O_RDWR | O_CLOEXEC));
  const UniqueFd blocking(::eventfd(0, EFD_CLOEXEC)), good = new_event();
  const std::size_t before = open_descriptors();
  for (const int fd : {file.get(), blocking.get(), -1}) {
    LogCapture::lines().clear();
    WindowDoorbell doorbell(host.window);
    cr_assert_eq(doorbell.open(true), 0);
    doorbell.join();
    doorbell.tend();
    const UniqueFd served(::accept(listener.get(), nullptr, nullptr));
    if (fd < 0) {
      cr_assert_eq(send_doorbell_message(served.get(), {.saying = DoorbellSaying::kRing}), 0);
    } else {
      cr_assert_eq(send_doorbell_message(served.get(), {}, &fd, 1), 0);
    }
    doorbell.tend();
    cr_assert_not(doorbell.serves());
    cr_assert(LogCapture::warned_of("Protocol error"));
  }
  WindowDoorbell doorbell(host.window);
  cr_assert_eq(doorbell.open(true), 0);
  doorbell.join();
  doorbell.tend();
  {
    const UniqueFd served(::accept(listener.get(), nullptr, nullptr));
    const int fd = good.get();
    cr_assert_eq(send_doorbell_message(served.get(), {}, &fd, 1), 0);
    doorbell.tend();
    cr_assert(doorbell.serves());
    cr_assert_eq(send_doorbell_message(served.get(), {}, &fd, 1), 0);
    doorbell.tend();
    cr_assert_not(doorbell.serves(), "one welcome is enough");
  }
  cr_assert_eq(open_descriptors(), before + 1, "nothing is left but what nudges it");
}

Test(window_doorbell, its_keeper_wakes_sleepers_when_rung) {
  const WindowPlaces places;
  Joined here(places, 0);
  const PlayedServer played(here.host.window);
  WindowKeeper keeper(here.host.window, &here.doorbell);
  std::atomic<std::uint64_t> board[1] = {}, epoch{0};
  const UniqueFd event = new_event();
  WindowWatch watch(MemoryType::kCoherent, reinterpret_cast<const std::byte*>(board), sizeof board, &epoch,
                    event.get());
  keeper.add(&watch);
  cr_assert_eq(keeper.start(), 0);
  cr_assert(comes_true([&] { return here.doorbell.ring(0) == 0; }), "the keeper has come to the server");
  int soon = 0;
  for (int round = 0; round < 20; ++round) {
    keeper.expect(watch);
    ++epoch;
    ::usleep(5000);  // from here on it looks with each heartbeat only
    ++board[0];
    const TimePoint begun = Clock::now();
    played.device.interrupt();
    cr_assert(is_readable(event.get(), kLong));
    if (Clock::now() - begun < kHeartbeat / 10) ++soon;
    ++epoch;
    eventfd_t wakes;
    cr_assert_eq(::eventfd_read(event.get(), &wakes), 0);
  }
  cr_assert_geq(soon, 12, "the interrupt had it look");
  keeper.remove(&watch);
}

Test(window_doorbell, a_forked_child_does_not_keep_it) {
  const WindowPlaces places;
  Joined here(places, 0);
  const PlayedServer played(here.host.window);
  cr_assert(here.comes_to_serve());
  Child child([&here](const Meeting&) { return here.doorbell.ring(0) < 0 ? 0 : 1; });
  cr_assert_eq(child.join(), 0);
}

Test(window_doorbell, two_threads_may_join_it) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  const PlayedServer played(host.window);
  for (int round = 0; round < 20; ++round) {
    WindowDoorbell doorbell(host.window);
    cr_assert_eq(doorbell.open(true), 0);
    std::thread other([&doorbell] { doorbell.join(); });
    doorbell.join();
    cr_assert(comes_true([&doorbell] {
      doorbell.tend();
      return doorbell.serves();
    }));
    other.join();
    cr_assert(doorbell.serves());
  }
}
