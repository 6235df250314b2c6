// SPDX-License-Identifier: BSD-2-Clause
// Traffic between all ranks at once: numbered messages of random sizes, checked for order, content and completeness.
//
// Receives are posted with rising numbers as contexts; messages of one sender must meet them in order, whatever the
// order in which they complete.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "common/node.h"

namespace anchor::fabtests {

struct CrowdPlan {
  std::size_t messages = 200;  // from each rank to each
  std::size_t largest = 50000;
  unsigned one_large_in = 5;  // the others have less than 300 bytes
  bool to_self = true;
  bool tagged = true;
  std::size_t in_flight = 64;  // sends, and receives
};

class Crowd {
 public:
  Crowd(Team& team, Node& node, const CrowdPlan& plan);

  // Submits what there is room for and takes what came.
  void step();
  bool done() const noexcept;
  void run(double seconds = 15);

 private:
  struct Header {
    std::uint32_t sender;
    std::uint32_t number;
  };
  struct Place {
    Bytes buffer;
    std::uint64_t posted = 0;  // the how-manieth receive this is
  };

  bool send_next();
  bool post_next();
  void take_receive(const Entry& entry);
  void check_order();
  std::uint64_t seed_of(int from, int to, std::uint32_t number) const;
  std::size_t size_of(int from, int to, std::uint32_t number) const;

  Team& team_;
  Node& node_;
  CrowdPlan plan_;
  std::vector<int> destinations_;  // of all messages, shuffled
  std::size_t sent_ = 0;
  std::size_t completed_ = 0;
  std::vector<std::uint32_t> next_number_;  // by destination
  std::map<void*, Bytes> outgoing_;
  std::vector<Place> places_;
  std::deque<Place*> free_;
  std::size_t expected_;
  std::size_t posted_ = 0;
  std::size_t received_ = 0;
  std::vector<std::map<std::uint64_t, std::uint32_t>> arrivals_;  // by sender: receive -> message number
};

}  // namespace anchor::fabtests
