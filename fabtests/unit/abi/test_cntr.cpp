// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <poll.h>

#include <thread>

#include "abi/cntr.h"
#include "condition.h"
#include "open_domain.h"

using namespace anchor;

namespace {

struct OpenCounter {
  explicit OpenCounter(fi_wait_obj wait) {
    fi_cntr_attr attr{};
    attr.wait_obj = wait;
    cr_assert_eq(fi_cntr_open(open.domain.get(), &attr, cntr.out(), nullptr), 0);
  }
  OpenDomain open;
  Opened<fid_cntr> cntr;
};

}  // namespace

Test(cntr, a_wait_ends_at_the_threshold_at_an_error_or_with_time) {
  OpenCounter counter(FI_WAIT_UNSPEC);
  fid_cntr* cntr = counter.cntr.get();
  cr_assert_eq(fi_cntr_wait(cntr, 1, 0), -FI_ETIMEDOUT);
  cr_assert_eq(fi_cntr_wait(cntr, 1, 1), -FI_ETIMEDOUT);
  std::thread adder([&] { fi_cntr_add(cntr, 2); });
  cr_assert_eq(fi_cntr_wait(cntr, 2, -1), 0);
  adder.join();
  std::thread failer([&] {
    while (fi_cntr_readerr(cntr) == 0) fi_cntr_adderr(cntr, 1);
  });
  const int status = fi_cntr_wait(cntr, 3, 1000);
  failer.join();
  cr_assert(status == -FI_EAVAIL || fi_cntr_readerr(cntr) == 1);
}

// fi_cntr(3) calls it invalid, but libfabric's own tests do it.
Test(cntr, waiting_needs_no_wait_object) {
  OpenCounter counter(FI_WAIT_NONE);
  cr_assert_eq(fi_cntr_wait(counter.cntr.get(), 0, 0), 0);
  cr_assert_eq(fi_cntr_wait(counter.cntr.get(), 1, 0), -FI_ETIMEDOUT);
}

Test(cntr, it_has_no_operational_flags) {
  OpenCounter counter(FI_WAIT_NONE);
  std::uint64_t flags = FI_COMPLETION;
  cr_assert_eq(fi_control(counter.cntr.fid(), FI_GETOPSFLAG, &flags), 0);
  cr_assert_eq(flags, 0u);
  cr_assert_eq(fi_control(counter.cntr.fid(), FI_SETOPSFLAG, &flags), 0);
  flags = FI_COMPLETION;
  cr_assert_eq(fi_control(counter.cntr.fid(), FI_SETOPSFLAG, &flags), -FI_EBADFLAGS);
}

Test(cntr, attributes) {
  const OpenDomain open;
  fid_cntr* cntr = nullptr;
  fi_cntr_attr attr{};
  attr.flags = 1;
  cr_assert_eq(fi_cntr_open(open.domain.get(), &attr, &cntr, nullptr), -FI_EBADFLAGS);
  attr = {};
  attr.wait_obj = static_cast<fi_wait_obj>(7);
  cr_assert_eq(fi_cntr_open(open.domain.get(), &attr, &cntr, nullptr), -FI_ENOSYS);
}

Test(cntr, its_condition_is_signalled_by_an_addition) {
  OpenCounter counter(FI_WAIT_MUTEX_COND);
  const fi_mutex_cond condition = condition_of(counter.cntr.fid());
  std::thread adder([&] { fi_cntr_add(counter.cntr.get(), 1); });
  await_condition(counter.open, counter.cntr.fid(), condition);
  adder.join();
  cr_assert_eq(fi_cntr_read(counter.cntr.get()), 1u);
}

Test(cntr, its_descriptor_is_readable_once_it_counted) {
  OpenCounter counter(FI_WAIT_FD);
  fid_cntr* cntr = counter.cntr.get();
  int fd = -1;
  cr_assert_eq(fi_control(counter.cntr.fid(), FI_GETWAIT, &fd), 0);
  fid* object = counter.cntr.fid();
  const auto readable = [fd] {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1;
  };
  cr_assert_eq(fi_trywait(counter.open.fabric.get(), &object, 1), 0);
  cr_assert_not(readable());
  cr_assert_eq(fi_cntr_add(cntr, 1), 0);
  cr_assert(readable());
  cr_assert_eq(fi_trywait(counter.open.fabric.get(), &object, 1), -FI_EAGAIN);
  cr_assert_eq(fi_cntr_read(cntr), 1u);
  cr_assert_eq(fi_trywait(counter.open.fabric.get(), &object, 1), 0);
  cr_assert_not(readable());
}
