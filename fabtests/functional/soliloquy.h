// SPDX-License-Identifier: BSD-2-Clause
// An endpoint that talks to itself, with one completion queue of a chosen format and size, read by the test itself.
#pragma once

#include <rdma/fi_tagged.h>
#include <sched.h>

#include "common/node.h"

namespace anchor::fabtests {

struct Soliloquy {
  explicit Soliloquy(fi_cq_format format, std::size_t size = 0) : open(OpenDomain::usual()) {
    cq = open_cq(open.domain.get(), format, size);
    av = open_av(open.domain.get());
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    REQUIRE_OK(fi_enable(ep.get()));
    self = insert_address(av.get(), name_of(ep.get()));
  }

  void exchange(std::uint64_t tag, char* place) {
    while (fi_trecv(ep.get(), place, 16, nullptr, FI_ADDR_UNSPEC, tag, 0, place) == -FI_EAGAIN) make_progress();
    while (fi_tinjectdata(ep.get(), "0123456789", 10, tag + 1, self, tag) == -FI_EAGAIN) make_progress();
  }
  void make_progress() { fi_cq_read(cq.get(), nullptr, 0); }

  template <class Entry>
  ssize_t read(Entry* entries, std::size_t count) {
    const Deadline deadline(10);
    ssize_t rc;
    while ((rc = fi_cq_read(cq.get(), entries, count)) == -FI_EAGAIN && !deadline.expired()) sched_yield();
    return rc;
  }

  OpenDomain open;
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
  fi_addr_t self = 0;
};

}  // namespace anchor::fabtests
