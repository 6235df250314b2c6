// SPDX-License-Identifier: BSD-2-Clause
#include <optional>
#include <utility>

#include "dma/shm_port.h"
#include "dma/simulated_cache.h"
#include "dma/window_port.h"
#include "fifo/channel.h"
#include "fifo/fifo_rx.h"
#include "fifo/fifo_tx.h"
#include "os/global_barrier.h"

namespace anchor {
namespace {

// More messages than so many without one from the other side are a stream. Where they alternate, who prefetches the
// line of a later slot takes it away from the other side, which will poll it.
constexpr std::uint32_t kStream = 4;
// What is stored to a peer's memory in one piece goes past our caches from here on: it is not read here again.
constexpr std::size_t kLongStore = 32u << 10;

template <class PortType>
class FifoChannel final : public Channel {
 public:
  FifoChannel(std::byte* block, const BlockGeometry& geometry, bool loopback, const Bell& own_bell, bool reached)
      : Channel(block_head(block).status.gate),
        ours_(block_head(block)),
        rx_(block, geometry),
        bell_(own_bell),
        reached_(reached) {
    if (loopback) open_transmit(block, geometry);
  }

  void connect(Mapping block, const BlockGeometry& geometry, Bell bell) override {
    peer_mapping_ = std::move(block);
    bell_ = bell;
    open_transmit(peer_mapping_.data(), geometry);
    set_polled(polled_);
    set_starved(starved_);
  }

  bool connected() const noexcept override { return tx_.has_value(); }

  int send(const OutgoingMessage& message) noexcept override {
    if (taken_ && (message.flags & kInArea)) [[unlikely]]
      if (const int error = move_area()) return error;
    if (const int error = tx_->put(message, rx_.position(), sent_in_a_row_ == 0)) [[unlikely]]
      return error;
    return follow_up();
  }
  int send_small(std::uint32_t kind, std::uint64_t tag, std::uint64_t data, const void* bytes) noexcept override {
    if (!tx_->knows_slot()) [[unlikely]]
      return send_small_with_credits(kind, tag, data, bytes);
    tx_->put_small(kind, tag, data, bytes);
    return follow_up();
  }

  std::uint32_t max_payload() const noexcept override { return tx_->max_payload(); }
  std::uint32_t chunk_size() const noexcept override { return tx_->chunk_size(); }
  bool has_room(std::uint32_t in_area) noexcept override {
    if (in_area == 0) return tx_->find_slot() == 0;
    // To say that the bytes lie elsewhere from now on takes a slot, too.
    if (taken_ && move_area() != 0) return false;
    return tx_->find_slot() == 0 && tx_->find_place(in_area) == 0;
  }
  bool watched() const noexcept override { return !tx_->reader_wants_notification(); }

  const IncomingMessage* peek() noexcept override {
    const IncomingMessage* message = rx_.peek();
    turns_.looked(message != nullptr);
    if (message != nullptr) [[likely]] {
      if (!found_) note_found();
      if ((message->flags & kCarriesTail) && tx_) [[unlikely]]
        tx_->credited(message->body_as<AreaPlace>().tail);
    } else {
      if (rx_.return_all()) [[unlikely]]
        tell_credits();
      owes_ = rx_.owes_bytes();  // still, if not connected yet
      broken_ = rx_.broken();
      await_next();
    }
    return message;
  }

  [[gnu::always_inline]] void consume() noexcept override {
    if (rx_.consume()) [[unlikely]]
      tell_credits();
    found_ = false;
    turns_.taken();
    if (alternates_) tx_->prefetch_answer_place();
    owes_ = rx_.owes_bytes();
    // Of a stream's reader no answer is expected that credits could wait for: they are returned by a look at once.
    if ((owes_ && !alternates_) || turns_.waits()) {
      awaited_ = {};
    } else {
      await_next();
    }
  }
  const IncomingMessage* next() noexcept override {
    consume();
    if (turns_.waits() || awaited_.absent()) return nullptr;
    const IncomingMessage* message = peek();
    if (message != nullptr) rx_.prefetch_stream();
    return message;
  }
  void offer_area(const std::byte* area, std::uint32_t bytes) noexcept override {
    offered_ = area;
    offered_bytes_ = bytes;
  }
  void take_area(Mapping area) noexcept override {
    if (area_mapping_) return;
    area_mapping_ = std::move(area);
    taken_ = true;
  }
  bool area_taken() noexcept override {
    if (offered_ == nullptr) return false;
    rx_.move_area(std::exchange(offered_, nullptr), offered_bytes_);
    return true;
  }
  std::uint64_t bytes_read() const noexcept override { return rx_.bytes_read(); }

  void set_polled(bool polled) noexcept override {
    polled_ = polled;
    // Relaxed: a writer that sees the old value for a while rings once too often, or is found by the slow sweep; who
    // goes to sleep has a barrier behind it (S4), or looks again (S7).
    if (theirs_ != nullptr) PortType::hint(theirs_->status.polled, polled && reached_);
  }

  void set_starved(bool starved) noexcept override {
    starved_ = starved;
    // Relaxed: likewise.
    if (theirs_ != nullptr) PortType::hint(theirs_->status.starved, starved || !reached_);
  }

  // A17: with the rows that were changed before.
  std::uint64_t table_changes() const noexcept override { return PortType::load(ours_.status.table); }
  // R17
  void tell_table_changes(std::uint64_t count) noexcept override { PortType::publish(theirs_->status.table, count); }
  // R9, by the fence: see move_mapped() in proto/rma_mapped.cpp.
  void store(void* to, const void* from, std::size_t bytes) noexcept override {
    std::atomic_thread_fence(std::memory_order_release);
    if (bytes < kLongStore) return PortType::put(to, from, bytes);
    PortType::stream(to, from, bytes);
  }

  // Relaxed: a hint (see ProgressLine).
  std::uint64_t pulled_by_peer() const noexcept override {
    return ours_.progress.pulled.load(std::memory_order_relaxed);
  }
  void set_pulled(std::uint64_t word) noexcept override { PortType::hint(theirs_->progress.pulled, word); }

 private:
  // A message is seen for the first time. What is sent from now on may be its answer, perhaps before it is consumed.
  void note_found() noexcept {
    found_ = true;
    alternates_ = sent_in_a_row_ != 0;
    turns_.found(std::exchange(sent_in_a_row_, 0));
    if (alternates_) tx_->prefetch_answer_slot();
  }
  // What is done behind each message. 0.
  int follow_up() noexcept {
    if (++sent_in_a_row_ > kStream) {
      tx_->prefetch_stream();
    } else if (sent_in_a_row_ == 1) {
      if (turns_.established()) tx_->prefetch_ahead();
      if (turns_.sent()) tx_->prefetch_slot();
    }
    return tx_->reader_wants_notification() ? ring() : 0;
  }

  // 0, for who sends to return: a call in the last place, and a function of its own, so that send_small() needs no
  // frame.
  [[gnu::noinline]] int ring() noexcept {
    bell_.ring();
    return 0;
  }
  // Likewise. Looks for credits first.
  [[gnu::noinline]] int send_small_with_credits(std::uint32_t kind, std::uint64_t tag, std::uint64_t data,
                                                const void* bytes) noexcept {
    if (const int error = tx_->find_slot()) return error;
    tx_->put_small(kind, tag, data, bytes);
    return follow_up();
  }

  // What follows the message that says so lies in the larger area.
  [[gnu::noinline]] int move_area() noexcept {
    const int error = tx_->put({.operation = Operation::kTakeArea});
    if (error != 0) return error;
    taken_ = false;
    tx_->move_area(area_mapping_.data(), static_cast<std::uint32_t>(area_mapping_.size()));
    return 0;
  }

  // W1 to W5 with the tail in the place of a slot.
  [[gnu::noinline]] void tell_credits() noexcept {
    if (!tx_ || (reached_ && ours_.status.starved.load(std::memory_order_relaxed) == 0)) return;
    bell_.ring();
  }

  // Where nobody else's store is found by a plain load, peek() is asked in each pass.
  void await_next() noexcept {
    if constexpr (!PortType::kCoherent) return;
    awaited_ = {.head = rx_.next_head(), .position = rx_.next_position()};
  }

  void open_transmit(std::byte* peer_block, const BlockGeometry& geometry) {
    BlockHead& theirs = block_head(peer_block);
    theirs_ = &theirs;
    rx_.return_to(theirs.progress);
    outgoing_gate_.emplace(theirs.status.gate);
    incoming_share_.emplace(ours_.progress.share, theirs.progress.report);
    outgoing_share_.emplace(theirs.progress.share, ours_.progress.report);
    tx_.emplace(peer_block, geometry, ours_, 0, reached_);
  }

  std::optional<FifoTx<PortType>> tx_;
  BlockHead& ours_;
  FifoRx<PortType> rx_;
  BlockHead* theirs_ = nullptr;  // nullptr: not connected
  Bell bell_;
  // Whether what one side says of itself takes effect at the other: by the global barriers of who goes to sleep, or in
  // time for its last look. Without either every message and every credit is announced.
  const bool reached_;
  bool polled_ = false;
  bool starved_ = false;
  std::uint32_t sent_in_a_row_ = 0;  // messages since one was received
  bool found_ = false;               // by peek(), and not consumed
  bool alternates_ = false;          // we had sent something before the last one that was found
  Mapping peer_mapping_;
  const std::byte* offered_ = nullptr;  // to the peer, which has not taken it yet
  std::uint32_t offered_bytes_ = 0;
  bool taken_ = false;  // from the peer, and not said yet
  Mapping area_mapping_;
};

}  // namespace

std::unique_ptr<Channel> make_shm_channel(std::byte* block, const BlockGeometry& geometry, bool loopback,
                                          const Bell& own_bell) {
  return std::make_unique<FifoChannel<ShmPort>>(block, geometry, loopback, own_bell, reached_by_global_barriers());
}

// A window that is coherent is written like memory of this host. Of any other memory, each look whether to ring costs
// as much as ringing.
std::unique_ptr<Channel> make_window_channel(std::byte* block, const BlockGeometry& geometry, MemoryType memory) {
  switch (memory) {
    case MemoryType::kWriteCombined:
      return std::make_unique<FifoChannel<WriteCombinedPort>>(block, geometry, false, Bell(), false);
    case MemoryType::kNonCoherent:
      return std::make_unique<FifoChannel<NonCoherentPort<ProcessorCache>>>(block, geometry, false, Bell(), false);
    case MemoryType::kSimulated:
      return std::make_unique<FifoChannel<NonCoherentPort<SimulatedCache>>>(block, geometry, false, Bell(), false);
    case MemoryType::kChecked:
      return std::make_unique<FifoChannel<CheckedPort>>(block, geometry, false, Bell(), true);
    default:
      return std::make_unique<FifoChannel<ShmPort>>(block, geometry, false, Bell(), true);
  }
}

}  // namespace anchor
