// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <poll.h>

#include <thread>

#include "abi/wait_set.h"
#include "condition.h"
#include "open_domain.h"

using namespace anchor;

namespace {

struct Set {
  explicit Set(fi_wait_obj object = FI_WAIT_FD) {
    fi_wait_attr attr{object, 0};
    cr_assert_eq(fi_wait_open(open.fabric.get(), &attr, set.out()), 0);
    fi_cntr_attr cntr_attr{};
    cntr_attr.wait_obj = FI_WAIT_SET;
    cntr_attr.wait_set = set.get();
    cr_assert_eq(fi_cntr_open(open.domain.get(), &cntr_attr, cntr.out(), nullptr), 0);
    fi_cq_attr cq_attr{};
    cq_attr.wait_obj = FI_WAIT_SET;
    cq_attr.wait_set = set.get();
    cr_assert_eq(fi_cq_open(open.domain.get(), &cq_attr, cq.out(), nullptr), 0);
    fi_eq_attr eq_attr{};
    eq_attr.flags = FI_WRITE;
    eq_attr.wait_obj = FI_WAIT_SET;
    eq_attr.wait_set = set.get();
    cr_assert_eq(fi_eq_open(open.fabric.get(), &eq_attr, eq.out(), nullptr), 0);
  }

  OpenDomain open;
  Opened<fid_wait> set;
  Opened<fid_cntr> cntr;
  Opened<fid_cq> cq;
  Opened<fid_eq> eq;
};

}  // namespace

Test(wait_set, ends_with_any_member_or_with_time) {
  Set set;
  cr_assert_eq(fi_wait(set.set.get(), 0), -FI_ETIMEDOUT);
  cr_assert_eq(fi_wait(set.set.get(), 5), -FI_ETIMEDOUT);
  std::thread adder([&] { fi_cntr_add(set.cntr.get(), 1); });
  cr_assert_eq(fi_wait(set.set.get(), -1), 0);
  adder.join();
  cr_assert_eq(fi_cntr_read(set.cntr.get()), 1u);
  cr_assert_eq(fi_wait(set.set.get(), 1), -FI_ETIMEDOUT);
  fi_eq_entry entry{};
  std::thread writer([&] { fi_eq_write(set.eq.get(), FI_NOTIFY, &entry, sizeof(entry), 0); });
  cr_assert_eq(fi_wait(set.set.get(), -1), 0);
  writer.join();
}

Test(wait_set, has_a_descriptor_of_its_own) {
  Set set;
  int fd = -1;
  cr_assert_eq(fi_control(set.set.fid(), FI_GETWAIT, &fd), 0);
  fid* object = set.set.fid();
  pollfd wanted{fd, POLLIN, 0};
  cr_assert_eq(fi_trywait(set.open.fabric.get(), &object, 1), 0);
  cr_assert_eq(::poll(&wanted, 1, 0), 0);
  cr_assert_eq(fi_cntr_add(set.cntr.get(), 1), 0);
  cr_assert_eq(::poll(&wanted, 1, 0), 1);
  cr_assert_eq(fi_trywait(set.open.fabric.get(), &object, 1), -FI_EAGAIN);
}

Test(wait_set, has_a_condition_of_its_own) {
  Set set(FI_WAIT_MUTEX_COND);
  const fi_mutex_cond condition = condition_of(set.set.fid());
  std::thread adder([&] { fi_cntr_add(set.cntr.get(), 1); });
  await_condition(set.open, set.set.fid(), condition);
  adder.join();
  cr_assert_eq(fi_cntr_read(set.cntr.get()), 1u);
}

Test(wait_set, is_busy_while_it_has_members) {
  Set set;
  cr_assert_eq(fi_close(set.set.fid()), -FI_EBUSY);
}

Test(wait_set, what_is_not_served) {
  OpenDomain open;
  fid_wait* set = nullptr;
  fi_wait_attr attr{FI_WAIT_SET, 0};
  cr_assert_eq(fi_wait_open(open.fabric.get(), &attr, &set), -FI_ENOSYS);
  attr = {FI_WAIT_FD, 1};
  cr_assert_eq(fi_wait_open(open.fabric.get(), &attr, &set), -FI_EBADFLAGS);
  fi_cq_attr cq_attr{};
  cq_attr.wait_obj = FI_WAIT_SET;
  fid_cq* cq = nullptr;
  cr_assert_eq(fi_cq_open(open.domain.get(), &cq_attr, &cq, nullptr), -FI_EINVAL);
}
