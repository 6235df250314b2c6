// SPDX-License-Identifier: BSD-2-Clause
// What can be said without such a device; the rest is tried between guests (fabtests/vm).
#include <criterion/criterion.h>

#include <cerrno>

#include "dma/vfio_doorbell.h"
#include "doorbell_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(vfio_doorbell, says_that_there_is_no_such_device) {
  const LogCapture log;
  const std::size_t before = open_descriptors();
  {
    VfioDoorbell doorbell;
    cr_assert_eq(doorbell.open("ffff:ff:1f.7", 0), -ENOENT);
    cr_assert_eq(LogCapture::warnings(), 1u);
    cr_assert(LogCapture::warned_of("vfio:ffff:ff:1f.7: no such device"));
    cr_assert_lt(doorbell.ring(0), 0);
  }
  cr_assert_eq(open_descriptors(), before);
}
