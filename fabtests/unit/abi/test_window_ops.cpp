// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <rdma/fi_ext_anchor.h>

#include "open_domain.h"

using namespace anchor;

Test(window_ops, memory_of_the_process_needs_none) {
  const OpenDomain open;
  void* ops = nullptr;
  cr_assert_eq(fi_open_ops(open.domain.fid(), FI_ANCHOR_WINDOW_OPS, 0, &ops, nullptr), -FI_ENOSYS);
  cr_assert_eq(fi_open_ops(open.domain.fid(), "other ops", 0, &ops, nullptr), -FI_ENOSYS);
  cr_assert_eq(fi_open_ops(open.domain.fid(), nullptr, 0, &ops, nullptr), -FI_ENOSYS);
  cr_assert_eq(fi_open_ops(open.domain.fid(), FI_ANCHOR_WINDOW_OPS, 1, &ops, nullptr), -FI_EBADFLAGS);
  cr_assert_null(ops);
}
