// SPDX-License-Identifier: BSD-2-Clause
// What the key/value server and its clients say to each other. Both are on one machine: numbers are in its own order.
//
// A client greets the server with its own name, is answered, and from then on has at most one request outstanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace anchor::examples {

// Tags: a greeting is taken from anybody, a request and a reply only from who is known.
inline constexpr std::uint64_t kGreeting = 1;
inline constexpr std::uint64_t kRequest = 2;
inline constexpr std::uint64_t kReply = 3;

enum class Code : std::uint32_t {
  kGreet,       // text: the client's name. Answered with key: the lease in milliseconds, 0 if there is none
  kPut,         // text becomes the key's value
  kGet,         // answered with the key's value
  kStillHere,   // renews the lease and does no more
  kLeave,       // not answered
  kDone,        // reply: as asked
  kNoSuchKey,   // reply
  kBadRequest,  // reply
};

inline constexpr std::size_t kLongestText = 1024;

struct Message {
  Code code = Code::kBadRequest;
  std::uint32_t length = 0;  // of the text
  std::uint64_t key = 0;
  char text[kLongestText] = {};

  std::size_t size() const noexcept { return offsetof(Message, text) + length; }
  std::string_view words() const noexcept { return {text, length}; }
  // What came is what its header says, and no more than there is room for.
  bool fits(std::size_t received) const noexcept {
    return received >= offsetof(Message, text) && length <= kLongestText && received == size();
  }
};

// What is longer than kLongestText is cut off. Returns where it was put.
inline Message& compose(Message& message, Code code, std::uint64_t key = 0, std::string_view text = {}) noexcept {
  message.code = code;
  message.key = key;
  message.length = static_cast<std::uint32_t>(text.copy(message.text, kLongestText));
  return message;
}

}  // namespace anchor::examples
