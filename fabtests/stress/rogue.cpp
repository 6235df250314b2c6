// SPDX-License-Identifier: BSD-2-Clause
#include "rogue.h"

#include <sys/random.h>

#include <cerrno>

namespace anchor::stress {

Rogue::Rogue(Device& device, std::string_view name) : device_(device), name_(EndpointName::from(name)) {}

int Rogue::open() {
  if (getrandom(&incarnation_, sizeof incarnation_, 0) != sizeof incarnation_) return -EIO;
  if (const int error = device_.create(name_, kHeaderSize, &region_)) return error;
  publish_anchor_record(region_->header(), name_, incarnation_, {}, MemoryType::kCoherent);
  std::uint64_t offset;
  if (const int error = region_->allocate(kOwn.size(), &offset, &own_block_)) return error;
  if (const int error = region_->allocate(chunk_bytes(0), &own_chunk_offset_, &own_chunk_)) return error;
  granted_ = {.offset = offset,
              .slot_count = kOwn.slot_count,
              .payload_bytes = kOwn.payload_bytes,
              .notification = kContactEntries,
              .reserved = 0};
  ear_.emplace(own_block_, kOwn);
  return region_->publish();
}

int Rogue::find(std::string_view victim) {
  const EndpointName name = EndpointName::from(victim);
  if (const int error = device_.attach(name, &victim_)) return error;
  if (const int error = victim_->map(0, kHeaderSize, &header_)) return error;
  return read_anchor_record(header_.data(), name, MemoryType::kCoherent, &contents_);
}

int Rogue::ask() { return ask(right_request()); }

int Rogue::ask(const ContactRequest& request) {
  victim_->release_contact();
  for (std::uint32_t index = 0; index < contents_.contact_count; ++index) {
    const int error = victim_->claim_contact(index);
    if (error == -EAGAIN || error == -EBUSY) continue;  // taken, or of another host's
    if (error != 0) return error;
    post_contact(header_.data(), contents_, index, request);
    Bell(header_.data() + contents_.notification_offset + index).ring();
    return 0;
  }
  return -EAGAIN;
}

bool Rogue::connected() {
  if (block_) return true;
  const std::optional<IncomingMessage> message = hear();
  if (!message || message->operation != Operation::kGrant) return false;
  const BlockDescriptor granted = message->body_as<GrantBody>().block;
  geometry_ = {granted.slot_count, granted.payload_bytes};
  victim_->release_contact();
  bell_ = Bell(header_.data() + contents_.notification_offset + granted.notification);
  if (victim_->map(granted.offset, geometry_.size(), &block_) != 0) return false;
  ear_->return_to(progress());
  return true;
}

bool Rogue::say(const Words& words, bool careless) {
  const auto tail = static_cast<std::uint32_t>(block_head(own_block_).progress.tail.load(std::memory_order_acquire));
  if (!careless && position_ - tail >= geometry_.slot_count) return false;
  Slot& slot =
      reinterpret_cast<Slot*>(block_.data() + geometry_.slots_offset())[position_ & (geometry_.slot_count - 1)];
  slot.tag = words.tag;
  slot.data = words.data;
  std::memcpy(slot.body, words.body, sizeof slot.body);
  ShmPort::publish(slot.head, SlotHead::pack(++position_, SlotHead::kind(static_cast<std::uint8_t>(words.operation),
                                                                         words.flags, words.length)));
  bell_.ring();
  return true;
}

std::optional<IncomingMessage> Rogue::hear() {
  const IncomingMessage* message = ear_->peek();
  if (message == nullptr) return std::nullopt;
  const IncomingMessage heard = *message;
  ear_->consume();
  return heard;
}

}  // namespace anchor::stress
