// SPDX-License-Identifier: BSD-2-Clause
// Tag matching as fi_tagged(3) words it, with nothing but two lists searched from the oldest on: what TagMatcher is
// compared with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/tag_match.h"

namespace anchor::test {

struct Receive : PostedReceive {
  bool stays = false;  // a multi-receive buffer: matching does not take it away
};

struct Message : UnexpectedMessage {};

inline bool matches(const PostedReceive& receive, std::uint32_t source, std::uint64_t tag) {
  if (receive.source != kAnySource && receive.source != source) return false;
  return (receive.tag | receive.ignore) == (tag | receive.ignore);
}

class ModelMatcher {
 public:
  std::vector<Receive*> posted;
  std::vector<Message*> unexpected;

  Receive* find_receive(std::uint32_t source, std::uint64_t tag) const {
    const auto found =
        std::find_if(posted.begin(), posted.end(), [&](const Receive* one) { return matches(*one, source, tag); });
    return found == posted.end() ? nullptr : *found;
  }

  Message* find_unexpected(const PostedReceive& wanted) const {
    const auto found = std::find_if(unexpected.begin(), unexpected.end(),
                                    [&](const Message* one) { return matches(wanted, one->source, one->tag); });
    return found == unexpected.end() ? nullptr : *found;
  }

  void remove(Receive* receive) { posted.erase(std::find(posted.begin(), posted.end(), receive)); }
  void remove(Message* message) { unexpected.erase(std::find(unexpected.begin(), unexpected.end(), message)); }
};

}  // namespace anchor::test
