// SPDX-License-Identifier: BSD-2-Clause
#include "endpoint.h"

#include <rdma/fi_cm.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace anchor::bench {
namespace {

// A receive queue that is still full after so many attempts does not hold what the test needs.
constexpr int kParkAttempts = 100000;

// A wait that lasts longer goes on, as wait_all() calls again.
constexpr int kLongestSleep = 1000;  // milliseconds

fi_wait_obj wait_object_of(Waiting waiting) {
  switch (waiting) {
    case Waiting::kBlocking:
      return FI_WAIT_UNSPEC;
    case Waiting::kDescriptor:
      return FI_WAIT_FD;
    default:
      return FI_WAIT_NONE;
  }
}

fid_cq* open_queue(fid_domain* domain, Waiting waiting) {
  fi_cq_attr attributes{};
  attributes.size = 4096;
  attributes.format = FI_CQ_FORMAT_TAGGED;
  attributes.wait_obj = wait_object_of(waiting);
  fid_cq* queue = nullptr;
  require(fi_cq_open(domain, &attributes, &queue, nullptr), "fi_cq_open");
  return queue;
}

fid_av* open_addresses(fid_domain* domain) {
  fi_av_attr attributes{};
  attributes.type = FI_AV_TABLE;
  fid_av* addresses = nullptr;
  require(fi_av_open(domain, &attributes, &addresses, nullptr), "fi_av_open");
  return addresses;
}

}  // namespace

Endpoint::Endpoint(const Fabric& fabric, Waiting waiting)
    : waiting_(waiting), inject_size_(fabric.info()->tx_attr->inject_size), fabric_(fabric.fabric()) {
  queue_ = open_queue(fabric.domain(), waiting);
  if (waiting == Waiting::kDescriptor) open_descriptor();
  addresses_ = open_addresses(fabric.domain());
  require(fi_endpoint(fabric.domain(), fabric.info(), &endpoint_, nullptr), "fi_endpoint");
  require(fi_ep_bind(endpoint_, &addresses_->fid, 0), "fi_ep_bind");
  require(fi_ep_bind(endpoint_, &queue_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
  require(fi_enable(endpoint_), "fi_enable");
}

Endpoint::~Endpoint() {
  if (endpoint_) fi_close(&endpoint_->fid);
  if (addresses_) fi_close(&addresses_->fid);
  if (set_ >= 0) close(set_);
  if (queue_) fi_close(&queue_->fid);
}

void Endpoint::open_descriptor() {
  int descriptor = -1;
  require(fi_control(&queue_->fid, FI_GETWAIT, &descriptor), "fi_control");
  set_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{.events = EPOLLIN, .data = {}};
  if (epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &wanted) != 0) throw std::runtime_error("epoll takes no descriptor");
}

void Endpoint::wait_asleep() {
  if (waiting_ == Waiting::kBlocking)
    return take(fi_cq_sread(queue_, completions_.data(), completions_.size(), nullptr, kLongestSleep));
  fid* object = &queue_->fid;
  epoll_event found;
  if (fi_trywait(fabric_, &object, 1) == 0) epoll_wait(set_, &found, 1, kLongestSleep);
  progress();
}

std::vector<std::byte> Endpoint::name() const {
  std::vector<std::byte> name(256);
  std::size_t size = name.size();
  require(fi_getname(&endpoint_->fid, name.data(), &size), "fi_getname");
  name.resize(size);
  return name;
}

fi_addr_t Endpoint::insert(const std::vector<std::byte>& name) {
  fi_addr_t address = FI_ADDR_UNSPEC;
  if (require(fi_av_insert(addresses_, name.data(), 1, &address, 0, nullptr), "fi_av_insert") != 1)
    throw std::runtime_error("fi_av_insert took no address");
  return address;
}

void Endpoint::park_receive(Bytes buffer, std::uint64_t tag) {
  parked_.emplace_back();
  for (int attempt = 0; attempt < kParkAttempts; ++attempt) {
    const ssize_t status = try_receive<Traffic::kTagged>(buffer, tag, &parked_.back());
    if (status == 0) return;
    retry_later(status, "receive");
  }
  throw std::runtime_error("no more than " + std::to_string(parked_.size() - 1) + " receives can be posted");
}

void Endpoint::fail_completion(ssize_t status) {
  if (status != -FI_EAVAIL) require(status, "fi_cq_read");
  fi_cq_err_entry error{};
  require(fi_cq_readerr(queue_, &error, 0), "fi_cq_readerr");
  throw std::runtime_error(std::string("completion in error: ") + fi_strerror(error.err));
}

}  // namespace anchor::bench
