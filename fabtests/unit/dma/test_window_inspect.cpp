// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "dma/window_inspect.h"
#include "doorbell_place.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

Test(window_inspect, reports_each_partition) {
  const WindowPlaces places;
  const auto device = places.device(0);
  const auto region = region_on(*device, "somebody");
  std::vector<PartitionReport> reports;
  std::string reason;
  cr_assert(inspect_window(places.config(1), &reports, &reason));
  cr_assert_eq(reports.size(), 2u);
  cr_assert(reports[0].state == PartitionState::kValid);
  cr_assert(reports[0].beats);
  cr_assert_eq(reports[0].endpoints.size(), 1u);
  cr_assert(reports[0].endpoints[0] == "anchor://somebody");
  cr_assert(reports[1].state == PartitionState::kNew);
}

Test(window_inspect, tells_who_has_a_doorbell) {
  const WindowPlaces places;
  OpenWindow host(places, 0);
  const PlayedServer played(host.window);
  const auto device = places.device(1);
  cr_assert_eq(device->keep(), 0);
  const auto beating = region_on(*device, "somebody");
  std::atomic<bool> over{false};
  std::thread heart([&] {
    while (!over) {
      host.beat();
      std::this_thread::yield();
    }
  });
  std::vector<PartitionReport> reports;
  std::string reason;
  cr_assert(inspect_window(places.config(1), &reports, &reason));
  over = true;
  heart.join();
  cr_assert(reports[0].beats && reports[0].has_doorbell);
  cr_assert(reports[1].beats && !reports[1].has_doorbell);
}

Test(window_inspect, empties_what_nobody_uses) {
  const WindowPlaces places;
  std::ofstream(places.scratch.file("memory"), std::ios::in | std::ios::out) << "a diary";
  std::string reason;
  {
    const LogCapture log;
    cr_assert_null(places.device(0).get());
  }
  cr_assert_eq(empty_partition(places.config(0), places.scratch.path(), &reason), 0, "%s", reason.c_str());
  const auto device = places.device(0);
  cr_assert_not_null(device.get());
  cr_assert_eq(empty_partition(places.config(0), places.scratch.path(), &reason), -EBUSY);
  cr_assert(reason.find("end them first") != std::string::npos);
}

Test(window_inspect, empties_nothing_in_the_middle_of_who_is_configured_otherwise) {
  const WindowPlaces places;
  const auto device = places.device(0);
  cr_assert_eq(device->keep(), 0);
  WindowConfig wrong = places.config(1);
  wrong.partitions[0].size /= 2;
  wrong.partitions[1] = wrong.partitions[0];
  wrong.partitions[1].offset += wrong.partitions[0].size;
  std::fstream memory(places.scratch.file("memory"), std::ios::in | std::ios::out | std::ios::binary);
  memory.seekp(static_cast<std::streamoff>(wrong.partitions[1].offset));
  memory << "precious" << std::flush;

  std::string reason;
  cr_assert_eq(empty_partition(wrong, places.scratch.path(), &reason), -EPROTO);
  cr_assert(reason.find("do not agree") != std::string::npos);
  char kept[9] = {};
  memory.seekg(static_cast<std::streamoff>(wrong.partitions[1].offset));
  memory.read(kept, 8);
  cr_assert_str_eq(kept, "precious");
}

Test(window_inspect, leaves_another_machines_partition_alone) {
  const WindowPlaces places;
  const ScratchDirectory elsewhere;
  const auto device = places.device(0);
  cr_assert_eq(device->keep(), 0);
  std::string reason;
  cr_assert_eq(empty_partition(places.config(0), elsewhere.path(), &reason), -EBUSY);
  cr_assert(reason.find("another machine") != std::string::npos);
}
