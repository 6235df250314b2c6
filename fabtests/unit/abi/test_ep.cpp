// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "../os/log_capture.h"
#include "abi/ep.h"
#include "abi/unsupported.h"
#include "open_domain.h"

using namespace anchor;

namespace {

std::uint64_t flags_of(fid* ep, std::uint64_t direction) {
  std::uint64_t flags = direction;
  cr_assert_eq(fi_control(ep, FI_GETOPSFLAG, &flags), 0);
  return flags;
}

int open_with(const std::function<void(fi_info&)>& wish) {
  const OpenDomain open;
  wish(*open.info);
  fid_ep* ep = nullptr;
  const int status = fi_endpoint(open.domain.get(), open.info.get(), &ep, nullptr);
  if (status == 0) fi_close(&ep->fid);
  return status;
}

}  // namespace

Test(ep, only_an_info_of_ours_opens_one) {
  cr_assert_eq(open_with([](fi_info&) {}), 0);
  cr_assert_eq(open_with([](fi_info& i) { i.ep_attr->type = FI_EP_MSG; }), -FI_EINVAL);
  cr_assert_eq(open_with([](fi_info& i) { i.caps |= FI_HMEM; }), -FI_EINVAL);
  cr_assert_eq(open_with([](fi_info& i) { i.tx_attr->op_flags = FI_COMMIT_COMPLETE; }), -FI_EINVAL);
  cr_assert_eq(open_with([](fi_info& i) { i.ep_attr->rx_ctx_cnt = 2; }), -FI_EINVAL);
}

// Whoever changes the fi_info behind fi_getinfo's back is told why it does not do.
Test(ep, more_sends_than_the_protocols_can_bear_are_refused_aloud) {
  const unit::LogCapture log;
  cr_assert_eq(open_with([](fi_info& i) { i.tx_attr->size = kMaxTransmitSize; }), 0);
  cr_assert_eq(log.warnings(), 0u);
  cr_assert_eq(open_with([](fi_info& i) { i.tx_attr->size = kMaxTransmitSize + 1; }), -FI_EINVAL);
  cr_assert(log.warned_of("65537"));
}

// Its addresses are the domain's, so with a format of its own it would read and tell the wrong kind.
Test(ep, the_address_format_is_the_domains) {
  cr_assert_eq(open_with([](fi_info& i) { i.addr_format = FI_FORMAT_UNSPEC; }), 0);
  const auto other_format = [](fi_info& i) {
    i.addr_format = FI_SOCKADDR_IN;
    std::free(i.src_addr);
    i.src_addr = nullptr;
    i.src_addrlen = 0;
  };
  const unit::LogCapture log;
  cr_assert_eq(open_with(other_format), -FI_EINVAL);
  cr_assert(log.warned_of("address format " + std::to_string(FI_SOCKADDR_IN)));
  cr_assert(log.warned_of("with " + std::to_string(FI_ADDR_STR)));
}

Test(ep, it_has_a_name_from_the_start) {
  const OpenDomain open;
  OpenEndpoint one(open), other(open);
  char names[2][64];
  std::size_t size = sizeof(names[0]);
  cr_assert_eq(fi_getname(one.ep.fid(), names[0], &size), 0);
  cr_assert_eq(size, 64u);
  cr_assert_eq(fi_getname(other.ep.fid(), names[1], &size), 0);
  cr_assert_neq(std::memcmp(names[0], names[1], 64), 0);
  cr_assert_eq(fi_enable(one.ep.get()), 0);
  char enabled[64];
  cr_assert_eq(fi_getname(one.ep.fid(), enabled, &size), 0);
  cr_assert_eq(std::memcmp(names[0], enabled, 64), 0);
  cr_assert_eq(fi_setname(one.ep.fid(), names[1], 64), -FI_EOPBADSTATE);
}

Test(ep, the_name_of_any_is_a_name_at_once) {
  const OpenDomain open([](fi_info& h) { h.addr_format = FI_ADDR_STR; });
  OpenEndpoint endpoint(open);
  char any[] = "anchor://";
  cr_assert_eq(fi_setname(endpoint.ep.fid(), any, sizeof(any)), 0);
  char name[64] = {};
  std::size_t size = sizeof(name);
  cr_assert_eq(fi_getname(endpoint.ep.fid(), name, &size), 0);
  cr_assert_gt(std::strlen(name), std::strlen(any));
}

Test(ep, tables_follow_the_state_and_the_capabilities) {
  const OpenDomain open([](fi_info& h) { h.caps = FI_MSG | FI_SEND; });
  OpenEndpoint endpoint(open);
  cr_assert_eq(endpoint.ep->msg, &disabled_messages);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  cr_assert_eq(fi_enable(endpoint.ep.get()), -FI_EOPBADSTATE);
  cr_assert_eq(endpoint.ep->tagged, &unsupported_tagged);
  char byte = 0;
  cr_assert_eq(fi_recv(endpoint.ep.get(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr), -FI_ENOSYS);
  cr_assert_eq(fi_send(endpoint.ep.get(), &byte, 1, nullptr, 12345, nullptr), -FI_EINVAL);
}

Test(ep, an_alias_has_flags_of_its_own) {
  const OpenDomain open([](fi_info& h) { h.tx_attr->op_flags = FI_DELIVERY_COMPLETE; });
  OpenEndpoint endpoint(open);
  fid_ep* early = nullptr;
  cr_assert_eq(fi_ep_alias(endpoint.ep.get(), &early, FI_TRANSMIT), -FI_EOPBADSTATE);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  Opened<fid_ep> alias;
  cr_assert_eq(fi_ep_alias(endpoint.ep.get(), alias.out(), FI_TRANSMIT | FI_INJECT), 0);
  cr_assert_eq(flags_of(alias.fid(), FI_TRANSMIT), FI_INJECT);
  cr_assert_eq(flags_of(endpoint.ep.fid(), FI_TRANSMIT), FI_DELIVERY_COMPLETE);
  cr_assert_eq(endpoint.ep.close(), -FI_EBUSY);

  const fi_addr_t self = endpoint.self();
  char in[3] = {}, out[3] = "ab";
  cr_assert_eq(fi_recv(endpoint.ep.get(), in, sizeof(in), nullptr, FI_ADDR_UNSPEC, in), 0);
  cr_assert_eq(fi_send(alias.get(), out, sizeof(out), nullptr, self, out), 0);
  endpoint.next();
  endpoint.next();
  cr_assert_str_eq(in, "ab");
}

Test(ep, selective_completion_writes_what_is_asked_for) {
  const OpenDomain open;
  OpenEndpoint endpoint(open, FI_SELECTIVE_COMPLETION);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  const fi_addr_t self = endpoint.self();
  char in[2], out[2] = {1, 2};
  cr_assert_eq(fi_trecv(endpoint.ep.get(), &in[0], 1, nullptr, FI_ADDR_UNSPEC, 1, 0, &in[0]), 0);
  cr_assert_eq(fi_tsend(endpoint.ep.get(), &out[0], 1, nullptr, self, 1, &out[0]), 0);
  const iovec segment{&in[1], 1};
  fi_msg_tagged message{};
  message.msg_iov = &segment;
  message.iov_count = 1;
  message.addr = FI_ADDR_UNSPEC;
  message.tag = 2;
  message.context = &in[1];
  cr_assert_eq(fi_trecvmsg(endpoint.ep.get(), &message, FI_COMPLETION), 0);
  cr_assert_eq(fi_tsend(endpoint.ep.get(), &out[1], 1, nullptr, self, 2, &out[1]), 0);
  cr_assert_eq(endpoint.next().op_context, &in[1]);
}

Test(ep, flags_that_a_call_does_not_take) {
  const OpenDomain open;
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  const fi_addr_t self = endpoint.self();
  fi_msg message{};
  message.addr = self;
  cr_assert_eq(fi_sendmsg(endpoint.ep.get(), &message, FI_MULTICAST), -FI_EBADFLAGS);
  cr_assert_eq(fi_recvmsg(endpoint.ep.get(), &message, FI_PEEK), -FI_EBADFLAGS);
  fi_msg_tagged tagged{};
  tagged.addr = self;
  cr_assert_eq(fi_trecvmsg(endpoint.ep.get(), &tagged, FI_MULTI_RECV), -FI_EBADFLAGS);
  cr_assert_eq(fi_trecvmsg(endpoint.ep.get(), &tagged, FI_DISCARD), -FI_EINVAL);
  cr_assert_eq(fi_trecvmsg(endpoint.ep.get(), &tagged, FI_PEEK | FI_CLAIM), -FI_EINVAL);  // a claim needs a context
}

Test(ep, sizes) {
  const OpenDomain open;
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  const fi_addr_t self = endpoint.self();
  static const char bytes[kInjectSize + 1] = {};
  cr_assert_eq(fi_inject(endpoint.ep.get(), bytes, sizeof(bytes), self), -FI_EMSGSIZE);
  iovec many[kMaxSegments + 1] = {};
  cr_assert_eq(fi_sendv(endpoint.ep.get(), many, nullptr, kMaxSegments + 1, self, nullptr), -FI_EINVAL);
  many[0].iov_len = many[1].iov_len = SIZE_MAX;  // the sum would wrap
  cr_assert_eq(fi_sendv(endpoint.ep.get(), many, nullptr, 2, self, nullptr), -FI_EMSGSIZE);
  cr_assert_eq(fi_recvv(endpoint.ep.get(), many, nullptr, 2, self, nullptr), -FI_EMSGSIZE);
}

Test(ep, counters_may_come_late) {
  const OpenDomain open;
  Opened<fid_cntr> counter;
  fi_cntr_attr attr{};
  attr.wait_obj = FI_WAIT_UNSPEC;
  cr_assert_eq(fi_cntr_open(open.domain.get(), &attr, counter.out(), nullptr), 0);
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  cr_assert_eq(fi_ep_bind(endpoint.ep.get(), counter.fid(), FI_MULTI_RECV), -FI_EBADFLAGS);
  cr_assert_eq(fi_ep_bind(endpoint.ep.get(), counter.fid(), FI_RECV | FI_WRITE), 0);
  cr_assert_eq(fi_ep_bind(endpoint.ep.get(), counter.fid(), FI_RECV), -FI_EINVAL);
  const fi_addr_t self = endpoint.self();
  char byte = 0;
  cr_assert_eq(fi_recv(endpoint.ep.get(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr), 0);
  cr_assert_eq(fi_inject(endpoint.ep.get(), "x", 1, self), 0);
  cr_assert_eq(fi_cntr_wait(counter.get(), 1, 10'000), 0);
  cr_assert_eq(byte, 'x');
}

// In any other name a 0 at the end is a part of it like all else.
Test(ep, a_free_port_is_chosen_for_ip_addresses_only) {
  const OpenDomain open([](fi_info& h) { h.addr_format = FI_ADDR_STR; });
  const std::string mine = std::to_string(::getpid());
  const auto name_after_enabling = [&](const std::string& wanted) {
    OpenEndpoint endpoint(open);
    std::string name = "anchor://" + wanted;
    cr_assert_eq(fi_setname(endpoint.ep.fid(), name.data(), name.size() + 1), 0);
    cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
    char found[64];
    std::size_t size = sizeof(found);
    cr_assert_eq(fi_getname(endpoint.ep.fid(), found, &size), 0);
    return std::string(found).substr(9);
  };
  for (const std::string& name : {"rank-" + mine + ":0", mine + "-127.0.0.1:0", mine + ":[::1]:0"})
    cr_assert_eq(name_after_enabling(name), name);
  const std::string four = name_after_enabling("127.0.0.1:0"), six = name_after_enabling("[::1]:0");
  cr_assert_geq(std::stoul(four.substr(four.rfind(':') + 1)), 49152u);
  cr_assert_geq(std::stoul(six.substr(six.rfind(':') + 1)), 49152u);
}

// fi_msg(3) speaks of a buffer: where in several a message lies could not be told.
Test(ep, a_multi_receive_is_one_buffer) {
  const OpenDomain open([](fi_info& h) { h.rx_attr->op_flags = FI_MULTI_RECV; });
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  char bytes[200];
  const iovec segments[] = {{bytes, 100}, {bytes + 100, 100}};
  for (const std::size_t count : {0, 1, 2}) {
    const ssize_t expected = count == 1 ? 0 : -FI_EINVAL;
    cr_assert_eq(fi_recvv(endpoint.ep.get(), segments, nullptr, count, FI_ADDR_UNSPEC, nullptr), expected);
    fi_msg message{};
    message.msg_iov = segments;
    message.iov_count = count;
    message.addr = FI_ADDR_UNSPEC;
    cr_assert_eq(fi_recvmsg(endpoint.ep.get(), &message, FI_MULTI_RECV), expected);
    cr_assert_eq(fi_recvmsg(endpoint.ep.get(), &message, 0), 0);
  }
}
