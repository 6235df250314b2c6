// SPDX-License-Identifier: BSD-2-Clause
// A connected peer's bytes: the input becomes slots, payload and words of the block that the victim granted, while the
// victim sends to that peer and receives from it.
#include <algorithm>
#include <cstdlib>
#include <cstring>
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
  }

  void step(Input& input) {
    switch (input.take<std::uint8_t>() % 4) {
      case 0:
        return say(input);
      case 1:
        return write(rogue_.payload(), rogue_.geometry().payload_bytes, input);
      case 2:
        return write(rogue_.block().data(), rogue_.block().size(), input);
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

  void say(Input& input) {
    Words words{};
    words.operation = static_cast<Operation>(input.take<std::uint8_t>());
    words.flags = input.take<std::uint8_t>();
    words.length = input.take<std::uint16_t>();
    words.tag = input.take<std::uint8_t>();
    for (std::uint64_t& word : words.body) word = input.take<std::uint64_t>();
    rogue_.say(words, true);
  }

  static void write(std::byte* area, std::size_t size, Input& input) {
    const std::size_t offset = input.take<std::uint16_t>() % (size / 8) * 8;
    const auto word = input.take<std::uint64_t>();
    std::memcpy(area + offset, &word, sizeof word);
  }

  NearDevice device_;
  Call calls_[6];
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
