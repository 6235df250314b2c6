// SPDX-License-Identifier: BSD-2-Clause
// Every knob an administrator can turn, as FI_ANCHOR_<NAME> or in libfabric's configuration file; `fi_info -g anchor`
// lists them. To add one: a member here, a row in parameters.cpp.
//
// Thread-safe; immutable once read.
#pragma once

#include <cstddef>
#include <string>

#include "core/endpoint_settings.h"
#include "dma/registry.h"

namespace anchor {

struct Parameters {
  std::string devices;  // comma-separated; empty: all there are
  std::string shm_dir;  // where the shm device keeps its regions; empty: its own choice
  std::string window;   // configuration file of the window device; empty: there is no window
  std::size_t connect_timeout = static_cast<std::size_t>(EndpointSettings{}.connect_timeout.count());      // ms
  std::size_t liveness_interval = static_cast<std::size_t>(EndpointSettings{}.liveness_interval.count());  // ms
  std::size_t tx_size = EndpointSettings{}.transmit_size;
  std::size_t rx_size = EndpointSettings{}.receive_size;
  std::size_t cq_size = 1024;
  std::size_t unexpected_limit = EndpointSettings{}.unexpected_limit;  // bytes
  std::size_t large_areas = EndpointSettings{}.large_areas;
  std::size_t spin = 20;  // us
  bool cma = EndpointSettings{}.direct_copy;
  bool mapping = EndpointSettings{}.mapping;
};

// Announces the table to libfabric. Called once, before any other thread can be here.
void define_parameters() noexcept;

// A fresh reading; a value out of range is reported and replaced by the default.
Parameters read_parameters();

// The process's values, read when first asked for.
const Parameters& parameters();
// What of them the devices want to know.
DeviceOptions device_options();

}  // namespace anchor
