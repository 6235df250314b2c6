// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <poll.h>
#include <rdma/fi_errno.h>

#include <cerrno>
#include <cstring>

#include "abi/wait_object.h"

using namespace anchor;

namespace {

constexpr int kDescriptor = 7;

int ask(fi_wait_obj object, int command, void* argument) {
  WaitCondition condition;
  return wait_object_control(object, kDescriptor, condition, command, argument);
}

}  // namespace

Test(wait_object, sets_are_for_members_alone) {
  for (const fi_wait_obj object :
       {FI_WAIT_NONE, FI_WAIT_UNSPEC, FI_WAIT_FD, FI_WAIT_MUTEX_COND, FI_WAIT_YIELD, FI_WAIT_POLLFD}) {
    cr_assert_eq(check_wait_object(object), 0);
    cr_assert_eq(check_member_wait_object(object), 0);
  }
  cr_assert_eq(check_wait_object(FI_WAIT_SET), -FI_ENOSYS);
  cr_assert_eq(check_member_wait_object(FI_WAIT_SET), 0);
}

Test(wait_object, some_need_a_descriptor_and_some_show_it) {
  cr_assert_not(has_descriptor(FI_WAIT_NONE) || has_descriptor(FI_WAIT_UNSPEC) || has_descriptor(FI_WAIT_YIELD));
  cr_assert(has_descriptor(FI_WAIT_FD) && has_descriptor(FI_WAIT_POLLFD));
  cr_assert(has_descriptor(FI_WAIT_SET) && has_descriptor(FI_WAIT_MUTEX_COND));
  cr_assert(shows_descriptor(FI_WAIT_FD) && shows_descriptor(FI_WAIT_POLLFD));
  cr_assert_not(shows_descriptor(FI_WAIT_SET) || shows_descriptor(FI_WAIT_MUTEX_COND));
}

Test(wait_object, tells_what_it_is) {
  fi_wait_obj object = FI_WAIT_NONE;
  cr_assert_eq(ask(FI_WAIT_YIELD, FI_GETWAITOBJ, &object), 0);
  cr_assert_eq(object, FI_WAIT_YIELD);
  cr_assert_eq(ask(FI_WAIT_FD, FI_BACKLOG, &object), -FI_ENOSYS);
}

Test(wait_object, gives_its_descriptor_where_there_is_one_to_give) {
  int descriptor = -1;
  cr_assert_eq(ask(FI_WAIT_FD, FI_GETWAIT, &descriptor), 0);
  cr_assert_eq(descriptor, kDescriptor);
  for (const fi_wait_obj object : {FI_WAIT_NONE, FI_WAIT_UNSPEC, FI_WAIT_YIELD, FI_WAIT_SET})
    cr_assert_eq(ask(object, FI_GETWAIT, &descriptor), -FI_ENODATA);
}

Test(wait_object, fills_an_array_that_has_room) {
  pollfd found{};
  fi_wait_pollfd wanted{};
  cr_assert_eq(ask(FI_WAIT_POLLFD, FI_GETWAIT, &wanted), -FI_ETOOSMALL);
  cr_assert_eq(wanted.nfds, 1u, "how many there are");
  wanted.fd = &found;
  cr_assert_eq(ask(FI_WAIT_POLLFD, FI_GETWAIT, &wanted), 0);
  cr_assert_eq(found.fd, kDescriptor);
  cr_assert_eq(found.events, POLLIN);
}

Test(wait_object, a_condition_without_a_descriptor_to_follow_is_an_error) {
  WaitCondition condition;
  fi_mutex_cond wanted{};
  cr_assert_lt(wait_object_control(FI_WAIT_MUTEX_COND, -1, condition, FI_GETWAIT, &wanted), 0);
  cr_assert_null(wanted.mutex);
}

Test(wait_object, errors_have_words) {
  char text[8] = "";
  cr_assert_str_eq(provider_error_text(EIO, nullptr, 0), std::strerror(EIO));
  cr_assert_str_eq(provider_error_text(-EACCES, nullptr, 0), "the peer's memory region does not allow this access");
  cr_assert_eq(provider_error_text(-EACCES, text, sizeof text), text);
  cr_assert_str_eq(text, "the pee", "as much as there is room for");
}
