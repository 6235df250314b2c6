// SPDX-License-Identifier: BSD-2-Clause
// Endpoints that come and go, each in a thread of its own, around one that stays: first contacts from several sides at
// once, contact entries and blocks used again and again, goodbyes, names that return with another incarnation, and an
// address vector that changes all the while.
#include <sched.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fifo/contact.h"
#include "near_device.h"
#include "party.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr unsigned kVisitors = 3;
constexpr unsigned kVisits = 30;
constexpr const char* kHost = "anchor://host";

struct Parcel {
  std::uint64_t visitor;
  std::uint64_t visit;
};

std::string name_of(unsigned visitor) { return "anchor://visitor-" + std::to_string(visitor); }

void visit_once(Device& device, const EndpointSettings& settings, unsigned visitor, unsigned visit) {
  Party party(device, settings);
  if (!expect(party.open(name_of(visitor)) == 0, "a name is free again")) return;
  const std::uint64_t host = party.meet(kHost);
  Parcel out{visitor, visit}, in{};
  Call sent, received;
  expect(party.receive({.bytes = reinterpret_cast<std::byte*>(&in), .length = sizeof in, .tag = visit}, &received) == 0,
         "a receive is taken");
  expect(
      party.send({.bytes = reinterpret_cast<std::byte*>(&out), .length = sizeof out, .address = host, .tag = visitor},
                 &sent) == 0,
      "a send is taken");
  expect(party.wait(sent) && party.wait(received), "a visit ends", visit);
  expect(sent.error == 0 && received.error == 0, "a visit goes well", sent.error + received.error);
  expect(in.visitor == visitor && in.visit == visit, "the host answers this visit", visit);
}

struct Guest {
  std::uint64_t address;
  Parcel parcel;
  Call received, sent;
};

void listen(Party& party, Guest& guest, std::uint64_t tag) {
  guest.received.done = false;
  party.receive({.bytes = reinterpret_cast<std::byte*>(&guest.parcel), .length = sizeof(Parcel), .tag = tag},
                &guest.received);
}

// Answers each visit. The answer lies in the visitor's memory before its endpoint can go.
void host(Party& party, std::vector<Guest>& guests) {
  const Deadline deadline(100);
  for (unsigned answered = 0; answered < kVisitors * kVisits && expect(!deadline.expired(), "all visits", answered);) {
    if (party.poll() == 0) sched_yield();
    for (Guest& guest : guests) {
      if (!guest.received.done) continue;
      ++answered;
      expect(guest.received.error == 0, "a visitor's message arrives", guest.received.error);
      guest.sent.done = false;
      party.send({.bytes = reinterpret_cast<std::byte*>(&guest.parcel),
                  .length = sizeof(Parcel),
                  .address = guest.address,
                  .tag = guest.parcel.visit},
                 &guest.sent);
      expect(party.wait(guest.sent) && guest.sent.error == 0, "an answer leaves", guest.sent.error);
      listen(party, guest, guest.parcel.visitor);
    }
  }
}

// Keeps the address vector of an endpoint changing, which nothing else serialises: strangers come and go, and a visitor
// has a second address at times.
void keep_changing(AddressVector& addresses, const std::atomic<bool>& over) {
  while (!over.load(std::memory_order_relaxed)) {
    const std::uint64_t stranger = addresses.insert(EndpointName::from("anchor://stranger"));
    const std::uint64_t again = addresses.insert(EndpointName::from(name_of(0)));
    sched_yield();
    expect(addresses.remove(stranger) == 0 && addresses.remove(again) == 0, "an address can be removed");
  }
}

void come_and_go() {
  NearDevice device;
  EndpointSettings settings;
  settings.locked = false;
  settings.liveness_interval = Milliseconds(1);
  Party party(device, settings);
  if (!expect(party.open(kHost) == 0, "the host opens")) return;
  std::vector<Guest> guests(kVisitors);
  for (unsigned i = 0; i < kVisitors; ++i) {
    guests[i].address = party.meet(name_of(i));
    listen(party, guests[i], i);
  }
  std::vector<std::thread> visitors;
  for (unsigned i = 0; i < kVisitors; ++i)
    visitors.emplace_back([&, i] {
      for (unsigned visit = 0; visit < kVisits; ++visit) visit_once(device, settings, i, visit);
    });
  std::atomic<bool> over{false};
  std::thread clerk([&] { keep_changing(party.addresses(), over); });
  host(party, guests);
  over = true;
  clerk.join();
  for (std::thread& visitor : visitors) visitor.join();
}

// One entry written again and again while it is read: a copy is a whole request or none.
void rewrite_a_contact() {
  constexpr std::uint64_t kRequests = 20'000;
  alignas(kPageSize) static std::byte header[kHeaderSize];
  AnchorContents contents{};
  contents.contact_offset = kContactOffset;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kRequests; ++i)
      post_contact(header, contents, 5,
                   {EndpointName::from("anchor://" + std::to_string(i)),
                    i,
                    {.offset = i,
                     .slot_count = 0,
                     .payload_bytes = 0,
                     .notification = static_cast<std::uint32_t>(i),
                     .reserved = 0}});
  });
  std::uint64_t last = 0;
  while (last != kRequests) {
    ContactRequest request;
    if (!read_contact(header, 5, &request)) continue;
    const std::uint64_t i = request.requester_incarnation;
    expect(i >= last, "requests are read in order", static_cast<long long>(i));
    expect(request.block.offset == i && request.block.notification == i, "a request is whole");
    expect(request.requester == EndpointName::from("anchor://" + std::to_string(i)), "a request has its own name");
    last = i;
  }
  writer.join();
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("endpoints come and go around one that stays", anchor::stress::come_and_go);
  verdicts.run("a contact entry is rewritten while it is read", anchor::stress::rewrite_a_contact);
  return verdicts.finish();
}
