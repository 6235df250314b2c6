// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "dma/doorbell_server.h"
#include "doorbell_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// A process that is served, by hand.
struct Served {
  explicit Served(const WindowHome& home) : socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un address;
    cr_assert(doorbell_address(doorbell_path(home), &address));
    cr_assert_eq(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  int hear() {
    cr_assert(is_readable(socket.get(), kLong));
    return receive_doorbell_message(socket.get(), &message, fds, &count);
  }
  int event() const { return fds[0].get(); }

  UniqueFd socket;
  DoorbellMessage message;
  UniqueFd fds[kMostDoorbellFds];
  std::size_t count = 0;
};

}  // namespace

Test(doorbell_server, passes_each_ring_on_to_all) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  const PlayedServer played(host.window);
  Served first(host.window.home()), second(host.window.home());
  for (Served* served : {&first, &second}) {
    cr_assert_eq(served->hear(), 0);
    cr_assert(served->message.saying == DoorbellSaying::kWelcome);
    cr_assert_eq(served->count, 1u);
    cr_assert_not(is_readable(served->event(), 0));
  }
  played.device.interrupt();
  cr_assert(is_readable(first.event(), kLong) && is_readable(second.event(), kLong));
  first.socket.reset();
  eventfd_t rings;
  cr_assert_eq(::eventfd_read(second.event(), &rings), 0);
  played.device.interrupt();
  cr_assert(is_readable(second.event(), kLong), "though one has gone");
}

Test(doorbell_server, rings_for_who_has_no_device) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  PlayedServer played(host.window);
  Served served(host.window.home());
  cr_assert_eq(served.hear(), 0);
  for (std::uint32_t word = 1; word <= 3; ++word)
    cr_assert_eq(send_doorbell_message(served.socket.get(), {.saying = DoorbellSaying::kRing, .word = word}), 0);
  cr_assert(comes_true([&] { return played.device.rung().size() == 3; }));
  cr_assert_eq(played.device.rung()[2], 3u);
}

Test(doorbell_server, warns_once_of_a_host_that_it_cannot_ring) {
  const WindowPlaces places;
  const LogCapture log;
  OpenWindow host(places, 0), other(places, 1);
  other.beat();
  {
    PlayedServer played(host.window);
    played.device.failure = -ENOENT;
    Served served(host.window.home());
    cr_assert_eq(served.hear(), 0);
    const auto ring = [&](std::uint32_t word) {
      const std::size_t before = played.device.rung().size();
      cr_assert_eq(send_doorbell_message(served.socket.get(), {.saying = DoorbellSaying::kRing, .word = word}), 0);
      cr_assert(comes_true([&] { return played.device.rung().size() > before; }));
    };
    ring(9);  // nobody's: the other host has no doorbell yet
    ring(8);  // when that is done
    const PlayedServer there(other.window, 9);
    for (int i = 0; i < 3; ++i) ring(9);
  }
  cr_assert_eq(LogCapture::warnings(), 1u);
  cr_assert(LogCapture::warned_of("host 1 has a doorbell that cannot be rung, so its sleepers wake late: No such"));
}

Test(doorbell_server, gives_the_device_where_it_can) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  const UniqueFd device = new_event();
  const PlayedServer played(host.window, 1, device.get());
  Served served(host.window.home());
  cr_assert_eq(served.hear(), 0);
  cr_assert_eq(served.count, 2u);
  cr_assert_eq(served.message.offset, 64u);
  cr_assert_eq(::eventfd_write(served.fds[1].get(), 1), 0);
  cr_assert(is_readable(device.get(), 0));
}

Test(doorbell_server, sees_off_who_says_anything_else) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  PlayedServer played(host.window);
  const UniqueFd event = new_event();
  for (int i = 0; i < 3; ++i) {
    Served served(host.window.home()), other(host.window.home());
    cr_assert_eq(served.hear(), 0);
    cr_assert_eq(other.hear(), 0);
    const int fd = event.get();
    if (i == 0) cr_assert_eq(::send(served.socket.get(), "?", 1, 0), 1);
    if (i == 1) cr_assert_eq(send_doorbell_message(served.socket.get(), {}, &fd, 1), 0);
    if (i == 2) cr_assert_eq(::send(served.socket.get(), std::string(5000, 'x').c_str(), 5000, 0), 5000);
    cr_assert_eq(served.hear(), -ECONNRESET);
    played.device.interrupt();
    cr_assert(is_readable(other.event(), kLong), "the others are served");
  }
  cr_assert(played.device.rung().empty());
}

Test(doorbell_server, tells_the_hosts_how_to_ring) {
  const WindowPlaces places;
  OpenWindow host(places, 0), other(places, 1);
  other.beat();
  cr_assert_eq(other.window.doorbell_of(0), 0u);
  {
    const PlayedServer played(host.window, 0x50000);
    const std::uint64_t told = other.window.doorbell_of(0);
    cr_assert(DoorbellWord::is_there(told));
    cr_assert_eq(DoorbellWord::ring(told), 0x50000u);
  }
  cr_assert_not(DoorbellWord::is_there(other.window.doorbell_of(0)), "at once, too");
}

Test(doorbell_server, there_is_one_for_a_host) {
  const WindowPlaces places;
  const LogCapture log;
  OpenWindow host(places, 0), again(places, 0);
  struct stat status {};
  {
    const PlayedServer played(host.window);
    cr_assert_eq(DoorbellServer(again.window).claim(), -EBUSY);
    cr_assert(LogCapture::warned_of("another process serves the doorbell of host 0"));
    cr_assert_eq(::stat(doorbell_path(host.window.home()).c_str(), &status), 0, "and it is left alone");
    cr_assert_eq(status.st_mode & 0777, 0600u);
    cr_assert(DoorbellWord::is_there(host.window.doorbell_of(0)));
  }
  cr_assert_eq(::stat(doorbell_path(host.window.home()).c_str(), &status), -1);
  PlayedServer next(again.window);
}

Test(doorbell_server, one_that_was_killed_leaves_nothing) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  Child killed([&places](const Meeting& meeting) {
    OpenWindow there(places, 0);
    PlayedDoorbell device(2);
    DoorbellServer server(there.window);
    if (server.claim() != 0 || server.open(device) != 0) return 1;
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(killed.await());
  cr_assert(DoorbellWord::is_there(host.window.doorbell_of(0)));
  killed.kill();
  cr_assert_not(DoorbellWord::is_there(host.window.doorbell_of(0)));
  PlayedServer next(host.window);
  cr_assert(DoorbellWord::is_there(host.window.doorbell_of(0)));
}
