// SPDX-License-Identifier: BSD-2-Clause
// fi_msg(3): arguments to WorkRequest, nothing else. The endpoint is enabled, or another table would be in place.
#include "abi/ep.h"
#include "abi/transfer.h"
#include "abi/unsupported.h"

namespace anchor {
namespace {

ssize_t recv(fid_ep* ep, void* buf, size_t len, void*, fi_addr_t src_addr, void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kReceive, self.defaults().receive, src_addr, 0, 0, 0, context}, buf, len, SIZE_MAX);
}

ssize_t recvv(fid_ep* ep, const iovec* iov, void**, size_t count, fi_addr_t src_addr, void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kReceive, self.defaults().receive, src_addr, 0, 0, 0, context}, iov, count, SIZE_MAX);
}

ssize_t recvmsg(fid_ep* ep, const fi_msg* msg, uint64_t flags) noexcept {
  Ep& self = Ep::from(ep);
  if ((flags & ~kReceiveMessageFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  const Transfer transfer{
      WorkType::kReceive, receive_flags(flags, self.defaults().selective_receive), msg->addr, 0, 0, 0, msg->context};
  return submit(self, transfer, msg->msg_iov, msg->iov_count, SIZE_MAX);
}

ssize_t send(fid_ep* ep, const void* buf, size_t len, void*, fi_addr_t dest_addr, void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kSend, self.defaults().send, dest_addr, 0, 0, 0, context}, buf, len,
                self.defaults().send_limit);
}

ssize_t sendv(fid_ep* ep, const iovec* iov, void**, size_t count, fi_addr_t dest_addr, void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kSend, self.defaults().send, dest_addr, 0, 0, 0, context}, iov, count,
                self.defaults().send_limit);
}

ssize_t sendmsg(fid_ep* ep, const fi_msg* msg, uint64_t flags) noexcept {
  Ep& self = Ep::from(ep);
  if ((flags & ~kSendMessageFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  const Transfer transfer{
      WorkType::kSend, send_flags(flags, self.defaults().selective_send), msg->addr, 0, 0, msg->data, msg->context};
  return submit(self, transfer, msg->msg_iov, msg->iov_count, send_limit(flags));
}

ssize_t inject(fid_ep* ep, const void* buf, size_t len, fi_addr_t dest_addr) noexcept {
  return submit(Ep::from(ep), {WorkType::kSend, kInject, dest_addr, 0, 0, 0, nullptr}, buf, len, kInjectSize);
}

ssize_t senddata(fid_ep* ep, const void* buf, size_t len, void*, uint64_t data, fi_addr_t dest_addr,
                 void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kSend, self.defaults().send | kRemoteData, dest_addr, 0, 0, data, context}, buf, len,
                self.defaults().send_limit);
}

ssize_t injectdata(fid_ep* ep, const void* buf, size_t len, uint64_t data, fi_addr_t dest_addr) noexcept {
  return submit(Ep::from(ep), {WorkType::kSend, kInject | kRemoteData, dest_addr, 0, 0, data, nullptr}, buf, len,
                kInjectSize);
}

constexpr fi_ops_msg make_ops(bool sends, bool receives) noexcept {
  fi_ops_msg ops = {
      .size = sizeof(fi_ops_msg),
      .recv = refuse<-FI_ENOSYS>,
      .recvv = refuse<-FI_ENOSYS>,
      .recvmsg = refuse<-FI_ENOSYS>,
      .send = refuse<-FI_ENOSYS>,
      .sendv = refuse<-FI_ENOSYS>,
      .sendmsg = refuse<-FI_ENOSYS>,
      .inject = refuse<-FI_ENOSYS>,
      .senddata = refuse<-FI_ENOSYS>,
      .injectdata = refuse<-FI_ENOSYS>,
  };
  if (receives) {
    ops.recv = recv;
    ops.recvv = recvv;
    ops.recvmsg = recvmsg;
  }
  if (sends) {
    ops.send = send;
    ops.sendv = sendv;
    ops.sendmsg = sendmsg;
    ops.inject = inject;
    ops.senddata = senddata;
    ops.injectdata = injectdata;
  }
  return ops;
}

fi_ops_msg both_ways = make_ops(true, true);
fi_ops_msg send_only = make_ops(true, false);
fi_ops_msg receive_only = make_ops(false, true);

}  // namespace

fi_ops_msg* message_ops(std::uint64_t caps) noexcept {
  if ((caps & FI_SEND) == 0) return &receive_only;
  return (caps & FI_RECV) != 0 ? &both_ways : &send_only;
}

}  // namespace anchor
