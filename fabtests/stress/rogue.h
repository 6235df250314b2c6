// SPDX-License-Identifier: BSD-2-Clause
// A peer that is properly connected and then says what it likes: it speaks the FIFO's protocol by hand, without the
// checks of an honest sender, and may write to everything that it has mapped.
//
// Not thread-safe. Owns its region and its mappings of the victim's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "dma/device.h"
#include "dma/shm_port.h"
#include "fifo/anchor_record.h"
#include "fifo/contact.h"
#include "fifo/fifo_rx.h"
#include "fifo/message.h"
#include "fifo/notification.h"
#include "fifo/protection_layout.h"

namespace anchor::stress {

// A slot as it is to stand in the victim's FIFO.
struct Words {
  Operation operation;
  std::uint8_t flags = 0;
  std::uint16_t length = 0;
  std::uint64_t tag = 0;
  std::uint64_t data = 0;
  std::uint64_t body[kInlineSize / 8] = {};

  template <SlotBody Body>
  Words& with(const Body& value) noexcept {
    std::memcpy(body, &value, sizeof value);
    return *this;
  }
};

class Rogue {
 public:
  Rogue(Device& device, std::string_view name);

  // A region with a right record. 0, or a negated errno value.
  int open();
  // Finds the victim and leaves a request in its contact table: the right one, or any.
  int find(std::string_view victim);
  int ask();
  int ask(const ContactRequest& request);
  // Whether the victim has granted its block meanwhile.
  bool connected();

  // Puts a slot into the victim's FIFO. False: full, unless it does not care.
  bool say(const Words& words, bool careless = false);
  // Takes the victim's next message.
  std::optional<IncomingMessage> hear();

  const EndpointName& name() const noexcept { return name_; }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  const AnchorContents& contents() const noexcept { return contents_; }
  ContactRequest right_request() const noexcept { return {name_, incarnation_, granted_}; }

  // Its own region, which the victim maps.
  std::byte* own_header() noexcept { return region_->header(); }
  std::byte* own_block() noexcept { return own_block_; }
  // Its memory protection table: the directory, and the first chunk, of kFirstChunkRows rows.
  ProtectionDirectory& own_directory() noexcept {
    return *reinterpret_cast<ProtectionDirectory*>(region_->header() + kProtectionOffset);
  }
  ProtectionRow* own_rows() noexcept { return reinterpret_cast<ProtectionRow*>(own_chunk_); }
  // Where that is in the region.
  std::uint64_t own_chunk_offset() const noexcept { return own_chunk_offset_; }
  // The victim's, mapped here. The block: once connected.
  Mapping& header() noexcept { return header_; }
  Mapping& block() noexcept { return block_; }
  BlockGeometry geometry() const noexcept { return geometry_; }
  StatusLine& status() noexcept { return block_head(block_.data()).status; }
  ProgressLine& progress() noexcept { return block_head(block_.data()).progress; }
  std::byte* payload() noexcept { return block_.data() + geometry_.payload_offset(); }
  void ring() noexcept { bell_.ring(); }

 private:
  static constexpr BlockGeometry kOwn{16, kMinPayloadArea};

  Device& device_;
  const EndpointName name_;
  std::uint64_t incarnation_ = 0;
  std::unique_ptr<LocalRegion> region_;
  std::byte* own_block_ = nullptr;
  std::byte* own_chunk_ = nullptr;
  std::uint64_t own_chunk_offset_ = 0;
  BlockDescriptor granted_{};
  std::optional<FifoRx<ShmPort>> ear_;

  std::unique_ptr<RemoteRegion> victim_;
  AnchorContents contents_{};
  Mapping header_;
  Mapping block_;
  BlockGeometry geometry_{};
  Bell bell_;
  std::uint32_t position_ = 0;
};

}  // namespace anchor::stress
