// SPDX-License-Identifier: BSD-2-Clause
#include "abi/remote_transfer.h"
#include "abi/trigger_calls.h"

namespace anchor {
namespace {

// What goes on where nothing is triggered.
fi_ops_rma& plain_rma(fid_ep* ep) noexcept { return *rma_ops(Ep::from(ep).core().caps); }

ssize_t defer_rma(fid_ep* ep, const Transfer& transfer, const fi_msg_rma& msg, std::uint64_t flags) noexcept {
  return with_remote_work(transfer, msg, kMaxMessageSize, [&](const RemoteWork& work) {
    return defer_by_context(Ep::from(ep), msg.context, flags, work);
  });
}

ssize_t readmsg(fid_ep* ep, const fi_msg_rma* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_rma(ep).readmsg(ep, msg, flags);
  if (!has_caps(ep, FI_READ)) return -FI_ENOSYS;
  if ((flags & ~(kReadMessageFlags | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  const std::uint32_t own = read_flags(flags, Ep::from(ep).defaults().selective_send);
  return defer_rma(ep, {WorkType::kRead, own, msg->addr, 0, 0, 0, msg->context}, *msg, flags);
}

ssize_t writemsg(fid_ep* ep, const fi_msg_rma* msg, uint64_t flags) noexcept {
  if ((flags & FI_TRIGGER) == 0) return plain_rma(ep).writemsg(ep, msg, flags);
  if (!has_caps(ep, FI_WRITE)) return -FI_ENOSYS;
  if ((flags & ~(kSendMessageFlags | FI_TRIGGER)) != 0) return -FI_EBADFLAGS;
  const std::uint32_t own = send_flags(flags, Ep::from(ep).defaults().selective_send);
  return defer_rma(ep, {WorkType::kWrite, own, msg->addr, 0, 0, msg->data, msg->context}, *msg, flags);
}

// A call's own segments, and as many bytes in one piece at the peer.
struct OnePiece {
  OnePiece(const iovec* iov, std::size_t count, fi_addr_t to, const RemotePlace& place, std::uint64_t data,
           void* context) noexcept {
    std::size_t length = 0;
    for (std::size_t i = 0; i < count; ++i) length += iov[i].iov_len;
    target = {place.address, length, place.key};
    msg = {.msg_iov = iov,
           .desc = nullptr,
           .iov_count = count,
           .addr = to,
           .rma_iov = &target,
           .rma_iov_count = 1,
           .context = context,
           .data = data};
  }
  fi_rma_iov target;
  fi_msg_rma msg;
};

ssize_t readv(fid_ep* ep, const iovec* iov, void** desc, size_t count, fi_addr_t src_addr, uint64_t addr, uint64_t key,
              void* context) noexcept {
  if (!sends_by_default(ep)) return plain_rma(ep).readv(ep, iov, desc, count, src_addr, addr, key, context);
  const OnePiece piece(iov, count, src_addr, {addr, key}, 0, context);
  return readmsg(ep, &piece.msg, default_flags(ep));
}

ssize_t read(fid_ep* ep, void* buf, size_t len, void* desc, fi_addr_t src_addr, uint64_t addr, uint64_t key,
             void* context) noexcept {
  if (!sends_by_default(ep)) return plain_rma(ep).read(ep, buf, len, desc, src_addr, addr, key, context);
  const iovec segment{buf, len};
  return readv(ep, &segment, nullptr, 1, src_addr, addr, key, context);
}

ssize_t writev(fid_ep* ep, const iovec* iov, void** desc, size_t count, fi_addr_t dest_addr, uint64_t addr,
               uint64_t key, void* context) noexcept {
  if (!sends_by_default(ep)) return plain_rma(ep).writev(ep, iov, desc, count, dest_addr, addr, key, context);
  const OnePiece piece(iov, count, dest_addr, {addr, key}, 0, context);
  return writemsg(ep, &piece.msg, default_flags(ep));
}

ssize_t write(fid_ep* ep, const void* buf, size_t len, void* desc, fi_addr_t dest_addr, uint64_t addr, uint64_t key,
              void* context) noexcept {
  if (!sends_by_default(ep)) return plain_rma(ep).write(ep, buf, len, desc, dest_addr, addr, key, context);
  const iovec segment{const_cast<void*>(buf), len};
  return writev(ep, &segment, nullptr, 1, dest_addr, addr, key, context);
}

ssize_t writedata(fid_ep* ep, const void* buf, size_t len, void* desc, uint64_t data, fi_addr_t dest_addr,
                  uint64_t addr, uint64_t key, void* context) noexcept {
  if (!sends_by_default(ep)) return plain_rma(ep).writedata(ep, buf, len, desc, data, dest_addr, addr, key, context);
  const iovec segment{const_cast<void*>(buf), len};
  const OnePiece piece(&segment, 1, dest_addr, {addr, key}, data, context);
  return writemsg(ep, &piece.msg, default_flags(ep) | FI_REMOTE_CQ_DATA);
}

ssize_t inject(fid_ep* ep, const void* buf, size_t len, fi_addr_t dest_addr, uint64_t addr, uint64_t key) noexcept {
  return plain_rma(ep).inject(ep, buf, len, dest_addr, addr, key);
}

ssize_t injectdata(fid_ep* ep, const void* buf, size_t len, uint64_t data, fi_addr_t dest_addr, uint64_t addr,
                   uint64_t key) noexcept {
  return plain_rma(ep).injectdata(ep, buf, len, data, dest_addr, addr, key);
}

fi_ops_rma triggerable_rma{
    .size = sizeof(fi_ops_rma),
    .read = read,
    .readv = readv,
    .readmsg = readmsg,
    .write = write,
    .writev = writev,
    .writemsg = writemsg,
    .inject = inject,
    .writedata = writedata,
    .injectdata = injectdata,
};

}  // namespace

fi_ops_rma* triggerable_rma_ops() noexcept { return &triggerable_rma; }

}  // namespace anchor
