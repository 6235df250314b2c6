// SPDX-License-Identifier: BSD-2-Clause
// Pool of requests of one type with names that can travel: a RequestId is index + generation, so an identifier that
// comes back from a peer (or from a hostile one) either leads to the very request it was made for or to nullptr.
//
// Grows by slabs, never moves or frees an object before destruction; O(1), no allocation once warm.
// Not thread-safe: used under the endpoint's lock.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "os/cacheline.h"

namespace anchor {

using RequestId = std::uint64_t;            // generation in the upper 32 bits, index in the lower
inline constexpr RequestId kNoRequest = 0;  // generations start at 1

// A generation is odd while its request is in use and even while it is not. It comes round after 2^31 uses of one
// place: who takes an identifier from a peer also checks that the request concerns that peer.
template <class T>
class RequestPool {
 public:
  explicit RequestPool(std::size_t limit) noexcept : limit_(std::min<std::size_t>(limit, kMaxRequests)) {}
  ~RequestPool() {
    for_each([this](T* request) { release(request); });
  }
  RequestPool(const RequestPool&) = delete;
  RequestPool& operator=(const RequestPool&) = delete;

  // A default-initialised T, or nullptr when `limit` are in use or memory is exhausted. T needs no base class, but an
  // initialiser for each member that must not be stale: zeroing all of a request of 200 bytes costs more (measured: 6
  // to 27 ns) than everything else here.
  T* acquire() noexcept {
    if (T* request = acquire_again()) [[likely]]
      return request;
    Node* node = fresh();
    return node == nullptr ? nullptr : take(node);
  }

  // The same without a call of anything. nullptr: nothing was released that could be used again.
  T* acquire_again() noexcept {
    Node* node = free_;
    if (node == nullptr) [[unlikely]]
      return nullptr;
    free_ = node->next_free;
    return take(node);
  }

  // Requires: acquired here and not yet released.
  void release(T* request) noexcept {
    Node* node = node_of(request);
    assert(node->generation % 2 == 1);
    request->~T();
    ++node->generation;
    node->next_free = free_;
    free_ = node;
  }

  // Requires: in use.
  RequestId id(const T* request) const noexcept {
    const Node* node = node_of(request);
    return static_cast<RequestId>(node->generation) << 32 | node->index;
  }

  // nullptr when stale or never given.
  T* find(RequestId id) noexcept {
    const auto index = static_cast<std::uint32_t>(id);
    const auto generation = static_cast<std::uint32_t>(id >> 32);
    if (index >= made_ || generation % 2 == 0) return nullptr;
    Node* node = at(index);
    return node->generation == generation ? node->request() : nullptr;
  }

  // Linear, like for_each().
  std::size_t in_use() noexcept {
    std::size_t count = 0;
    for_each([&](T*) { ++count; });
    return count;
  }

  // Each T in use; visit may release it.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t index = 0; index < made_; ++index) {
      Node* node = at(index);
      if (node->generation % 2 == 1) visit(node->request());
    }
  }

 private:
  static constexpr std::size_t kMaxRequests = 1ull << 32;
  static constexpr std::size_t kSlab = 64;  // nodes; their pages are touched only when a node is first used

  // The request comes first, so that a pointer to it is one to its node. On a line of its own: what a protocol puts
  // first in T (the matcher's links) is then one cache line, and not two.
  struct alignas(std::max(alignof(T), kCacheLine)) Node {
    std::byte storage[sizeof(T)];
    std::uint32_t index;
    std::uint32_t generation;
    Node* next_free;

    T* request() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
  };
  static_assert(std::is_standard_layout_v<Node> && std::is_trivially_default_constructible_v<Node>);

  T* take(Node* node) noexcept {
    static_assert(std::is_nothrow_default_constructible_v<T>);
    ++node->generation;
    return new (node->storage) T;
  }

  static Node* node_of(T* request) noexcept { return reinterpret_cast<Node*>(request); }
  static const Node* node_of(const T* request) noexcept { return reinterpret_cast<const Node*>(request); }
  Node* at(std::size_t index) noexcept { return &slabs_[index / kSlab][index % kSlab]; }

  // A node that was never used. nullptr: limit or memory reached.
  [[gnu::noinline]] Node* fresh() noexcept try {
    if (made_ >= limit_) return nullptr;
    if (made_ == slabs_.size() * kSlab) slabs_.emplace_back(new Node[std::min(kSlab, limit_ - made_)]);
    Node* node = at(made_);
    node->index = static_cast<std::uint32_t>(made_++);
    node->generation = 0;
    return node;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

  Node* free_ = nullptr;  // last in, first out: the warmest
  std::size_t made_ = 0;  // nodes ever used
  const std::size_t limit_;
  std::vector<std::unique_ptr<Node[]>> slabs_;
};

}  // namespace anchor
