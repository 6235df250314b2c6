// SPDX-License-Identifier: BSD-2-Clause
#include "calls.h"

namespace anchor::fabtests {

namespace {

iovec segment_of(const Outgoing& m) { return {const_cast<void*>(m.buffer), m.size}; }
iovec segment_of(const Incoming& m) { return {m.buffer, m.size}; }

template <class Transfer>
fi_msg untagged(const Transfer& m, const iovec& segment, fi_addr_t address, std::uint64_t data) {
  fi_msg message{};
  message.msg_iov = &segment;
  message.iov_count = 1;
  message.addr = address;
  message.context = m.context;
  message.data = data;
  return message;
}

template <class Transfer>
fi_msg_tagged tagged(const Transfer& m, const iovec& segment, fi_addr_t address) {
  fi_msg_tagged message{};
  message.msg_iov = &segment;
  message.iov_count = 1;
  message.addr = address;
  message.tag = m.tag;
  message.context = m.context;
  return message;
}

}  // namespace

ssize_t send_message(fid_ep* ep, const Outgoing& m, std::uint64_t flags) {
  const iovec segment = segment_of(m);
  const fi_msg message = untagged(m, segment, m.to, m.data);
  return fi_sendmsg(ep, &message, flags);
}

ssize_t send_tagged_message(fid_ep* ep, const Outgoing& m, std::uint64_t flags) {
  const iovec segment = segment_of(m);
  fi_msg_tagged message = tagged(m, segment, m.to);
  message.data = m.data;
  return fi_tsendmsg(ep, &message, flags);
}

ssize_t receive_message(fid_ep* ep, const Incoming& m, std::uint64_t flags) {
  const iovec segment = segment_of(m);
  const fi_msg message = untagged(m, segment, m.from, 0);
  return fi_recvmsg(ep, &message, flags);
}

ssize_t receive_tagged_message(fid_ep* ep, const Incoming& m, std::uint64_t flags) {
  const iovec segment = segment_of(m);
  fi_msg_tagged message = tagged(m, segment, m.from);
  message.ignore = m.ignore;
  return fi_trecvmsg(ep, &message, flags);
}

const std::vector<SendCall>& send_calls() {
  using M = const Outgoing&;
  static const std::vector<SendCall> calls = {
      {"send", false, false, false,
       [](fid_ep* ep, M m) { return fi_send(ep, m.buffer, m.size, nullptr, m.to, m.context); }},
      {"sendv", false, false, false,
       [](fid_ep* ep, M m) {
         const iovec segment = segment_of(m);
         return fi_sendv(ep, &segment, nullptr, 1, m.to, m.context);
       }},
      {"sendmsg", false, false, false, [](fid_ep* ep, M m) { return send_message(ep, m, FI_COMPLETION); }},
      {"sendmsg with data", false, false, true,
       [](fid_ep* ep, M m) { return send_message(ep, m, FI_COMPLETION | FI_REMOTE_CQ_DATA); }},
      {"senddata", false, false, true,
       [](fid_ep* ep, M m) { return fi_senddata(ep, m.buffer, m.size, nullptr, m.data, m.to, m.context); }},
      {"inject", false, true, false, [](fid_ep* ep, M m) { return fi_inject(ep, m.buffer, m.size, m.to); }},
      {"injectdata", false, true, true,
       [](fid_ep* ep, M m) { return fi_injectdata(ep, m.buffer, m.size, m.data, m.to); }},
      {"tsend", true, false, false,
       [](fid_ep* ep, M m) { return fi_tsend(ep, m.buffer, m.size, nullptr, m.to, m.tag, m.context); }},
      {"tsendv", true, false, false,
       [](fid_ep* ep, M m) {
         const iovec segment = segment_of(m);
         return fi_tsendv(ep, &segment, nullptr, 1, m.to, m.tag, m.context);
       }},
      {"tsendmsg", true, false, false, [](fid_ep* ep, M m) { return send_tagged_message(ep, m, FI_COMPLETION); }},
      {"tsendmsg with data", true, false, true,
       [](fid_ep* ep, M m) { return send_tagged_message(ep, m, FI_COMPLETION | FI_REMOTE_CQ_DATA); }},
      {"tsenddata", true, false, true,
       [](fid_ep* ep, M m) { return fi_tsenddata(ep, m.buffer, m.size, nullptr, m.data, m.to, m.tag, m.context); }},
      {"tinject", true, true, false, [](fid_ep* ep, M m) { return fi_tinject(ep, m.buffer, m.size, m.to, m.tag); }},
      {"tinjectdata", true, true, true,
       [](fid_ep* ep, M m) { return fi_tinjectdata(ep, m.buffer, m.size, m.data, m.to, m.tag); }},
  };
  return calls;
}

const std::vector<ReceiveCall>& receive_calls() {
  using M = const Incoming&;
  static const std::vector<ReceiveCall> calls = {
      {"recv", false, [](fid_ep* ep, M m) { return fi_recv(ep, m.buffer, m.size, nullptr, m.from, m.context); }},
      {"recvv", false,
       [](fid_ep* ep, M m) {
         const iovec segment = segment_of(m);
         return fi_recvv(ep, &segment, nullptr, 1, m.from, m.context);
       }},
      {"recvmsg", false, [](fid_ep* ep, M m) { return receive_message(ep, m, FI_COMPLETION); }},
      {"trecv", true,
       [](fid_ep* ep, M m) { return fi_trecv(ep, m.buffer, m.size, nullptr, m.from, m.tag, m.ignore, m.context); }},
      {"trecvv", true,
       [](fid_ep* ep, M m) {
         const iovec segment = segment_of(m);
         return fi_trecvv(ep, &segment, nullptr, 1, m.from, m.tag, m.ignore, m.context);
       }},
      {"trecvmsg", true, [](fid_ep* ep, M m) { return receive_tagged_message(ep, m, FI_COMPLETION); }},
  };
  return calls;
}

}  // namespace anchor::fabtests
