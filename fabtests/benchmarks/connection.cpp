// SPDX-License-Identifier: BSD-2-Clause
#include "connection.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace anchor::bench {
namespace {

constexpr std::size_t kPage = 4096;

std::byte pattern(std::uint64_t seed, std::size_t position) {
  return static_cast<std::byte>(((seed << 32) + position + 1) * 0x9e3779b97f4a7c15 >> 56);
}

fi_addr_t exchange_names(Link& link, Endpoint& endpoint) {
  link.put_bytes(endpoint.name());
  return endpoint.insert(link.get_bytes());
}

}  // namespace

MessageBuffer::MessageBuffer(std::size_t size) {
  const std::size_t whole_pages = (size / kPage + 1) * kPage;
  data_ = static_cast<std::byte*>(std::aligned_alloc(kPage, whole_pages));
  if (!data_) throw std::bad_alloc();
  std::memset(data_, 0, whole_pages);
}

MessageBuffer::~MessageBuffer() { std::free(data_); }

void fill(Bytes bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(seed, i);
}

bool holds(ConstBytes bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != pattern(seed, i)) return false;
  return true;
}

Connection::Connection(Scene& scene, std::size_t buffer_size, const Demand& demand, Waiting waiting)
    : scene_(scene),
      fabric_(scene.options, demand),
      endpoint_(fabric_, waiting),
      peer_(exchange_names(scene.link, endpoint_)),
      outgoing_(buffer_size),
      incoming_(buffer_size) {}

std::uint64_t Connection::agree(std::uint64_t leaders_number) {
  if (scene_.is_leader()) {
    scene_.link.put_number(leaders_number);
    return leaders_number;
  }
  return scene_.link.get_number([this] { endpoint_.progress(); });
}

}  // namespace anchor::bench
