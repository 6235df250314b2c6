// SPDX-License-Identifier: BSD-2-Clause
#include "crowd.h"

#include <sched.h>

#include <cstring>

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kTag = 77;
constexpr std::size_t kSmall = 300;

}  // namespace

Crowd::Crowd(Team& team, Node& node, const CrowdPlan& plan)
    : team_(team),
      node_(node),
      plan_(plan),
      next_number_(static_cast<std::size_t>(team.size())),
      places_(plan.in_flight),
      arrivals_(static_cast<std::size_t>(team.size())) {
  for (int to = 0; to < team.size(); ++to) {
    if (to != team.rank() || plan.to_self) destinations_.insert(destinations_.end(), plan.messages, to);
  }
  expected_ = destinations_.size();  // everybody does the same
  Random random = team.random();
  for (std::size_t i = destinations_.size(); i > 1; --i) {
    std::swap(destinations_[i - 1], destinations_[random.below(i)]);
  }
  for (Place& place : places_) {
    place.buffer.resize(sizeof(Header) + plan.largest);
    free_.push_back(&place);
  }
}

std::uint64_t Crowd::seed_of(int from, int to, std::uint32_t number) const {
  return (static_cast<std::uint64_t>(from) << 48 | static_cast<std::uint64_t>(to) << 40) + number;
}

std::size_t Crowd::size_of(int from, int to, std::uint32_t number) const {
  Random random(team_.seed(), seed_of(from, to, number));
  return random.below(random.one_in(plan_.one_large_in) ? plan_.largest + 1 : kSmall);
}

bool Crowd::send_next() {
  if (sent_ == destinations_.size() || outgoing_.size() == plan_.in_flight) return false;
  const int to = destinations_[sent_];
  const Header header{static_cast<std::uint32_t>(team_.rank()), next_number_[static_cast<std::size_t>(to)]};
  Bytes message(sizeof(header) + size_of(team_.rank(), to, header.number));
  std::memcpy(message.data(), &header, sizeof(header));
  fill_pattern(message.data() + sizeof(header), message.size() - sizeof(header),
               seed_of(team_.rank(), to, header.number));
  std::byte* start = message.data();
  const ssize_t rc = plan_.tagged ? fi_tsend(node_.ep(), start, message.size(), nullptr, node_.peer(to), kTag, start)
                                  : fi_send(node_.ep(), start, message.size(), nullptr, node_.peer(to), start);
  if (rc == -FI_EAGAIN) return false;
  REQUIRE_OK(rc);
  outgoing_.emplace(start, std::move(message));
  ++next_number_[static_cast<std::size_t>(to)];
  ++sent_;
  return true;
}

bool Crowd::post_next() {
  if (posted_ == expected_ || free_.empty()) return false;
  Place& place = *free_.front();
  std::byte* start = place.buffer.data();
  const ssize_t rc = plan_.tagged
                         ? fi_trecv(node_.ep(), start, place.buffer.size(), nullptr, FI_ADDR_UNSPEC, kTag, 0, &place)
                         : fi_recv(node_.ep(), start, place.buffer.size(), nullptr, FI_ADDR_UNSPEC, &place);
  if (rc == -FI_EAGAIN) return false;
  REQUIRE_OK(rc);
  free_.pop_front();
  place.posted = posted_++;
  return true;
}

void Crowd::take_receive(const Entry& entry) {
  REQUIRE_EQ(entry.error, 0);
  auto& place = *static_cast<Place*>(entry.context);
  Header header;
  REQUIRE(entry.length >= sizeof(header));
  std::memcpy(&header, place.buffer.data(), sizeof(header));
  const int from = static_cast<int>(header.sender);
  REQUIRE(from >= 0 && from < team_.size() && header.number < plan_.messages);
  CHECK_EQ(entry.length, sizeof(header) + size_of(from, team_.rank(), header.number));
  check_pattern(place.buffer.data() + sizeof(header), entry.length - sizeof(header),
                seed_of(from, team_.rank(), header.number));
  CHECK(arrivals_[header.sender].emplace(place.posted, header.number).second);
  free_.push_back(&place);
  ++received_;
}

void Crowd::step() {
  while (post_next()) {
  }
  while (send_next()) {
  }
  if (!node_.progress()) sched_yield();
  while (!node_.receives().empty()) take_receive(node_.receives().take());
  while (!node_.sends().empty()) {
    const Entry entry = node_.sends().take();
    CHECK_EQ(entry.error, 0);
    CHECK_EQ(outgoing_.erase(entry.context), 1u);
    ++completed_;
  }
}

bool Crowd::done() const noexcept { return received_ == expected_ && completed_ == destinations_.size(); }

// FI_ORDER_SAS: a later message of a sender never gets an earlier receive.
void Crowd::check_order() {
  for (const auto& arrivals : arrivals_) {
    std::uint32_t number = 0;
    for (const auto& [receive, message] : arrivals) CHECK_EQ(message, number++);
  }
}

void Crowd::run(double seconds) {
  const Deadline deadline(seconds);
  while (!done()) {
    step();
    if (!deadline.expired()) continue;
    note_failure(FABTESTS_PLACE, "sent " + std::to_string(completed_) + ", received " + std::to_string(received_) +
                                     " of " + std::to_string(expected_));
    abandon();
  }
  check_order();
}

}  // namespace anchor::fabtests
