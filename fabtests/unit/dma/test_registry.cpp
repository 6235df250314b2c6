// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>

#include "../os/log_capture.h"
#include "dma/registry.h"
#include "shm_place.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(registry, finds_each_device_by_its_name) {
  cr_assert_geq(device_count(), 1);
  for (std::size_t i = 0; i < device_count(); ++i) {
    const DeviceEntry* const entry = first_device() + i;
    cr_assert_eq(find_device(entry->name), entry);
    if (!entry->present({})) continue;
    const auto device = entry->open({});
    cr_assert_not_null(device.get());
    cr_assert(device->name() == entry->name);
  }
}

Test(registry, knows_no_other) {
  cr_assert_null(find_device("carrier pigeon"));
  cr_assert_null(find_device(""));
}

Test(registry, hands_the_options_on) {
  const ScratchDirectory scratch;
  const auto device = find_device("shm")->open({scratch.path(), false, ""});
  std::unique_ptr<LocalRegion> region;
  cr_assert_eq(device->create(named("a"), kPageSize, &region), 0);
  cr_assert_eq(region->publish(), 0);
  cr_assert_eq(scratch.entries(), 1);
  std::unique_ptr<DirectCopy> direct;
  cr_assert_eq(device->open_direct_copy({}, &direct), -EOPNOTSUPP);
}

Test(registry, looks_whether_regions_have_a_place) {
  const LogCapture log;
  const ScratchDirectory scratch;
  for (std::size_t i = 0; i < device_count(); ++i) {
    const DeviceEntry& entry = first_device()[i];
    cr_assert(entry.usable({scratch.path()}));
    cr_assert_eq(log.warnings(), i);
    cr_assert_not(entry.usable({scratch.path() + "/missing"}));
    cr_assert(log.warned_of("/missing") && log.warned_of("FI_ANCHOR_SHM_DIR"));
  }
}

Test(registry, has_a_window_where_one_is_configured) {
  const WindowPlaces places;
  const DeviceEntry* const window = find_device("window");
  cr_assert_not(window->present({}));
  const DeviceOptions options{places.scratch.path(), false, places.config_file(0)};
  cr_assert(window->present(options));
  cr_assert_not_null(window->open(options).get());
}
