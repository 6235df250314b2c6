// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/stat.h>

#include <cerrno>

#include "dma/socket_doorbell.h"
#include "doorbell_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(socket_doorbell, rings_the_other_one) {
  const WindowPlaces places;
  SocketDoorbell a, b;
  cr_assert_eq(a.open(places.scratch.path(), 0), 0);
  cr_assert_eq(b.open(places.scratch.path(), 1), 0);
  cr_assert_not(is_readable(b.descriptor(), 0));
  cr_assert_eq(a.ring(b.word()), 0);
  cr_assert_eq(a.ring(b.word()), 0);
  cr_assert(is_readable(b.descriptor(), kLong) && !is_readable(a.descriptor(), 0));
  b.take_rings();
  cr_assert_not(is_readable(b.descriptor(), 0), "all of them");
  cr_assert_eq(a.ring(a.word()), 0);
  cr_assert(is_readable(a.descriptor(), kLong), "or itself");
  std::uint64_t offset;
  cr_assert_eq(a.shared(&offset), -1);
}

Test(socket_doorbell, never_waits) {
  const WindowPlaces places;
  SocketDoorbell a, b;
  cr_assert_eq(a.open(places.scratch.path(), 0), 0);
  cr_assert_eq(b.open(places.scratch.path(), 1), 0);
  for (int i = 0; i < 10000; ++i) cr_assert_eq(a.ring(1), 0);
  cr_assert_eq(a.ring(2), -ENOENT, "nobody is there");
}

Test(socket_doorbell, tells_who_looks_in_another_folder) {
  const WindowPlaces places;
  const ScratchDirectory elsewhere;
  SocketDoorbell a, b;
  cr_assert_eq(a.open(places.scratch.path(), 0), 0);
  cr_assert_eq(b.open(elsewhere.path(), 1), 0);
  cr_assert_eq(a.ring(b.word()), -ENOENT);
  const std::string why = a.unreachable(b.word(), -ENOENT);
  cr_assert(why.starts_with(places.scratch.file("doorbell1") + ": No such file or directory"), "%s", why.c_str());
  cr_assert(why.ends_with("doorbell = socket:" + places.scratch.path() + " here must be the same folder there"));
}

Test(socket_doorbell, is_its_users_alone) {
  const WindowPlaces places;
  struct stat status {};
  const std::string path = places.scratch.file("doorbell0");
  {
    SocketDoorbell killed, next;
    cr_assert_eq(killed.open(places.scratch.path(), 0), 0);
    cr_assert_eq(next.open(places.scratch.path(), 0), 0, "what a former one has left is replaced");
    cr_assert_eq(::stat(path.c_str(), &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600u);
  }
  cr_assert_eq(::stat(path.c_str(), &status), -1);
}

Test(socket_doorbell, says_where_it_cannot_be) {
  const LogCapture log;
  SocketDoorbell a, b;
  cr_assert_eq(a.open("/nowhere/at/all", 0), -ENOENT);
  cr_assert(LogCapture::warned_of("/nowhere/at/all/doorbell0"));
  cr_assert_eq(b.open("/" + std::string(200, 'x'), 0), -ENAMETOOLONG);
}
