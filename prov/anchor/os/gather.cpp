// SPDX-License-Identifier: BSD-2-Clause
#include "os/gather.h"

#include <algorithm>
#include <cstring>

namespace anchor {

std::size_t slice(const iovec* segments, std::size_t count, std::size_t skip, std::size_t length, iovec* out,
                  std::size_t* bytes) noexcept {
  std::size_t used = 0;
  *bytes = 0;
  for (std::size_t i = 0; i < count && length != 0; ++i) {
    if (skip >= segments[i].iov_len) {
      skip -= segments[i].iov_len;
      continue;
    }
    const std::size_t part = std::min(segments[i].iov_len - skip, length);
    out[used++] = {static_cast<std::byte*>(segments[i].iov_base) + skip, part};
    *bytes += part;
    length -= part;
    skip = 0;
  }
  return used;
}

std::size_t gather(void* to, const iovec* segments, std::size_t count, std::size_t skip, std::size_t length) noexcept {
  auto* target = static_cast<std::byte*>(to);
  std::size_t copied = 0;
  for (std::size_t i = 0; i < count && copied < length; ++i) {
    if (skip >= segments[i].iov_len) {
      skip -= segments[i].iov_len;
      continue;
    }
    const std::size_t part = std::min(segments[i].iov_len - skip, length - copied);
    std::memcpy(target + copied, static_cast<const std::byte*>(segments[i].iov_base) + skip, part);
    copied += part;
    skip = 0;
  }
  return copied;
}

std::size_t scatter(const iovec* segments, std::size_t count, std::size_t skip, const void* from,
                    std::size_t length) noexcept {
  const auto* source = static_cast<const std::byte*>(from);
  std::size_t copied = 0;
  for (std::size_t i = 0; i < count && copied < length; ++i) {
    if (skip >= segments[i].iov_len) {
      skip -= segments[i].iov_len;
      continue;
    }
    const std::size_t part = std::min(segments[i].iov_len - skip, length - copied);
    std::memcpy(static_cast<std::byte*>(segments[i].iov_base) + skip, source + copied, part);
    copied += part;
    skip = 0;
  }
  return copied;
}

void move_between(const iovec* from, const iovec* to, std::size_t length) noexcept {
  if (length == 0) return;
  std::size_t left_in_from = from->iov_len, left_in_to = to->iov_len;
  while (length != 0) {
    while (left_in_from == 0) left_in_from = (++from)->iov_len;
    while (left_in_to == 0) left_in_to = (++to)->iov_len;
    const std::size_t part = std::min({left_in_from, left_in_to, length});
    std::memmove(static_cast<std::byte*>(to->iov_base) + (to->iov_len - left_in_to),
                 static_cast<const std::byte*>(from->iov_base) + (from->iov_len - left_in_from), part);
    left_in_from -= part;
    left_in_to -= part;
    length -= part;
  }
}

}  // namespace anchor
