// SPDX-License-Identifier: BSD-2-Clause
#include "proto/rendezvous_pull.h"

#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "os/log.h"
#include "proto/share_offer.h"

namespace anchor {
namespace {

// The kernel's word that the sender's memory is out of reach for good, not only the part asked for.
bool out_of_reach(std::ptrdiff_t result) noexcept {
  return result == -EPERM || result == -ESRCH || result == -ENOSYS || result == -EACCES;
}

}  // namespace

std::ptrdiff_t pull(const Peer& peer, const CopyLists& lists) noexcept {
  return peer.direct->read(lists.local, lists.local_count, lists.remote, lists.remote_count);
}

void add_part(const IncomingTransfer& transfer, std::uint64_t position, std::uint64_t length,
              CopyLists* lists) noexcept {
  iovec sent[kMaxSegments], from[kMaxSegments], to[kMaxSegments];
  for (std::uint32_t i = 0; i < transfer.segments.count; ++i)
    sent[i] = {reinterpret_cast<void*>(transfer.segments.list[i].address), transfer.segments.list[i].length};
  std::size_t bytes;
  const std::size_t from_count = slice(sent, transfer.segments.count, position, length, from, &bytes);
  const ReceiveRequest& receive = *transfer.receive;
  const std::size_t to_count =
      slice(receive.segments, receive.segment_count, transfer.offset + position, length, to, &bytes);
  lists->add(to, to_count, from, from_count);
}

int pull_all(const IncomingTransfer& transfer, std::uint64_t begin, std::uint64_t end) noexcept {
  while (begin < end) {
    CopyLists lists;
    add_part(transfer, begin, end - begin, &lists);
    const std::ptrdiff_t moved = pull(*transfer.envelope.peer, lists);
    if (moved <= 0) return moved == 0 ? -EFAULT : static_cast<int>(moved);
    begin += static_cast<std::uint64_t>(moved);
  }
  return 0;
}

bool pull_from_back(Exchange& exchange, IncomingTransfer& transfer) {
  Peer& peer = *transfer.envelope.peer;
  const std::uint64_t most = is_absent(exchange) ? kAbsentPullSize : kPullSize;
  const std::uint64_t begin = transfer.back - std::min(most, transfer.back - transfer.front);
  const int error = pull_all(transfer, begin, transfer.back);
  if (out_of_reach(error)) {
    ANCHOR_INFO(kEndpoint, "memory of %s can no longer be read directly (errno %d): its messages go through the FIFO",
                peer.name.bytes.data(), -error);
    peer.direct.reset();
    return false;
  }
  if (error != 0) {  // device memory, for example: the sender's own loads can do what the kernel cannot
    transfer.pulls = false;
    return false;
  }
  transfer.back = begin;
  // Only who streams it wants to know.
  if (transfer.way == TransferWay::kStreamed)
    peer.channel->set_pulled(pulled_word(exchange.transfers.id(&transfer), begin));
  if (transfer.front >= transfer.back) finish_transfer(exchange, transfer, 0);
  return true;
}

bool PullBatch::takes(const IncomingTransfer& transfer) const noexcept {
  if (transfer.way == TransferWay::kStreamed || transfer.back < transfer.wanted || transfer.wanted > kLongestTogether)
    return false;
  if (count_ == 0) return true;
  return transfer.envelope.peer == transfers_[0]->envelope.peer && count_ < kMost &&
         bytes_ + transfer.wanted <= kMostBytes && segments_ + kMaxSegments <= kMaxCopySegments;
}

void PullBatch::add(IncomingTransfer& transfer) noexcept {
  if (transfer.begun != Clock::duration{}) {
    if (timed_ == nullptr) {
      timed_ = &transfer;
    } else {  // they take one time together
      transfer.begun = {};
    }
  }
  bytes_ += transfer.wanted;
  segments_ += std::max(transfer.segments.count, transfer.receive->segment_count);
  transfers_[count_++] = &transfer;
}

bool PullBatch::move(Exchange& exchange) {
  if (count_ == 0) return false;
  IncomingTransfer& first = *transfers_[0];
  Peer& peer = *first.envelope.peer;
  bool came = false;
  if (bytes_ >= kShortestShare && !is_absent(exchange) && fronts_can_be_shared({transfers_.data(), count_})) {
    offer_fronts(exchange, {transfers_.data(), count_});
    came = move_fronts(exchange, first);
  } else {
    came = read(exchange);
  }
  peer.held_in_pass = exchange.passes;  // others are to have their turn
  count_ = segments_ = 0;
  bytes_ = 0;
  timed_ = nullptr;
  return came;
}

bool PullBatch::read(Exchange& exchange) {
  CopyLists lists;
  for (std::size_t i = 0; i < count_; ++i) add_part(*transfers_[i], 0, transfers_[i]->wanted, &lists);
  const std::ptrdiff_t moved = pull(*transfers_[0]->envelope.peer, lists);
  std::uint64_t left = moved > 0 ? static_cast<std::uint64_t>(moved) : 0;
  if (left == bytes_ && timed_ != nullptr) note_duration(*timed_, bytes_);
  bool came = false;
  for (std::size_t i = 0; i < count_; ++i) {
    IncomingTransfer& transfer = *transfers_[i];
    if (transfer.wanted > left) {  // what is not there as a whole is tried again by itself, and then says why
      came |= pull_from_back(exchange, transfer);
      break;
    }
    left -= transfer.wanted;
    transfer.back = 0;
    transfer.begun = {};
    finish_transfer(exchange, transfer, 0);
    came = true;
  }
  return came;
}

}  // namespace anchor
