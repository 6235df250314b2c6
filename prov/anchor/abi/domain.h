// SPDX-License-Identifier: BSD-2-Clause
// fi_domain(3): one opened device, and what was agreed for all that is opened on it. Thread-safe.
#pragma once

#include <rdma/fi_domain.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "abi/fabric.h"
#include "abi/fid.h"
#include "core/memory_region.h"
#include "dispatch/deferred_work.h"
#include "dispatch/progress_thread.h"
#include "dma/device.h"

namespace anchor {

class Cntr;
class Endpoint;
class Eq;

class Domain final : public fid_domain {
 public:
  Domain(Fabric& fabric, std::unique_ptr<Device> device, const fi_info& info, void* context);
  ~Domain();
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  static Domain& from(fid_domain* descriptor) noexcept { return static_cast<Domain&>(*descriptor); }
  static bool is_open(const fid_domain* descriptor, std::string_view device) noexcept;
  static fid_domain* first_open(std::string_view device) noexcept;  // nullptr: none

  Device& device() noexcept { return *device_; }
  std::uint32_t version() const noexcept { return fabric_->api_version; }
  std::uint32_t address_format() const noexcept { return address_format_; }
  fi_av_type default_av_type() const noexcept { return av_type_; }
  bool user_ids() const noexcept { return user_ids_; }  // FI_AV_USER_ID was asked for
  // Whether objects of this domain have to lock, because the application does not serialise all access to them.
  bool locked() const noexcept { return locked_; }
  // FI_PROGRESS_AUTO for data: the thread that drives all endpoints; nullptr: the application does.
  ProgressThread* progress_thread() noexcept { return progress_thread_.get(); }

  int mr_mode() const noexcept { return mr_mode_; }  // as meaning_of_mr_mode() has it
  MemoryRegistry& memory() noexcept { return memory_; }

  // A counter of what peers do with a region grows by the progress of any endpoint, so waiting for it drives them all,
  // those that are enabled later too, until either side is closed. May throw std::bad_alloc.
  void drive_by(Cntr& counter);
  void drive(Endpoint& endpoint);
  void forget(Cntr& counter) noexcept;
  void forget(Endpoint& endpoint) noexcept;

  // Work that waits for counters; nullptr: FI_TRIGGER was not asked for.
  DeferredWork* deferred() noexcept { return triggers_ ? &deferred_ : nullptr; }

  int bind_event_queue(Eq& eq, std::uint64_t flags) noexcept;

  UseCount uses;

 private:
  Use<Fabric> fabric_;
  const std::unique_ptr<Device> device_;
  const std::uint32_t address_format_;
  const fi_av_type av_type_;
  const bool user_ids_;
  const bool locked_;
  const int mr_mode_;
  const bool triggers_;
  DeferredWork deferred_;
  MemoryRegistry memory_;
  std::mutex driving_;
  std::vector<Cntr*> region_counters_;
  std::vector<Endpoint*> endpoints_;                       // enabled ones
  const std::unique_ptr<ProgressThread> progress_thread_;  // ends before anything that it touches
  Use<Eq> event_queue_;
};

int open_domain(Fabric& fabric, const fi_info* info, fid_domain** domain, void* context) noexcept;

}  // namespace anchor
