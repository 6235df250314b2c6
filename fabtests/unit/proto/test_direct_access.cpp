// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>

#include "../os/child_process.h"
#include "../os/log_capture.h"
#include "node.h"
#include "proto/direct_access.h"

using namespace anchor;
using namespace anchor::unit;

// Another process that gives our memory out as its own.
Test(direct_access, memory_of_this_process_is_not_a_strangers) {
  const LogCapture log;
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  const DirectCopyOffer offer = a.exchange.own_offer();
  Child liar([&](const Meeting& meeting) {
    std::unique_ptr<LocalRegion> region;
    if (place.device.create(named("liar"), kHeaderSize, &region) != 0) return 1;
    publish_anchor_record(region->header(), named("liar"), 1, offer, MemoryType::kCoherent);
    if (region->publish() != 0) return 2;
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(liar.await());
  for (const char* name : {"liar", "b"}) seek_peer(a.exchange, a.peer(name));
  cr_assert_not_null(a.peer("liar").region);
  open_direct(a.exchange, a.peer("liar"));
  cr_assert_null(a.peer("liar").direct);
  cr_assert(LogCapture::warned_of("not known to be of this"));
  open_direct(a.exchange, a.peer("b"));
  cr_assert_not_null(a.peer("b").direct);
}
