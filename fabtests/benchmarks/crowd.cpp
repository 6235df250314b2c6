// SPDX-License-Identifier: BSD-2-Clause
#include "crowd.h"

#include <exception>
#include <memory>

#include "shared_files.h"

namespace anchor::bench {
namespace {

constexpr unsigned kGreetings = 4;
constexpr std::size_t kSize = 8;
constexpr std::uint64_t kGreetingTag = 0x3000'0000;
constexpr std::uint64_t kDismissed = ~std::uint64_t{0};

class Member {
 public:
  explicit Member(const Fabric& fabric) : endpoint_(fabric) {}

  Endpoint& endpoint() { return endpoint_; }
  void meet_hosts(const std::vector<EndpointName>& names) { hosts_ = insert_all(endpoint_, names); }
  void expect() { endpoint_.receive<Traffic::kTagged>(buffer_, kGreetingTag); }

  void answer(std::uint64_t host) { endpoint_.send<Traffic::kTagged>(hosts_.at(host), buffer_, kGreetingTag); }

 private:
  Endpoint endpoint_;
  std::vector<fi_addr_t> hosts_;
  std::array<std::byte, kSize> buffer_{};
};

using Members = std::vector<std::unique_ptr<Member>>;

std::vector<EndpointName> names_of(Members& members) {
  std::vector<EndpointName> names;
  for (auto& member : members) names.push_back(member->endpoint().name());
  return names;
}

void put_shared_files(Link& link) {
  const SharedFiles files = shared_files_in_use();
  link.put_number(files.size());
  for (const auto& [inode, bytes] : files) link.put_number(inode);
}

void progress_all(Members& members) {
  for (auto& member : members) member->endpoint().progress();
}

void wait_for_all(Members& members) {
  for (auto& member : members)
    while (member->endpoint().is_waiting()) progress_all(members);
}

// All members in turn each time, so that on a busy machine it takes few changes of process.
void answer_host(Members& members, std::uint64_t host) {
  for (unsigned i = 1; i <= kGreetings; ++i) {
    wait_for_all(members);
    for (auto& member : members) {
      if (i < kGreetings) member->expect();
      member->answer(host);
    }
  }
  wait_for_all(members);
}

}  // namespace

void put_names(Link& link, const std::vector<EndpointName>& names) {
  link.put_number(names.size());
  for (const EndpointName& name : names) link.put_bytes(name);
}

std::vector<EndpointName> get_names(Link& link) {
  std::vector<EndpointName> names(link.get_number());
  for (EndpointName& name : names) name = link.get_bytes();
  return names;
}

void serve_crowd(const Options& options, unsigned count, Link& link) {
  const Fabric fabric(options);
  Members members;
  for (unsigned i = 0; i < count; ++i) members.push_back(std::make_unique<Member>(fabric));
  put_names(link, names_of(members));
  put_shared_files(link);
  const std::vector<EndpointName> hosts = get_names(link);
  for (auto& member : members) member->meet_hosts(hosts);
  for (;;) {
    for (auto& member : members) member->expect();
    link.put_number(0);
    const std::uint64_t host = link.get_number();
    if (host == kDismissed) return;
    answer_host(members, host);
    link.get_number([&] { progress_all(members); });  // the host has got all answers
    link.put_number(host);
  }
}

std::vector<EndpointName> CrowdLink::names() { return get_names(link_); }

std::vector<std::uint64_t> CrowdLink::shared_files() {
  std::vector<std::uint64_t> inodes(link_.get_number());
  for (std::uint64_t& inode : inodes) inode = link_.get_number();
  return inodes;
}

void CrowdLink::introduce(const std::vector<EndpointName>& hosts) { put_names(link_, hosts); }

void CrowdLink::dismiss() noexcept {
  try {
    link_.put_number(kDismissed);
  } catch (const std::exception&) {
    // It is gone already, and has said why.
  }
}

void greet(Endpoint& host, const std::vector<fi_addr_t>& members) {
  std::array<std::byte, kSize> buffer{};
  for (unsigned i = 0; i < kGreetings; ++i) {
    for (std::size_t k = 0; k < members.size(); ++k) host.receive<Traffic::kTagged>(buffer, kGreetingTag);
    for (const fi_addr_t member : members) host.send<Traffic::kTagged>(member, buffer, kGreetingTag);
    host.wait_all();
  }
}

std::vector<fi_addr_t> insert_all(Endpoint& host, const std::vector<EndpointName>& names) {
  std::vector<fi_addr_t> addresses;
  for (const EndpointName& name : names) addresses.push_back(host.insert(name));
  return addresses;
}

}  // namespace anchor::bench
