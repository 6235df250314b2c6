// SPDX-License-Identifier: BSD-2-Clause
//
// Processes of a benchmark and the sockets that join them. Children are forked before libfabric is touched,
// die with their parent and end by _exit. A Link is one end of a stream, owned by one process, one thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace anchor::bench {

enum class Role { kLeader, kPeer };

class Link {
 public:
  // Both ends; each process keeps one and destroys the other.
  static std::pair<Link, Link> make_pair();

  Link(Link&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Link& operator=(Link&&) = delete;
  ~Link() { close(); }
  void close();

  // All of them throw std::runtime_error once the other end is gone.
  void put(const void* data, std::size_t size);
  void get(void* data, std::size_t size);  // sleeps
  void put_number(std::uint64_t number) { put(&number, sizeof(number)); }
  std::uint64_t get_number();
  void put_bytes(const std::vector<std::byte>& bytes);
  std::vector<std::byte> get_bytes();

  // Spins, calling `progress`: for a wait during which the other side may need this one's library to work.
  template <typename Progress>
  std::uint64_t get_number(Progress progress) {
    while (!readable()) progress();
    return get_number();
  }

  // Neither side returns before both have come here.
  template <typename Progress>
  void meet(Progress progress) {
    put_number(0);
    get_number(progress);
  }

 private:
  explicit Link(int fd) : fd_(fd) {}
  bool readable() const;

  int fd_;
};

// Both return false if no such core is ours to use.
bool pin_to_core(int core);
bool allow_cores(std::span<const int> cores);

// Runs `body` in a child that is killed with its parent, or after `seconds`. The child exits with the
// number that `body` returns.
pid_t fork_child(unsigned seconds, const std::function<int()>& body);

}  // namespace anchor::bench
