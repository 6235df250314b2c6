// SPDX-License-Identifier: BSD-2-Clause
// fi_ops_av as it is since libfabric 1.20, whichever headers we are built with: an application of a newer libfabric
// looks at the table's size, finds the slots that came later, and may use them.
#pragma once

#include <rdma/fi_collective.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_errno.h>

#include <cstddef>
#include <cstdint>

#include "abi/unsupported.h"

namespace anchor {

using SetUserId = int (*)(fid_av* av, fi_addr_t address, fi_addr_t id, std::uint64_t flags);

// What a vector of ours serves.
struct AvCalls {
  decltype(fi_ops_av::insert) insert;
  decltype(fi_ops_av::insertsvc) insertsvc;
  decltype(fi_ops_av::insertsym) insertsym;
  decltype(fi_ops_av::remove) remove;
  decltype(fi_ops_av::lookup) lookup;
  decltype(fi_ops_av::straddr) straddr;
};

#ifdef FI_AV_AUTH_KEY

struct AvOps {
  fi_ops_av base;
};

inline AvOps make_av_ops(const AvCalls& calls, SetUserId set_user_id) noexcept {
  return {.base = {
              .size = sizeof(AvOps),
              .insert = calls.insert,
              .insertsvc = calls.insertsvc,
              .insertsym = calls.insertsym,
              .remove = calls.remove,
              .lookup = calls.lookup,
              .straddr = calls.straddr,
              .av_set = refuse<-FI_ENOSYS>,
              .insert_auth_key = refuse<-FI_ENOSYS>,
              .lookup_auth_key = refuse<-FI_ENOSYS>,
              .set_user_id = set_user_id,
#ifdef FI_XPU  // libfabric 2.6
              .lookup2 = refuse<-FI_ENOSYS>,
#endif
          }};
}

#else

struct AvOps {
  fi_ops_av base;
  int (*insert_auth_key)(fid_av* av, const void* key, std::size_t size, fi_addr_t* address, std::uint64_t flags);
  int (*lookup_auth_key)(fid_av* av, fi_addr_t address, void* key, std::size_t* size);
  SetUserId set_user_id;
};

inline AvOps make_av_ops(const AvCalls& calls, SetUserId set_user_id) noexcept {
  return {.base = {.size = sizeof(AvOps),
                   .insert = calls.insert,
                   .insertsvc = calls.insertsvc,
                   .insertsym = calls.insertsym,
                   .remove = calls.remove,
                   .lookup = calls.lookup,
                   .straddr = calls.straddr,
                   .av_set = refuse<-FI_ENOSYS>},
          .insert_auth_key = refuse<-FI_ENOSYS>,
          .lookup_auth_key = refuse<-FI_ENOSYS>,
          .set_user_id = set_user_id};
}

#endif

}  // namespace anchor
