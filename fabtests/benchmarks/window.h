// SPDX-License-Identifier: BSD-2-Clause
//
// Window: memory of each of the two processes that the other reads and writes without its help. Before what the tests
// measure lies a page with a word that each writes into the other's window, to be told when the other is done: a peer
// that has nothing to do but keep its library working needs no message for that. Owns memory and registration; the
// connection is the caller's and outlives it. One thread. Every failure throws.
#pragma once

#include <rdma/fi_atomic.h>
#include <rdma/fi_rma.h>

#include <atomic>

#include "connection.h"

namespace anchor::bench {

// What the target's memory is: allocated as usual, or a file's that another process can map, too.
enum class MemoryKind { kPlain, kShareable };

class WindowMemory {
 public:
  WindowMemory(MemoryKind kind, std::size_t size);
  ~WindowMemory();
  WindowMemory(const WindowMemory&) = delete;
  WindowMemory& operator=(const WindowMemory&) = delete;

  Bytes bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_;
  int fd_ = -1;  // kept for as long as the memory is there, so that whoever wants to map it finds the file
};

class Window {
 public:
  // Both processes make it at the same point.
  Window(Scene& scene, Connection& connection, MemoryKind kind, std::size_t size);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  Bytes own() const { return memory_.bytes().subspan(kPage); }

  // At the start of the peer's window; pending at the endpoint.
  void write(ConstBytes from) { write_at(kPage, from); }
  void read(Bytes to) {
    endpoint_.post("fi_read", [&](fid_ep* endpoint, void* context) {
      return fi_read(endpoint, to.data(), to.size(), nullptr, peer_, remote_ + kPage, key_, context);
    });
  }
  // The word at the start of the peer's window; `result` gets what it was. Operands are the caller's while pending.
  void fetch_add(const std::uint64_t& addend, std::uint64_t& result) {
    endpoint_.post("fi_fetch_atomic", [&](fid_ep* endpoint, void* context) {
      return fi_fetch_atomic(endpoint, &addend, 1, nullptr, &result, nullptr, peer_, remote_ + kPage, key_, FI_UINT64,
                             FI_SUM, context);
    });
  }
  void compare_swap(const std::uint64_t& expected, const std::uint64_t& desired, std::uint64_t& result) {
    endpoint_.post("fi_compare_atomic", [&](fid_ep* endpoint, void* context) {
      return fi_compare_atomic(endpoint, &desired, 1, nullptr, &expected, nullptr, &result, nullptr, peer_,
                               remote_ + kPage, key_, FI_UINT64, FI_CSWAP, context);
    });
  }

  // Tells the peer a number by writing it into its memory. Nothing is pending afterwards.
  void tell(std::uint64_t number) {
    endpoint_.wait_all();
    told_ = number;
    write_at(0, {reinterpret_cast<const std::byte*>(&told_), sizeof(told_)});
  }
  // Until the peer has told this number; keeps the library working meanwhile.
  void await(std::uint64_t number) {
    const std::atomic_ref<std::uint64_t> word(*reinterpret_cast<std::uint64_t*>(memory_.bytes().data()));
    while (word.load(std::memory_order_acquire) != number) endpoint_.progress();
  }

 private:
  static constexpr std::size_t kPage = 4096;

  void write_at(std::size_t offset, ConstBytes from) {
    endpoint_.post("fi_write", [&](fid_ep* endpoint, void* context) {
      return fi_write(endpoint, from.data(), from.size(), nullptr, peer_, remote_ + offset, key_, context);
    });
  }

  Endpoint& endpoint_;
  fi_addr_t peer_;
  std::uint64_t remote_ = 0;  // of the peer's window, in the way that its provider addresses it
  std::uint64_t key_ = 0;
  std::uint64_t told_ = 0;

  WindowMemory memory_;
  fid_mr* registration_ = nullptr;
};

}  // namespace anchor::bench
