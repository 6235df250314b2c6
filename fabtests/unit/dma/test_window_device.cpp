// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>

#include "dma/window_device.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(window_device, says_why_there_is_none) {
  const WindowPlaces places;
  const LogCapture log;
  cr_assert_null(WindowDevice::open({"/no/such/file", places.scratch.path()}).get());
  cr_assert(log.warned_of("no window: /no/such/file"));
  places.write_config(0, "hosts = 2\n");
  cr_assert_null(places.device(0).get());
  cr_assert(log.warned_of("host must be 0 to 1"));
}

Test(window_device, refuses_odd_requests) {
  const WindowPlaces places;
  const auto device = places.device(0);
  std::unique_ptr<LocalRegion> region;
  cr_assert_eq(device->create(EndpointName(), kPageSize, &region), -EINVAL);
  cr_assert_eq(device->create(named("a"), 100, &region), -EINVAL);
  cr_assert_eq(device->create(named("a"), std::size_t{1} << 20, &region), -EINVAL);
  std::unique_ptr<RemoteRegion> peer;
  cr_assert_eq(device->attach(EndpointName(), &peer), -EINVAL);
  std::unique_ptr<DirectCopy> direct;
  cr_assert_eq(device->open_direct_copy({}, &direct), -EOPNOTSUPP);
}

Test(window_device, a_name_can_be_had_again) {
  const WindowPlaces places;
  const auto device = places.device(0), other = places.device(1);
  for (int i = 0; i < 600; ++i) cr_assert_not_null(region_on(*device, "again").get(), "%d", i);
  const auto region = region_on(*device, "again");
  cr_assert_null(region_on(*device, "again").get());
  cr_assert_not_null(attached_to(*other, "again").get());
}

// Whoever is asked for a connection finds the one that asks, however short it has been there.
Test(window_device, who_attaches_is_known) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  const auto first = region_on(*a, "first"), second = region_on(*b, "second");
  const auto seen = attached_to(*b, "first");
  std::unique_ptr<RemoteRegion> back;
  cr_assert_eq(a->attach(named("second"), &back), 0);
}

Test(window_device, peers_of_this_host_are_near_if_wanted) {
  const WindowPlaces places;
  for (const bool near : {false, true}) {
    const auto a = WindowDevice::open({places.config_file(0), places.scratch.path(), near, true});
    const auto a2 = places.device(0), b = places.device(1);
    const auto here = region_on(*a2, "here"), there = region_on(*b, "there");
    cr_assert_eq(attached_to(*a, "here")->distant(), !near);
    cr_assert(attached_to(*a, "there")->distant());
  }
}

Test(window_device, tells_of_a_killed_owner) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  cr_assert_eq(b->keep(), 0);
  Child owner([&places](const Meeting& meeting) {
    const auto device = places.device(1);
    const auto region = region_on(*device, "victim");
    meeting.tell();
    meeting.await();
    return region != nullptr ? 0 : 1;
  });
  cr_assert(owner.await());
  const auto victim = attached_to(*a, "victim");
  cr_assert_not_null(victim.get());
  owner.kill();
  cr_assert(comes_true([&] { return !victim->alive(); }));
}
