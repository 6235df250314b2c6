// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "abi/poll_set.h"
#include "open_domain.h"

using namespace anchor;

Test(poll_set, says_which_member_has_something) {
  const OpenDomain open;
  int queue_context = 0, counter_context = 0;
  fi_poll_attr attr{};
  Opened<fid_cq> cq;
  fi_cq_attr cq_attr{};
  cq_attr.format = FI_CQ_FORMAT_TAGGED;
  cr_assert_eq(fi_cq_open(open.domain.get(), &cq_attr, cq.out(), &queue_context), 0);
  Opened<fid_cntr> cntr;
  cr_assert_eq(fi_cntr_open(open.domain.get(), nullptr, cntr.out(), &counter_context), 0);
  OpenEndpoint self(open);
  Opened<fid_poll> set;
  cr_assert_eq(fi_poll_open(open.domain.get(), &attr, set.out()), 0);
  cr_assert_eq(fi_poll_add(set.get(), cq.fid(), 0), 0);
  cr_assert_eq(fi_poll_add(set.get(), cntr.fid(), 0), 0);
  cr_assert_eq(fi_poll_add(set.get(), self.ep.fid(), 0), -FI_EINVAL);
  void* contexts[2] = {};
  cr_assert_eq(fi_poll(set.get(), contexts, 2), 0);
  cr_assert_eq(fi_cntr_add(cntr.get(), 1), 0);
  cr_assert_eq(fi_poll(set.get(), contexts, 2), 1);
  cr_assert_eq(contexts[0], &counter_context);
  cr_assert_eq(fi_poll(set.get(), contexts, 2), 0, "it has not changed since");
  cr_assert_eq(fi_close(cq.fid()), -FI_EBUSY);
  cr_assert_eq(fi_poll_del(set.get(), cq.fid(), 0), 0);
  cr_assert_eq(fi_poll_del(set.get(), cq.fid(), 0), -FI_EINVAL);
  cr_assert_eq(fi_poll_del(set.get(), cntr.fid(), 0), 0);
}

Test(poll_set, makes_progress) {
  const OpenDomain open;
  OpenEndpoint self(open);
  cr_assert_eq(fi_enable(self.ep.get()), 0);
  const fi_addr_t address = self.self();
  Opened<fid_poll> set;
  fi_poll_attr attr{};
  cr_assert_eq(fi_poll_open(open.domain.get(), &attr, set.out()), 0);
  cr_assert_eq(fi_poll_add(set.get(), self.cq.fid(), 0), 0);
  char in = 0;
  cr_assert_eq(fi_trecv(self.ep.get(), &in, 1, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr), 0);
  cr_assert_eq(fi_tinject(self.ep.get(), "x", 1, address, 1), 0);
  void* context;
  while (fi_poll(set.get(), &context, 1) == 0) {
  }
  fi_cq_tagged_entry entry;
  cr_assert_eq(fi_cq_read(self.cq.get(), &entry, 1), 1);
  cr_assert_eq(fi_poll_del(set.get(), self.cq.fid(), 0), 0);
}
