// SPDX-License-Identifier: BSD-2-Clause
#include "exposed.h"

#include <cstring>

namespace anchor::fabtests {

namespace {

using A = const Access&;

// Two halves, the first of them shorter.
struct Halves {
  explicit Halves(A a)
      : list{{a.buffer, a.size / 3}, {static_cast<char*>(a.buffer) + a.size / 3, a.size - a.size / 3}} {}
  iovec list[2];
};

fi_msg_rma message_of(A a, const iovec* segments, std::size_t count, const fi_rma_iov* target, std::size_t targets) {
  fi_msg_rma message{};
  message.msg_iov = segments;
  message.iov_count = count;
  message.addr = a.peer;
  message.rma_iov = target;
  message.rma_iov_count = targets;
  message.context = a.context;
  message.data = a.data;
  return message;
}

}  // namespace

Exposed::Exposed(const Node& node, std::size_t size, std::uint64_t key, std::uint64_t access, std::uint64_t flags)
    : memory(size, kUntouched), virtual_addresses_((node.info()->domain_attr->mr_mode & FI_MR_VIRT_ADDR) != 0) {
  REQUIRE_OK(fi_mr_reg(node.domain(), memory.data(), size, access, 0, key, flags, mr.out(), nullptr));
}

RemoteStart Exposed::start() const {
  return {virtual_addresses_ ? reinterpret_cast<std::uint64_t>(memory.data()) : 0, fi_mr_key(mr.get())};
}

std::vector<RemoteStart> Exposed::introduce(Team& team) const {
  const RemoteStart mine = start();
  const auto* raw = reinterpret_cast<const std::byte*>(&mine);
  std::vector<RemoteStart> all;
  for (const Bytes& each : team.gather(Bytes(raw, raw + sizeof(mine)))) {
    RemoteStart theirs;
    if (each.size() == sizeof(theirs)) std::memcpy(&theirs, each.data(), sizeof(theirs));
    all.push_back(theirs);
  }
  return all;
}

ssize_t write_message(fid_ep* ep, A a, std::uint64_t flags) {
  const iovec segment{a.buffer, a.size};
  const fi_rma_iov target{a.address, a.size, a.key};
  const fi_msg_rma message = message_of(a, &segment, 1, &target, 1);
  return fi_writemsg(ep, &message, flags);
}

ssize_t read_message(fid_ep* ep, A a, std::uint64_t flags) {
  const iovec segment{a.buffer, a.size};
  const fi_rma_iov target{a.address, a.size, a.key};
  const fi_msg_rma message = message_of(a, &segment, 1, &target, 1);
  return fi_readmsg(ep, &message, flags);
}

const std::vector<AccessCall>& write_calls() {
  static const std::vector<AccessCall> calls = {
      {"write", false, false,
       [](fid_ep* ep, A a) { return fi_write(ep, a.buffer, a.size, nullptr, a.peer, a.address, a.key, a.context); }},
      {"writev", false, false,
       [](fid_ep* ep, A a) {
         const Halves halves(a);
         return fi_writev(ep, halves.list, nullptr, 2, a.peer, a.address, a.key, a.context);
       }},
      {"writemsg", false, false, [](fid_ep* ep, A a) { return write_message(ep, a, FI_COMPLETION); }},
      {"writemsg, delivery complete", false, false,
       [](fid_ep* ep, A a) { return write_message(ep, a, FI_COMPLETION | FI_DELIVERY_COMPLETE); }},
      {"writemsg, transmit complete", false, false,
       [](fid_ep* ep, A a) { return write_message(ep, a, FI_COMPLETION | FI_TRANSMIT_COMPLETE); }},
      {"writemsg, fenced, with more to come", false, false,
       [](fid_ep* ep, A a) { return write_message(ep, a, FI_COMPLETION | FI_FENCE | FI_MORE); }},
      {"writemsg with data", false, true,
       [](fid_ep* ep, A a) { return write_message(ep, a, FI_COMPLETION | FI_REMOTE_CQ_DATA); }},
      {"writemsg with data, delivery complete", false, true,
       [](fid_ep* ep, A a) { return write_message(ep, a, FI_COMPLETION | FI_REMOTE_CQ_DATA | FI_DELIVERY_COMPLETE); }},
      {"inject_write", true, false,
       [](fid_ep* ep, A a) { return fi_inject_write(ep, a.buffer, a.size, a.peer, a.address, a.key); }},
      {"writedata", false, true,
       [](fid_ep* ep, A a) {
         return fi_writedata(ep, a.buffer, a.size, nullptr, a.data, a.peer, a.address, a.key, a.context);
       }},
      {"inject_writedata", true, true,
       [](fid_ep* ep, A a) { return fi_inject_writedata(ep, a.buffer, a.size, a.data, a.peer, a.address, a.key); }},
  };
  return calls;
}

const std::vector<AccessCall>& read_calls() {
  static const std::vector<AccessCall> calls = {
      {"read", false, false,
       [](fid_ep* ep, A a) { return fi_read(ep, a.buffer, a.size, nullptr, a.peer, a.address, a.key, a.context); }},
      {"readv", false, false,
       [](fid_ep* ep, A a) {
         const Halves halves(a);
         return fi_readv(ep, halves.list, nullptr, 2, a.peer, a.address, a.key, a.context);
       }},
      {"readmsg", false, false, [](fid_ep* ep, A a) { return read_message(ep, a, FI_COMPLETION); }},
      {"readmsg, transmit complete, with more to come", false, false,
       [](fid_ep* ep, A a) { return read_message(ep, a, FI_COMPLETION | FI_TRANSMIT_COMPLETE | FI_MORE); }},
      {"readmsg, fenced, delivery complete", false, false,
       [](fid_ep* ep, A a) { return read_message(ep, a, FI_COMPLETION | FI_FENCE | FI_DELIVERY_COMPLETE); }},
  };
  return calls;
}

void write_to(Node& node, A access) {
  node.submit([&] { return write_message(node.ep(), access, FI_COMPLETION); });
  CHECK_EQ(node.await_send().flags, FI_RMA | FI_WRITE);
}

void read_from(Node& node, A access) {
  node.submit([&] { return read_message(node.ep(), access, FI_COMPLETION); });
  CHECK_EQ(node.await_send().flags, FI_RMA | FI_READ);
}

}  // namespace anchor::fabtests
