// SPDX-License-Identifier: BSD-2-Clause
//
// A crowd: many endpoints in one process that get to know one or two hosts by answering a few messages of
// each, and then sleep. serve_crowd() is the process of the endpoints; CrowdLink is what the hosts use to
// steer it. Only one host and one crowd are awake at a time, so that two cores do. One thread each.
#pragma once

#include <sys/types.h>

#include <vector>

#include "endpoint.h"
#include "test.h"

namespace anchor::bench {

using EndpointName = std::vector<std::byte>;

void put_names(Link& link, const std::vector<EndpointName>& names);
std::vector<EndpointName> get_names(Link& link);

// Opens the endpoints, tells their names, and obeys the link until it is dismissed.
void serve_crowd(const Options& options, unsigned members, Link& link);

class CrowdLink {
 public:
  explicit CrowdLink(Link& link) : link_(link) {}

  std::vector<EndpointName> names();
  // Of everything in shared memory that the crowd's process holds now.
  std::vector<std::uint64_t> shared_files();
  void introduce(const std::vector<EndpointName>& hosts);

  // Wakes the members for host number `host`, lets it greet them meanwhile, and returns when they sleep again.
  template <typename Greet>
  void attend(std::uint64_t host, Greet greet) {
    link_.get_number();  // they expect the greeting
    link_.put_number(host);
    greet();
    link_.put_number(host);
    link_.get_number();  // they sleep
  }
  void dismiss() noexcept;

 private:
  Link& link_;
};

// The host's side: a few messages to and from each of them.
void greet(Endpoint& host, const std::vector<fi_addr_t>& members);

std::vector<fi_addr_t> insert_all(Endpoint& host, const std::vector<EndpointName>& names);

}  // namespace anchor::bench
