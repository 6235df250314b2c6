// SPDX-License-Identifier: BSD-2-Clause
// A reliable datagram endpoint of any provider whose one completion queue has a descriptor to wait for.
//
// Whatever cannot be opened ends the program, with a word on why. Single-threaded.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_tagged.h>

#include <memory>
#include <string>
#include <string_view>

namespace anchor::examples {

[[noreturn]] void give_up(std::string_view what, std::string_view why);
// Ends the program unless `rc` is zero or positive; a negative one is a libfabric error.
void require(long rc, std::string_view what);

struct Closer {
  void operator()(fi_info* info) const noexcept { fi_freeinfo(info); }
  template <class Object>
  void operator()(Object* object) const noexcept {
    fi_close(&object->fid);
  }
};
template <class Object>
using Owned = std::unique_ptr<Object, Closer>;

class Endpoint {
 public:
  // `source`: an address of this host that the endpoint is to have; empty: the provider's choice.
  Endpoint(const std::string& provider, const std::string& source);

  fid_ep* ep() const noexcept { return ep_.get(); }
  fid_av* addresses() const noexcept { return av_.get(); }
  fid_cq* queue() const noexcept { return cq_.get(); }
  std::string name() const;
  // FI_ADDR_NOTAVAIL if it is no name.
  fi_addr_t insert(std::string_view name);

  int descriptor() const noexcept { return descriptor_; }
  // Whether one may wait for the descriptor now. If not, something is there, or progress must be made first: read.
  bool may_sleep() const noexcept;
  // To be called before buffers of outstanding operations go.
  void close() noexcept { ep_.reset(); }

 private:
  Owned<fi_info> info_;
  Owned<fid_fabric> fabric_;
  Owned<fid_domain> domain_;
  Owned<fid_cq> cq_;
  Owned<fid_av> av_;
  Owned<fid_ep> ep_;
  int descriptor_ = -1;
};

// Names are bytes; on the control socket they travel as hexadecimal digits.
std::string to_digits(std::string_view name);
std::string from_digits(std::string_view digits);

}  // namespace anchor::examples
