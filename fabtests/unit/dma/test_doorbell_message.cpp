// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "dma/doorbell_message.h"
#include "doorbell_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Line {
  Line() {
    int ends[2];
    cr_assert_eq(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    a.reset(ends[0]);
    b.reset(ends[1]);
  }
  int receive() {
    for (UniqueFd& fd : fds) fd.reset();
    return receive_doorbell_message(b.get(), &message, fds, &count);
  }
  int receive(const DoorbellMessage& sent, const int* with = nullptr, std::size_t number = 0) {
    cr_assert_eq(send_doorbell_message(a.get(), sent, with, number), 0);
    return receive();
  }
  UniqueFd a, b;
  DoorbellMessage message;
  UniqueFd fds[kMostDoorbellFds];
  std::size_t count = 99;
};

}  // namespace

Test(doorbell_message, carries_words_and_descriptors) {
  Line line;
  cr_assert_eq(line.receive(), -EAGAIN);
  const UniqueFd event = new_event(), other = new_event();
  const int both[] = {event.get(), other.get()};
  cr_assert_eq(line.receive({.offset = 12}, both, 2), 0);
  cr_assert_eq(line.count, 2u);
  cr_assert_eq(line.message.offset, 12u);
  cr_assert(line.message.saying == DoorbellSaying::kWelcome);
  cr_assert_eq(::eventfd_write(line.fds[0].get(), 1), 0);
  cr_assert(is_readable(event.get(), 0) && !is_readable(other.get(), 0), "the same ones, in order");
  cr_assert_eq(line.receive({.saying = DoorbellSaying::kRing, .word = 5}), 0);
  cr_assert_eq(line.count, 0u);
  cr_assert_eq(line.message.word, 5u);
  line.a.reset();
  cr_assert_eq(line.receive(), -ECONNRESET);
}

Test(doorbell_message, refuses_what_may_not_be_said) {
  Line line;
  const UniqueFd event = new_event();
  const int one = event.get();
  const std::size_t before = open_descriptors();
  cr_assert_eq(line.receive({.magic = 1}, &one, 1), -EPROTO);
  cr_assert_eq(line.receive({.saying = static_cast<DoorbellSaying>(3)}), -EPROTO);
  cr_assert_eq(line.receive({.saying = DoorbellSaying::kRing}, &one, 1), -EPROTO, "a ring brings no descriptor");
  cr_assert_eq(line.receive({}), -EPROTO, "a welcome brings one");
  cr_assert_eq(line.receive({.offset = 3}, &one, 1), -EPROTO);
  cr_assert_eq(line.receive({.offset = UINT64_MAX - 3}, &one, 1), -EPROTO);
  char bytes[100] = {};
  cr_assert_eq(::send(line.a.get(), bytes, 5, 0), 5);
  cr_assert_eq(line.receive(), -EPROTO, "too short");
  const DoorbellMessage sound{.saying = DoorbellSaying::kRing};
  std::memcpy(bytes, &sound, sizeof sound);
  cr_assert_eq(::send(line.a.get(), bytes, sizeof bytes, 0), 100);
  cr_assert_eq(line.receive(), -EPROTO, "too long");
  cr_assert_eq(line.receive(sound), 0, "none of it is left");
  for (UniqueFd& fd : line.fds) fd.reset();
  cr_assert_eq(open_descriptors(), before, "nor any descriptor");
}

Test(doorbell_message, a_writer_is_not_held_up) {
  Line line;
  int error = 0;
  while (error == 0) error = send_doorbell_message(line.a.get(), {.saying = DoorbellSaying::kRing});
  cr_assert_eq(error, -EAGAIN);
  line.b.reset();
  cr_assert_lt(send_doorbell_message(line.a.get(), {}), 0);
}

Test(doorbell_message, takes_no_path_that_is_too_long) {
  sockaddr_un address;
  cr_assert(doorbell_address(std::string(107, 'x'), &address));
  cr_assert_not(doorbell_address(std::string(108, 'x'), &address));
}

Test(doorbell_message, knows_our_user) {
  const Line line;
  cr_assert(is_of_our_user(line.a.get()));
  cr_assert_not(is_of_our_user(-1));
}
