// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>

#include "dma/doorbell_device.h"
#include "doorbell_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(doorbell_device, knows_its_descriptions) {
  for (const char* good : {"vfio:0000:00:04.0", "vfio:ABCD:ef:1f.7", "socket:/dev/shm"})
    cr_assert(is_doorbell(good), "%s", good);
  for (const char* bad : {"", "vfio:", "vfio:00:04.0", "vfio:0000:00:04.0x", "vfio:0000:00:04,0", "vfio:../../etc/a.b",
                          "socket:", "socket:here", "interrupt:0000:00:04.0", "/dev/vfio/1"})
    cr_assert_not(is_doorbell(bad), "%s", bad);
}

Test(doorbell_device, opens_what_is_described) {
  const WindowPlaces places;
  const LogCapture log;
  std::unique_ptr<DoorbellDevice> device;
  cr_assert_eq(open_doorbell("socket:" + places.scratch.path(), 3, &device), 0);
  cr_assert_eq(device->word(), 3u);
  std::unique_ptr<DoorbellDevice> other;
  cr_assert_eq(open_doorbell("nothing", 0, &other), -EINVAL);
  cr_assert_eq(open_doorbell("vfio:ffff:ff:1f.7", 0, &other), -ENOENT);
  cr_assert_null(other.get());
}
