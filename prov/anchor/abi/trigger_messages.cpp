// SPDX-License-Identifier: BSD-2-Clause
#include "abi/remote_transfer.h"
#include "abi/trigger_calls.h"

namespace anchor {
namespace {

// What goes on where nothing is triggered.
fi_ops_msg& plain_messages(fid_ep* ep) noexcept { return *message_ops(Ep::from(ep).core().caps); }
fi_ops_tagged& plain_tagged(fid_ep* ep) noexcept { return *tagged_ops(Ep::from(ep).core().caps); }

bool receives_by_default(fid_ep* ep) noexcept { return (Ep::from(ep).receive_op_flags() & FI_TRIGGER) != 0; }
std::uint64_t default_receive_flags(fid_ep* ep) noexcept { return Ep::from(ep).receive_op_flags(); }

ssize_t defer_message(Ep& ep, const Transfer& transfer, std::uint64_t flags, const iovec* segments, std::size_t count) {
  std::size_t length;
  if (const int status = total_length(segments, count, kMaxMessageSize, &length)) return status;
  WorkRequest work = work_request(transfer, segments, count, length);
  work.tag = transfer.tag;
  work.ignore = transfer.ignore;
  return defer_by_context(ep, transfer.context, flags, work);
}

ssize_t sendmsg(fid_ep* ep, const fi_msg* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_messages(ep).sendmsg(ep, msg, flags);
  if (!has_caps(ep, FI_SEND)) return -FI_ENOSYS;
  if ((flags & ~(kSendMessageFlags | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  Ep& self = Ep::from(ep);
  const Transfer transfer{
      WorkType::kSend, send_flags(flags, self.defaults().selective_send), msg->addr, 0, 0, msg->data, msg->context};
  return defer_message(self, transfer, flags, msg->msg_iov, msg->iov_count);
}

ssize_t recvmsg(fid_ep* ep, const fi_msg* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_messages(ep).recvmsg(ep, msg, flags);
  if (!has_caps(ep, FI_RECV)) return -FI_ENOSYS;
  if ((flags & ~(kReceiveMessageFlags | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  Ep& self = Ep::from(ep);
  const Transfer transfer{
      WorkType::kReceive, receive_flags(flags, self.defaults().selective_receive), msg->addr, 0, 0, 0, msg->context};
  return defer_message(self, transfer, flags, msg->msg_iov, msg->iov_count);
}

fi_msg message(const iovec* iov, std::size_t count, fi_addr_t address, std::uint64_t data, void* context) noexcept {
  return {.msg_iov = iov, .desc = nullptr, .iov_count = count, .addr = address, .context = context, .data = data};
}

ssize_t sendv(fid_ep* ep, const iovec* iov, void** desc, size_t count, fi_addr_t dest_addr, void* context) noexcept {
  if (!sends_by_default(ep)) return plain_messages(ep).sendv(ep, iov, desc, count, dest_addr, context);
  const fi_msg msg = message(iov, count, dest_addr, 0, context);
  return sendmsg(ep, &msg, default_flags(ep));
}

ssize_t send(fid_ep* ep, const void* buf, size_t len, void* desc, fi_addr_t dest_addr, void* context) noexcept {
  if (!sends_by_default(ep)) return plain_messages(ep).send(ep, buf, len, desc, dest_addr, context);
  const iovec segment{const_cast<void*>(buf), len};
  return sendv(ep, &segment, nullptr, 1, dest_addr, context);
}

ssize_t senddata(fid_ep* ep, const void* buf, size_t len, void* desc, uint64_t data, fi_addr_t dest_addr,
                 void* context) noexcept {
  if (!sends_by_default(ep)) return plain_messages(ep).senddata(ep, buf, len, desc, data, dest_addr, context);
  const iovec segment{const_cast<void*>(buf), len};
  const fi_msg msg = message(&segment, 1, dest_addr, data, context);
  return sendmsg(ep, &msg, default_flags(ep) | FI_REMOTE_CQ_DATA);
}

ssize_t recvv(fid_ep* ep, const iovec* iov, void** desc, size_t count, fi_addr_t src_addr, void* context) noexcept {
  if (!receives_by_default(ep)) return plain_messages(ep).recvv(ep, iov, desc, count, src_addr, context);
  const fi_msg msg = message(iov, count, src_addr, 0, context);
  return recvmsg(ep, &msg, default_receive_flags(ep));
}

ssize_t recv(fid_ep* ep, void* buf, size_t len, void* desc, fi_addr_t src_addr, void* context) noexcept {
  if (!receives_by_default(ep)) return plain_messages(ep).recv(ep, buf, len, desc, src_addr, context);
  const iovec segment{buf, len};
  return recvv(ep, &segment, nullptr, 1, src_addr, context);
}

ssize_t inject(fid_ep* ep, const void* buf, size_t len, fi_addr_t dest_addr) noexcept {
  return plain_messages(ep).inject(ep, buf, len, dest_addr);
}

ssize_t injectdata(fid_ep* ep, const void* buf, size_t len, uint64_t data, fi_addr_t dest_addr) noexcept {
  return plain_messages(ep).injectdata(ep, buf, len, data, dest_addr);
}

ssize_t tagged_sendmsg(fid_ep* ep, const fi_msg_tagged* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_tagged(ep).sendmsg(ep, msg, flags);
  if (!has_caps(ep, FI_SEND)) return -FI_ENOSYS;
  if ((flags & ~(kSendMessageFlags | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  Ep& self = Ep::from(ep);
  const Transfer transfer{
      WorkType::kTaggedSend, send_flags(flags, self.defaults().selective_send), msg->addr, msg->tag, 0, msg->data,
      msg->context};
  return defer_message(self, transfer, flags, msg->msg_iov, msg->iov_count);
}

// Peeking and claiming are answered at once, so there is nothing to wait for.
ssize_t tagged_recvmsg(fid_ep* ep, const fi_msg_tagged* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_tagged(ep).recvmsg(ep, msg, flags);
  if (!has_caps(ep, FI_RECV)) return -FI_ENOSYS;
  if ((flags & ~((kTaggedReceiveFlags & ~kPeekFlags) | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  Ep& self = Ep::from(ep);
  const Transfer transfer{WorkType::kTaggedReceive,
                          tagged_receive_flags(flags, self.defaults().selective_receive),
                          msg->addr,
                          msg->tag,
                          msg->ignore,
                          0,
                          msg->context};
  return defer_message(self, transfer, flags, msg->msg_iov, msg->iov_count);
}

struct Tags {
  std::uint64_t tag;
  std::uint64_t ignore;
};

fi_msg_tagged tagged_message(const iovec* iov, std::size_t count, fi_addr_t address, const Tags& tags,
                             std::uint64_t data, void* context) noexcept {
  return {.msg_iov = iov,
          .desc = nullptr,
          .iov_count = count,
          .addr = address,
          .tag = tags.tag,
          .ignore = tags.ignore,
          .context = context,
          .data = data};
}

ssize_t tagged_sendv(fid_ep* ep, const iovec* iov, void** desc, size_t count, fi_addr_t dest_addr, uint64_t tag,
                     void* context) noexcept {
  if (!sends_by_default(ep)) return plain_tagged(ep).sendv(ep, iov, desc, count, dest_addr, tag, context);
  const fi_msg_tagged msg = tagged_message(iov, count, dest_addr, {tag, 0}, 0, context);
  return tagged_sendmsg(ep, &msg, default_flags(ep));
}

ssize_t tagged_send(fid_ep* ep, const void* buf, size_t len, void* desc, fi_addr_t dest_addr, uint64_t tag,
                    void* context) noexcept {
  if (!sends_by_default(ep)) return plain_tagged(ep).send(ep, buf, len, desc, dest_addr, tag, context);
  const iovec segment{const_cast<void*>(buf), len};
  return tagged_sendv(ep, &segment, nullptr, 1, dest_addr, tag, context);
}

ssize_t tagged_senddata(fid_ep* ep, const void* buf, size_t len, void* desc, uint64_t data, fi_addr_t dest_addr,
                        uint64_t tag, void* context) noexcept {
  if (!sends_by_default(ep)) return plain_tagged(ep).senddata(ep, buf, len, desc, data, dest_addr, tag, context);
  const iovec segment{const_cast<void*>(buf), len};
  const fi_msg_tagged msg = tagged_message(&segment, 1, dest_addr, {tag, 0}, data, context);
  return tagged_sendmsg(ep, &msg, default_flags(ep) | FI_REMOTE_CQ_DATA);
}

ssize_t tagged_recvv(fid_ep* ep, const iovec* iov, void** desc, size_t count, fi_addr_t src_addr, uint64_t tag,
                     uint64_t ignore, void* context) noexcept {
  if (!receives_by_default(ep)) return plain_tagged(ep).recvv(ep, iov, desc, count, src_addr, tag, ignore, context);
  const fi_msg_tagged msg = tagged_message(iov, count, src_addr, {tag, ignore}, 0, context);
  return tagged_recvmsg(ep, &msg, default_receive_flags(ep) & ~FI_MULTI_RECV);
}

ssize_t tagged_recv(fid_ep* ep, void* buf, size_t len, void* desc, fi_addr_t src_addr, uint64_t tag, uint64_t ignore,
                    void* context) noexcept {
  if (!receives_by_default(ep)) return plain_tagged(ep).recv(ep, buf, len, desc, src_addr, tag, ignore, context);
  const iovec segment{buf, len};
  return tagged_recvv(ep, &segment, nullptr, 1, src_addr, tag, ignore, context);
}

ssize_t tagged_inject(fid_ep* ep, const void* buf, size_t len, fi_addr_t dest_addr, uint64_t tag) noexcept {
  return plain_tagged(ep).inject(ep, buf, len, dest_addr, tag);
}

ssize_t tagged_injectdata(fid_ep* ep, const void* buf, size_t len, uint64_t data, fi_addr_t dest_addr,
                          uint64_t tag) noexcept {
  return plain_tagged(ep).injectdata(ep, buf, len, data, dest_addr, tag);
}

fi_ops_msg triggerable_messages{
    .size = sizeof(fi_ops_msg),
    .recv = recv,
    .recvv = recvv,
    .recvmsg = recvmsg,
    .send = send,
    .sendv = sendv,
    .sendmsg = sendmsg,
    .inject = inject,
    .senddata = senddata,
    .injectdata = injectdata,
};

fi_ops_tagged triggerable_tagged{
    .size = sizeof(fi_ops_tagged),
    .recv = tagged_recv,
    .recvv = tagged_recvv,
    .recvmsg = tagged_recvmsg,
    .send = tagged_send,
    .sendv = tagged_sendv,
    .sendmsg = tagged_sendmsg,
    .inject = tagged_inject,
    .senddata = tagged_senddata,
    .injectdata = tagged_injectdata,
};

}  // namespace

fi_ops_msg* triggerable_message_ops() noexcept { return &triggerable_messages; }
fi_ops_tagged* triggerable_tagged_ops() noexcept { return &triggerable_tagged; }

}  // namespace anchor
