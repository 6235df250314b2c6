// SPDX-License-Identifier: BSD-2-Clause
#include "abi/unsupported.h"

#include <rdma/fi_errno.h>

namespace anchor {
namespace {

template <int kStatus>
constexpr fi_ops_msg refused_messages() noexcept {
  return {
      .size = sizeof(fi_ops_msg),
      .recv = refuse<kStatus>,
      .recvv = refuse<kStatus>,
      .recvmsg = refuse<kStatus>,
      .send = refuse<kStatus>,
      .sendv = refuse<kStatus>,
      .sendmsg = refuse<kStatus>,
      .inject = refuse<kStatus>,
      .senddata = refuse<kStatus>,
      .injectdata = refuse<kStatus>,
  };
}

template <int kStatus>
constexpr fi_ops_tagged refused_tagged() noexcept {
  return {
      .size = sizeof(fi_ops_tagged),
      .recv = refuse<kStatus>,
      .recvv = refuse<kStatus>,
      .recvmsg = refuse<kStatus>,
      .send = refuse<kStatus>,
      .sendv = refuse<kStatus>,
      .sendmsg = refuse<kStatus>,
      .inject = refuse<kStatus>,
      .senddata = refuse<kStatus>,
      .injectdata = refuse<kStatus>,
  };
}

template <int kStatus>
constexpr fi_ops_rma refused_rma() noexcept {
  return {
      .size = sizeof(fi_ops_rma),
      .read = refuse<kStatus>,
      .readv = refuse<kStatus>,
      .readmsg = refuse<kStatus>,
      .write = refuse<kStatus>,
      .writev = refuse<kStatus>,
      .writemsg = refuse<kStatus>,
      .inject = refuse<kStatus>,
      .writedata = refuse<kStatus>,
      .injectdata = refuse<kStatus>,
  };
}

}  // namespace

fi_ops_msg unsupported_messages = refused_messages<-FI_ENOSYS>();
fi_ops_tagged unsupported_tagged = refused_tagged<-FI_ENOSYS>();
fi_ops_msg disabled_messages = refused_messages<-FI_EOPBADSTATE>();
fi_ops_tagged disabled_tagged = refused_tagged<-FI_EOPBADSTATE>();

fi_ops_rma unsupported_rma = refused_rma<-FI_ENOSYS>();
fi_ops_rma disabled_rma = refused_rma<-FI_EOPBADSTATE>();

fi_ops_atomic unsupported_atomic{
    .size = sizeof(fi_ops_atomic),
    .write = refuse<-FI_ENOSYS>,
    .writev = refuse<-FI_ENOSYS>,
    .writemsg = refuse<-FI_ENOSYS>,
    .inject = refuse<-FI_ENOSYS>,
    .readwrite = refuse<-FI_ENOSYS>,
    .readwritev = refuse<-FI_ENOSYS>,
    .readwritemsg = refuse<-FI_ENOSYS>,
    .compwrite = refuse<-FI_ENOSYS>,
    .compwritev = refuse<-FI_ENOSYS>,
    .compwritemsg = refuse<-FI_ENOSYS>,
    .writevalid = refuse<-FI_ENOSYS>,
    .readwritevalid = refuse<-FI_ENOSYS>,
    .compwritevalid = refuse<-FI_ENOSYS>,
};

fi_ops_collective unsupported_collective{
    .size = sizeof(fi_ops_collective),
    .barrier = refuse<-FI_ENOSYS>,
    .broadcast = refuse<-FI_ENOSYS>,
    .alltoall = refuse<-FI_ENOSYS>,
    .allreduce = refuse<-FI_ENOSYS>,
    .allgather = refuse<-FI_ENOSYS>,
    .reduce_scatter = refuse<-FI_ENOSYS>,
    .reduce = refuse<-FI_ENOSYS>,
    .scatter = refuse<-FI_ENOSYS>,
    .gather = refuse<-FI_ENOSYS>,
    .msg = refuse<-FI_ENOSYS>,
    .barrier2 = refuse<-FI_ENOSYS>,
};

}  // namespace anchor
