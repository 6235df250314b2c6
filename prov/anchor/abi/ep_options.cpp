// SPDX-License-Identifier: BSD-2-Clause
// fi_getopt(3), fi_setopt(3), fi_cancel(3) and the other calls on an endpoint that move no data.
#include <rdma/fi_errno.h>

#include <cstring>
#include <optional>

#include "abi/ep.h"
#include "abi/unsupported.h"
#include "os/log.h"
#include "proto/limits.h"

namespace anchor {
namespace {

// Options of libfabric 2.x, which our headers may not know.
constexpr int kMaxMessageSizeOption = 12;     // FI_OPT_MAX_MSG_SIZE
constexpr int kMaxTaggedSizeOption = 13;      // FI_OPT_MAX_TAGGED_SIZE
constexpr int kInjectMessageSizeOption = 16;  // FI_OPT_INJECT_MSG_SIZE
constexpr int kInjectTaggedSizeOption = 17;   // FI_OPT_INJECT_TAGGED_SIZE

std::optional<std::size_t> option_value(Ep& ep, int option) noexcept {
  switch (option) {
    case FI_OPT_MIN_MULTI_RECV:
      return ep.endpoint().min_multi_receive();
    case kMaxMessageSizeOption:
    case kMaxTaggedSizeOption:
      return static_cast<std::size_t>(kMaxMessageSize);
    case kInjectMessageSizeOption:
    case kInjectTaggedSizeOption:
      return kInjectSize;
    default:
      return std::nullopt;
  }
}

ssize_t cancel(fid_t descriptor, void* context) noexcept {
  return object_of<Ep, fid_ep>(descriptor).endpoint().cancel(context);
}

int getopt(fid_t descriptor, int level, int option, void* value, std::size_t* size) noexcept {
  if (level != FI_OPT_ENDPOINT) return -FI_ENOPROTOOPT;
  const std::optional<std::size_t> found = option_value(object_of<Ep, fid_ep>(descriptor), option);
  if (!found) return -FI_ENOPROTOOPT;
  const std::size_t room = *size;
  *size = sizeof(*found);
  if (room < sizeof(*found)) return -FI_ETOOSMALL;
  std::memcpy(value, &*found, sizeof(*found));
  return 0;
}

int setopt(fid_t descriptor, int level, int option, const void* value, std::size_t size) noexcept {
  if (level != FI_OPT_ENDPOINT || option != FI_OPT_MIN_MULTI_RECV) return -FI_ENOPROTOOPT;
  std::size_t bytes;
  if (size < sizeof(bytes)) return -FI_EINVAL;
  std::memcpy(&bytes, value, sizeof(bytes));
  object_of<Ep, fid_ep>(descriptor).endpoint().set_min_multi_receive(bytes);
  return 0;
}

// Posting a receive is never refused for want of room, so the advertised size is a lower bound of what there is.
ssize_t rx_size_left(fid_ep* descriptor) noexcept {
  Ep& ep = Ep::from(descriptor);
  return ep.endpoint().enabled() ? static_cast<ssize_t>(ep.core().receive_size) : -FI_EOPBADSTATE;
}

}  // namespace

fi_ops_ep endpoint_ops{
    .size = sizeof(fi_ops_ep),
    .cancel = cancel,
    .getopt = getopt,
    .setopt = setopt,
    .tx_ctx = refuse<-FI_ENOSYS>,
    .rx_ctx = refuse<-FI_ENOSYS>,
    .rx_size_left = rx_size_left,
    .tx_size_left = refuse<-FI_ENOSYS>,  // deprecated; not counted
#ifdef FI_XPU                            // libfabric 2.6
    .export_xpu = refuse<-FI_ENOSYS>,
#endif
};

}  // namespace anchor
