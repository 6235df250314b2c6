// SPDX-License-Identifier: BSD-2-Clause
// fi_rma(3): arguments to RemoteWork, nothing else. The endpoint is enabled, or another table would be in place.
#include <rdma/fi_rma.h>

#include "abi/remote_transfer.h"
#include "abi/unsupported.h"

namespace anchor {
namespace {

// An endpoint's default flags, without what a read cannot have.
std::uint32_t read_defaults(const Ep& ep) noexcept { return ep.defaults().send & ~(kInject | kRemoteData); }

ssize_t read(fid_ep* ep, void* buf, size_t len, void*, fi_addr_t src_addr, uint64_t addr, uint64_t key,
             void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit_remote(self, {WorkType::kRead, read_defaults(self), src_addr, 0, 0, 0, context}, buf, len, {addr, key},
                       kMaxMessageSize);
}

ssize_t readv(fid_ep* ep, const iovec* iov, void**, size_t count, fi_addr_t src_addr, uint64_t addr, uint64_t key,
              void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit_remote(self, {WorkType::kRead, read_defaults(self), src_addr, 0, 0, 0, context}, iov, count,
                       {addr, key}, kMaxMessageSize);
}

ssize_t readmsg(fid_ep* ep, const fi_msg_rma* msg, uint64_t flags) noexcept {
  Ep& self = Ep::from(ep);
  if ((flags & ~kReadMessageFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  const Transfer transfer{WorkType::kRead, read_flags(flags, self.defaults().selective_send), msg->addr, 0, 0, 0,
                          msg->context};
  return submit_remote(self, transfer, *msg, kMaxMessageSize);
}

ssize_t write(fid_ep* ep, const void* buf, size_t len, void*, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
              void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit_remote(self, {WorkType::kWrite, self.defaults().send, dest_addr, 0, 0, 0, context}, buf, len,
                       {addr, key}, self.defaults().send_limit);
}

ssize_t writev(fid_ep* ep, const iovec* iov, void**, size_t count, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
               void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit_remote(self, {WorkType::kWrite, self.defaults().send, dest_addr, 0, 0, 0, context}, iov, count,
                       {addr, key}, self.defaults().send_limit);
}

ssize_t writemsg(fid_ep* ep, const fi_msg_rma* msg, uint64_t flags) noexcept {
  Ep& self = Ep::from(ep);
  if ((flags & ~kSendMessageFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  const Transfer transfer{
      WorkType::kWrite, send_flags(flags, self.defaults().selective_send), msg->addr, 0, 0, msg->data, msg->context};
  return submit_remote(self, transfer, *msg, send_limit(flags));
}

ssize_t inject(fid_ep* ep, const void* buf, size_t len, fi_addr_t dest_addr, uint64_t addr, uint64_t key) noexcept {
  return submit_remote(Ep::from(ep), {WorkType::kWrite, kInject, dest_addr, 0, 0, 0, nullptr}, buf, len, {addr, key},
                       kInjectSize);
}

ssize_t writedata(fid_ep* ep, const void* buf, size_t len, void*, uint64_t data, fi_addr_t dest_addr, uint64_t addr,
                  uint64_t key, void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit_remote(self, {WorkType::kWrite, self.defaults().send | kRemoteData, dest_addr, 0, 0, data, context},
                       buf, len, {addr, key}, self.defaults().send_limit);
}

ssize_t injectdata(fid_ep* ep, const void* buf, size_t len, uint64_t data, fi_addr_t dest_addr, uint64_t addr,
                   uint64_t key) noexcept {
  return submit_remote(Ep::from(ep), {WorkType::kWrite, kInject | kRemoteData, dest_addr, 0, 0, data, nullptr}, buf,
                       len, {addr, key}, kInjectSize);
}

constexpr fi_ops_rma make_ops(bool reads, bool writes) noexcept {
  fi_ops_rma ops = {
      .size = sizeof(fi_ops_rma),
      .read = refuse<-FI_ENOSYS>,
      .readv = refuse<-FI_ENOSYS>,
      .readmsg = refuse<-FI_ENOSYS>,
      .write = refuse<-FI_ENOSYS>,
      .writev = refuse<-FI_ENOSYS>,
      .writemsg = refuse<-FI_ENOSYS>,
      .inject = refuse<-FI_ENOSYS>,
      .writedata = refuse<-FI_ENOSYS>,
      .injectdata = refuse<-FI_ENOSYS>,
  };
  if (reads) {
    ops.read = read;
    ops.readv = readv;
    ops.readmsg = readmsg;
  }
  if (writes) {
    ops.write = write;
    ops.writev = writev;
    ops.writemsg = writemsg;
    ops.inject = inject;
    ops.writedata = writedata;
    ops.injectdata = injectdata;
  }
  return ops;
}

fi_ops_rma both = make_ops(true, true);
fi_ops_rma read_only = make_ops(true, false);
fi_ops_rma write_only = make_ops(false, true);
fi_ops_rma target_only = make_ops(false, false);

}  // namespace

fi_ops_rma* rma_ops(std::uint64_t caps) noexcept {
  if ((caps & FI_READ) == 0) return (caps & FI_WRITE) != 0 ? &write_only : &target_only;
  return (caps & FI_WRITE) != 0 ? &both : &read_only;
}

}  // namespace anchor
