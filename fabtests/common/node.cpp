// SPDX-License-Identifier: BSD-2-Clause
#include "node.h"

#include <sched.h>
#include <unistd.h>

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLongestName = 256;

}  // namespace

Bytes name_of(fid_ep* ep) {
  Bytes name(kLongestName);
  std::size_t length = name.size();
  REQUIRE_OK(fi_getname(&ep->fid, name.data(), &length));
  REQUIRE(length <= name.size());
  name.resize(length);
  return name;
}

fi_addr_t insert_address(fid_av* av, const Bytes& name) {
  fi_addr_t address = FI_ADDR_NOTAVAIL;
  CHECK_EQ(fi_av_insert(av, name.data(), 1, &address, 0, nullptr), 1);
  return address;
}

// Asked for as one's own: as a peer's address it might be looked for, and need not be there yet. Numeric: no
// name server is asked about names that are none of its business.
Bytes address_of(const std::string& host, const std::string& service, std::uint32_t format) {
  const Info hints = message_hints();
  hints->addr_format = format;
  const Info info = info_or_skip(hints.get(), host, service, FI_SOURCE | FI_NUMERICHOST);
  REQUIRE(info->src_addr != nullptr);
  const auto* raw = static_cast<const std::byte*>(info->src_addr);
  return Bytes(raw, raw + info->src_addrlen);
}

int first_service() { return 10000 + getpid() % 500 * 100; }

Info node_info(const NodeOptions& options) {
  Info hints = message_hints(options.caps);
  hints->addr_format = options.address_format;
  hints->domain_attr->threading = options.threading;
  hints->tx_attr->op_flags = options.transmit_flags;
  hints->rx_attr->op_flags = options.receive_flags;
  const bool named = !options.host.empty() || !options.service.empty();
  Info info = info_or_skip(hints.get(), options.host, options.service, named ? options.host_flags : 0);
  info->domain_attr->mr_mode |= options.mr_mode;
  return info;
}

Node::Node(Team& team, const NodeOptions& options) : team_(team) {
  own_.emplace(node_info(options).get());
  info_.reset(fi_dupinfo(own_->info.get()));
  domain_ = own_->domain.get();
  open(options);
}

Node::Node(Team& team, const OpenDomain& shared, const NodeOptions& options) : team_(team) {
  info_ = node_info(options);
  domain_ = shared.domain.get();
  open(options);
}

void Node::open(const NodeOptions& options) {
  transmit_queue_ = open_cq(domain_, FI_CQ_FORMAT_TAGGED, options.cq_size);
  receive_queue_ = open_cq(domain_, FI_CQ_FORMAT_TAGGED, options.cq_size);
  av_ = open_av(domain_, options.av_type);
  REQUIRE_OK(fi_endpoint(domain_, info_.get(), ep_.out(), nullptr));
  REQUIRE_OK(fi_ep_bind(ep_.get(), av_.as_fid(), 0));
  REQUIRE_OK(fi_ep_bind(ep_.get(), transmit_queue_.as_fid(), FI_TRANSMIT | options.transmit_bind));
  REQUIRE_OK(fi_ep_bind(ep_.get(), receive_queue_.as_fid(), FI_RECV | options.receive_bind));
  REQUIRE_OK(fi_enable(ep_.get()));
  sends_ = Completions(transmit_queue_.get(), false);
  receives_ = Completions(receive_queue_.get(), (options.caps & FI_SOURCE) != 0);
  progress_key_ = team_.add_progress([this] {
    if (!resting_) progress();
  });
}

Node::~Node() {
  if (progress_key_ >= 0) team_.remove_progress(progress_key_);
}

Bytes Node::name() const { return name_of(ep_.get()); }

fi_addr_t Node::insert(const Bytes& name) { return insert_address(av_.get(), name); }

void Node::introduce() {
  peers_.clear();
  for (const Bytes& name : team_.gather(name())) peers_.push_back(insert(name));
}

bool Node::progress() {
  const bool sent = sends_.poll();
  return receives_.poll() || sent;
}

void Node::until(const char* what, const std::function<bool()>& done, double seconds) {
  if (happens_within(seconds, done)) return;
  note_failure(FABTESTS_PLACE, std::string("waited in vain for ") + what);
  abandon();
}

// The processor is offered to the others after each look in vain: tests run more processes than there are cores.
bool Node::happens_within(double seconds, const std::function<bool()>& awaited) {
  const Deadline deadline(seconds);
  while (!awaited()) {
    if (deadline.expired()) return false;
    if (!progress()) sched_yield();
  }
  return true;
}

void Node::submit(const std::function<ssize_t()>& operation) {
  ssize_t rc = 0;
  until("a place in the queue", [&] { return (rc = operation()) != -FI_EAGAIN; });
  REQUIRE_OK(rc);
}

Entry Node::await(Completions& queue, const char* what, bool want_error, double seconds) {
  until(
      what, [&] { return !queue.empty(); }, seconds);
  Entry entry = queue.take();
  if ((entry.error != 0) != want_error) {
    note_failure(FABTESTS_PLACE, std::string(what) + ": got " + describe(entry));
    abandon();
  }
  return entry;
}

Entry Node::await_send() { return await(sends_, "a send's completion", false, 15); }
Entry Node::await_receive() { return await(receives_, "a receive's completion", false, 15); }
Entry Node::await_send_error(double seconds) { return await(sends_, "a send's error", true, seconds); }
Entry Node::await_receive_error(double seconds) { return await(receives_, "a receive's error", true, seconds); }

}  // namespace anchor::fabtests
