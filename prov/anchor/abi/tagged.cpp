// SPDX-License-Identifier: BSD-2-Clause
// fi_tagged(3): arguments to WorkRequest, nothing else. The endpoint is enabled, or another table would be in place.
#include "abi/ep.h"
#include "abi/transfer.h"
#include "abi/unsupported.h"

namespace anchor {
namespace {

// A claim is found again by its context; what to discard has to be found by a peek or to have been claimed.
bool is_consistent(std::uint64_t flags, const void* context) noexcept {
  if ((flags & FI_CLAIM) != 0 && context == nullptr) return false;
  return (flags & FI_DISCARD) == 0 || (flags & (FI_PEEK | FI_CLAIM)) != 0;
}

ssize_t recv(fid_ep* ep, void* buf, size_t len, void*, fi_addr_t src_addr, uint64_t tag, uint64_t ignore,
             void* context) noexcept {
  Ep& self = Ep::from(ep);
  const Transfer transfer{WorkType::kTaggedReceive, self.defaults().tagged_receive, src_addr, tag, ignore, 0, context};
  return submit(self, transfer, buf, len, SIZE_MAX);
}

ssize_t recvv(fid_ep* ep, const iovec* iov, void**, size_t count, fi_addr_t src_addr, uint64_t tag, uint64_t ignore,
              void* context) noexcept {
  Ep& self = Ep::from(ep);
  const Transfer transfer{WorkType::kTaggedReceive, self.defaults().tagged_receive, src_addr, tag, ignore, 0, context};
  return submit(self, transfer, iov, count, SIZE_MAX);
}

ssize_t recvmsg(fid_ep* ep, const fi_msg_tagged* msg, uint64_t flags) noexcept {
  Ep& self = Ep::from(ep);
  if ((flags & ~kTaggedReceiveFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  if ((flags & kPeekFlags) != 0 && !is_consistent(flags, msg->context)) [[unlikely]]
    return -FI_EINVAL;
  // fi_tagged(3): what is discarded has no buffer.
  const std::size_t count = (flags & FI_DISCARD) != 0 ? 0 : msg->iov_count;
  const Transfer transfer{WorkType::kTaggedReceive,
                          tagged_receive_flags(flags, self.defaults().selective_receive),
                          msg->addr,
                          msg->tag,
                          msg->ignore,
                          0,
                          msg->context};
  return submit(self, transfer, msg->msg_iov, count, SIZE_MAX);
}

ssize_t send(fid_ep* ep, const void* buf, size_t len, void*, fi_addr_t dest_addr, uint64_t tag,
             void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kTaggedSend, self.defaults().send, dest_addr, tag, 0, 0, context}, buf, len,
                self.defaults().send_limit);
}

ssize_t sendv(fid_ep* ep, const iovec* iov, void**, size_t count, fi_addr_t dest_addr, uint64_t tag,
              void* context) noexcept {
  Ep& self = Ep::from(ep);
  return submit(self, {WorkType::kTaggedSend, self.defaults().send, dest_addr, tag, 0, 0, context}, iov, count,
                self.defaults().send_limit);
}

ssize_t sendmsg(fid_ep* ep, const fi_msg_tagged* msg, uint64_t flags) noexcept {
  Ep& self = Ep::from(ep);
  if ((flags & ~kSendMessageFlags) != 0) [[unlikely]]
    return -FI_EBADFLAGS;
  const Transfer transfer{
      WorkType::kTaggedSend, send_flags(flags, self.defaults().selective_send), msg->addr, msg->tag, 0, msg->data,
      msg->context};
  return submit(self, transfer, msg->msg_iov, msg->iov_count, send_limit(flags));
}

ssize_t inject(fid_ep* ep, const void* buf, size_t len, fi_addr_t dest_addr, uint64_t tag) noexcept {
  return submit(Ep::from(ep), {WorkType::kTaggedSend, kInject, dest_addr, tag, 0, 0, nullptr}, buf, len, kInjectSize);
}

ssize_t senddata(fid_ep* ep, const void* buf, size_t len, void*, uint64_t data, fi_addr_t dest_addr, uint64_t tag,
                 void* context) noexcept {
  Ep& self = Ep::from(ep);
  const Transfer transfer{WorkType::kTaggedSend, self.defaults().send | kRemoteData, dest_addr, tag, 0, data, context};
  return submit(self, transfer, buf, len, self.defaults().send_limit);
}

ssize_t injectdata(fid_ep* ep, const void* buf, size_t len, uint64_t data, fi_addr_t dest_addr, uint64_t tag) noexcept {
  return submit(Ep::from(ep), {WorkType::kTaggedSend, kInject | kRemoteData, dest_addr, tag, 0, data, nullptr}, buf,
                len, kInjectSize);
}

constexpr fi_ops_tagged make_ops(bool sends, bool receives) noexcept {
  fi_ops_tagged ops = {
      .size = sizeof(fi_ops_tagged),
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

fi_ops_tagged both_ways = make_ops(true, true);
fi_ops_tagged send_only = make_ops(true, false);
fi_ops_tagged receive_only = make_ops(false, true);

}  // namespace

fi_ops_tagged* tagged_ops(std::uint64_t caps) noexcept {
  if ((caps & FI_SEND) == 0) return &receive_only;
  return (caps & FI_RECV) != 0 ? &both_ways : &send_only;
}

}  // namespace anchor
