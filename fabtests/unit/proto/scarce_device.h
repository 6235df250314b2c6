// SPDX-License-Identifier: BSD-2-Clause
// A device that has no file descriptor left, so many times.
#pragma once

#include <memory>
#include <utility>

#include "dma/device.h"

namespace anchor::unit {

class ScarceDevice final : public Device {
 public:
  explicit ScarceDevice(Device& device) noexcept : device_(device) {}

  // The next `times` calls that need a descriptor fail.
  void refuse(unsigned times) noexcept { refusals_ = times; }

  std::string_view name() const noexcept override { return device_.name(); }
  int create(const EndpointName& name, std::size_t header_size,
             std::unique_ptr<LocalRegion>* region) noexcept override {
    return device_.create(name, header_size, region);
  }
  int attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept override {
    if (short_of_one()) return -EAGAIN;
    std::unique_ptr<RemoteRegion> found;
    if (const int error = device_.attach(name, &found)) return error;
    *region = std::make_unique<Region>(*this, std::move(found));
    return 0;
  }
  int open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept override {
    return device_.open_direct_copy(offer, direct);
  }
  void sweep() noexcept override { device_.sweep(); }

 private:
  class Region final : public RemoteRegion {
   public:
    Region(ScarceDevice& device, std::unique_ptr<RemoteRegion> region) noexcept
        : device_(device), region_(std::move(region)) {}
    int map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept override {
      return device_.short_of_one() ? -EAGAIN : region_->map(offset, bytes, mapping);
    }
    bool alive() noexcept override { return region_->alive(); }
    int claim_contact(unsigned index) noexcept override {
      return device_.short_of_one() ? -EAGAIN : region_->claim_contact(index);
    }
    void release_contact() noexcept override { region_->release_contact(); }

   private:
    ScarceDevice& device_;
    const std::unique_ptr<RemoteRegion> region_;
  };

  bool short_of_one() noexcept { return refusals_ != 0 && refusals_-- != 0; }

  Device& device_;
  unsigned refusals_ = 0;
};

}  // namespace anchor::unit
