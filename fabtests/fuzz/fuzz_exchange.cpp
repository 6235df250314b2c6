// SPDX-License-Identifier: BSD-2-Clause
// A connected peer's bytes: the input becomes slots, payload and words of the block that the victim granted, and words
// of the peer's own protection table, while the victim sends to that peer, receives from it, and both reach the other's
// memory.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "stress/near_device.h"
#include "stress/party.h"
#include "stress/rogue.h"
#include "stress/verdicts.h"
#include "target.h"

namespace anchor::stress {
namespace {

constexpr const char* kVictim = "anchor://victim";
constexpr const char* kRogue = "anchor://rogue";

// Takes values from the front of the input; zeros behind its end.
class Input {
 public:
  Input(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), left_(size) {}

  bool empty() const noexcept { return left_ == 0; }
  template <class T>
  T take() noexcept {
    T value{};
    const std::size_t taken = std::min(sizeof value, left_);
    std::memcpy(static_cast<void*>(&value), bytes_, taken);
    bytes_ += taken;
    left_ -= taken;
    return value;
  }

 private:
  const std::uint8_t* bytes_;
  std::size_t left_;
};

class Duel {
 public:
  Duel() {
    expect(victim_.open(kVictim) == 0 && rogue_.open() == 0, "both open");
    const std::uint64_t to_rogue = victim_.meet(kRogue);
    expect(rogue_.find(kVictim) == 0 && rogue_.ask() == 0, "the rogue asks");
    poll(4);
    expect(rogue_.connected(), "the rogue is granted a block");
    listen();
    victim_.send({.bytes = long_.data(), .length = long_.size(), .address = to_rogue}, &calls_[0]);
    victim_.send(
        {.bytes = long_.data(), .length = 100, .address = to_rogue, .flags = kWantCompletion | kDeliveryComplete},
        &calls_[1]);
    victim_.send({.bytes = long_.data(), .length = 30, .address = to_rogue}, &calls_[2]);
    to_rogue_ = to_rogue;
    reach_out(to_rogue);
    fetch_from(to_rogue);
  }
  ~Duel() { victim_.memory().remove(&region_); }

  void step(Input& input) {
    switch (input.take<std::uint8_t>() % 5) {
      case 0:
        return say(input);
      case 1:
        return write(rogue_.payload(), rogue_.geometry().payload_bytes, input);
      case 2:
        return write(rogue_.block().data(), rogue_.block().size(), input);
      case 4:
        return scribble(input);
      default:
        return poll(input.take<std::uint8_t>() % 16);
    }
  }

  void poll(unsigned times) {
    for (unsigned i = 0; i < times; ++i) victim_.poll();
  }

 private:
  static EndpointSettings settings() {
    EndpointSettings chosen;
    chosen.locked = false;
    chosen.unexpected_limit = 100'000;
    return chosen;
  }

  void listen() {
    victim_.receive({.bytes = small_.data(), .length = small_.size(), .tag = 1}, &calls_[3]);
    victim_.receive({.bytes = large_.data(), .length = large_.size(), .tag = 2}, &calls_[4]);
    calls_[5].repeats = true;
    victim_.receive({.bytes = many_.data(), .length = many_.size(), .tag = 3, .flags = kWantCompletion | kMultiReceive},
                    &calls_[5]);
  }

  // Memory of both sides: the victim's is exposed_, the rogue's is none at all, but its table says otherwise.
  void reach_out(std::uint64_t to_rogue) {
    region_.key = 1;
    region_.rights = kRemoteRead | kRemoteWrite;
    region_.segment_count = 1;
    region_.segments[0] = {exposed_.data(), exposed_.size()};
    expect(victim_.memory().reserve(&region_) == 0 && victim_.memory().enable(&region_) == 0, "memory is exposed");
    const std::uint64_t rows = rogue_.right_request().block.offset + kPageSize;
    row_ = new (rogue_.own_block() + kPageSize) ProtectionRow{};
    row_->key.store(1);
    row_->length.store(20'000);
    row_->terms.store(RowTerms::pack(kMayRead | kMayWrite, kMayRead, 1, 0));
    directory_ = reinterpret_cast<ProtectionDirectory*>(rogue_.own_header() + kProtectionOffset);
    directory_->chunks[0].store(rows);
    directory_->used.store(1);
    victim_.access(WorkType::kRead, {.bytes = large_.data(), .length = 20'000, .address = to_rogue}, 1, 0, &calls_[6]);
    victim_.access(WorkType::kWrite, {.bytes = long_.data(), .length = 20'000, .address = to_rogue}, 1, 0, &calls_[7]);
    victim_.access(WorkType::kRead, {.bytes = small_.data(), .length = 10, .address = to_rogue}, 1, 0, &calls_[8]);
  }

  // An atomic operation that the rogue may answer.
  void fetch_from(std::uint64_t to_rogue) {
    const iovec operand{long_.data(), 64}, result{fetched_, sizeof fetched_};
    const RemoteTarget target{0, 64, 1};
    victim_.endpoint().submit_atomic({.remote = {.base = {.type = WorkType::kFetchAtomic,
                                                          .flags = kWantCompletion,
                                                          .segment_count = 1,
                                                          .segments = &operand,
                                                          .length = 64,
                                                          .address = to_rogue,
                                                          .tag = 0,
                                                          .ignore = 0,
                                                          .data = 0,
                                                          .context = &calls_[10]},
                                                 .target_count = 1,
                                                 .targets = &target},
                                      .type = AtomicType::kUint64,
                                      .operation = AtomicOperation::kSum,
                                      .compare_count = 0,
                                      .result_count = 1,
                                      .compares = nullptr,
                                      .results = &result});
  }

  void scribble(Input& input) {
    const auto choice = input.take<std::uint8_t>();
    const auto word = input.take<std::uint64_t>();
    if (choice == 0xff) return gate().store(word);
    auto* words = reinterpret_cast<SharedWord*>(row_);
    if (choice % 2 != 0) words = reinterpret_cast<SharedWord*>(directory_);
    words[choice / 2 % (choice % 2 != 0 ? sizeof *directory_ / 8 : sizeof *row_ / 8)].store(word);
    // What the table now says is looked at when something is to be done.
    Call& call = calls_[9];
    if (!call.done && tried_) return;
    call.done = false;
    tried_ = true;
    victim_.access(WorkType::kWrite, {.bytes = long_.data(), .length = 8, .address = to_rogue_}, 1, 4, &call);
  }

  // Of what the victim sends to the rogue.
  SharedWord& gate() { return block_head(rogue_.own_block()).status.gate; }

  void say(Input& input) {
    Words words{};
    words.operation = static_cast<Operation>(input.take<std::uint8_t>());
    words.flags = input.take<std::uint8_t>();
    words.length = input.take<std::uint16_t>();
    words.tag = input.take<std::uint8_t>();
    words.data = input.take<std::uint8_t>();
    for (std::uint64_t& word : words.body) word = input.take<std::uint64_t>();
    rogue_.say(words, true);
  }

  static void write(std::byte* area, std::size_t size, Input& input) {
    const std::size_t offset = input.take<std::uint16_t>() % (size / 8) * 8;
    const auto word = input.take<std::uint64_t>();
    std::memcpy(area + offset, &word, sizeof word);
  }

  NearDevice device_;
  Call calls_[11];
  std::byte fetched_[64] = {};
  MemoryRegion region_;
  ProtectionRow* row_ = nullptr;
  ProtectionDirectory* directory_ = nullptr;
  std::uint64_t to_rogue_ = kAnyAddress;
  bool tried_ = false;
  std::vector<std::byte> exposed_ = std::vector<std::byte>(30'000);
  std::vector<std::byte> long_ = std::vector<std::byte>(20'000), small_ = std::vector<std::byte>(10);
  std::vector<std::byte> large_ = std::vector<std::byte>(40'000), many_ = std::vector<std::byte>(5'000);
  Party victim_{device_, settings()};
  Rogue rogue_{device_, kRogue};
};

}  // namespace
}  // namespace anchor::stress

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  anchor::stress::Input input(bytes, std::min<std::size_t>(size, 4096));
  {
    anchor::stress::Duel duel;
    while (!input.empty()) duel.step(input);
    duel.poll(64);
  }
  if (anchor::stress::Verdicts::exit_status() != EXIT_SUCCESS) std::abort();
  return 0;
}
