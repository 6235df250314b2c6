// SPDX-License-Identifier: BSD-2-Clause
// Pool of requests of one type with names that can travel: a RequestId is index + generation, so an identifier that comes
// back from a peer (or from a hostile one) either leads to the very request it was made for or to nullptr.
//
// Grows by slabs, never moves or frees an object before destruction; O(1), no allocation once warm.
// Not thread-safe: used under the endpoint's lock.
#pragma once

#include <cstdint>

namespace anchor {

using RequestId = std::uint64_t;  // generation in the upper 32 bits, index in the lower
inline constexpr RequestId kNoRequest = 0;  // generations start at 1

template <class T>
class RequestPool {
 public:
  // A value-initialised T, or nullptr when `limit` are in use. T needs no base class.
  explicit RequestPool(std::size_t limit);
  T* acquire();
  void release(T* request) noexcept;
  RequestId id(const T* request) const noexcept;
  T* find(RequestId id) noexcept;   // nullptr when stale or never given
  std::size_t in_use() const noexcept;
  template <class Visit>
  void for_each(Visit&& visit);     // each T in use; visit may release it
};

}  // namespace anchor
