// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "abi/mr.h"
#include "core/work_request.h"
#include "open_domain.h"

using namespace anchor;

Test(mr, local_access_only) {
  OpenDomain open;
  char bytes[8];
  Opened<fid_mr> mr;
  cr_assert_eq(fi_mr_reg(open.domain.get(), bytes, 8, FI_SEND | FI_RECV, 0, 7, 0, mr.out(), nullptr), 0);
  cr_assert_eq(fi_mr_key(mr.get()), FI_KEY_NOTAVAIL);
  cr_assert_eq(open.domain.close(), -FI_EBUSY);
  fid_mr* remote = nullptr;
  cr_assert_eq(fi_mr_reg(open.domain.get(), bytes, 8, FI_REMOTE_WRITE, 0, 7, 0, &remote, nullptr), -FI_ENOSYS);
  cr_assert_eq(fi_mr_reg(open.domain.get(), bytes, 8, FI_SEND, 0, 7, FI_RMA_EVENT, &remote, nullptr), -FI_EBADFLAGS);
}

Test(mr, several_segments) {
  const OpenDomain open;
  const iovec segments[kMaxSegments + 1] = {};
  fid_mr* many = nullptr;
  cr_assert_eq(fi_mr_regv(open.domain.get(), segments, kMaxSegments + 1, FI_SEND, 0, 0, 0, &many, nullptr), -FI_EINVAL);
  Opened<fid_mr> mr;
  fi_mr_attr attr{};
  attr.mr_iov = segments;
  attr.iov_count = kMaxSegments;
  attr.access = FI_RECV;
  cr_assert_eq(fi_mr_regattr(open.domain.get(), &attr, 0, mr.out()), 0);
}
