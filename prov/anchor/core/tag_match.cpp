// SPDX-License-Identifier: BSD-2-Clause
#include "core/tag_match.h"

#include <sys/auxv.h>

#include <cstring>

namespace anchor {
namespace {

// The kernel gives each process 16 random bytes: no system call, and nothing that could fail.
MatchHash random_hash() noexcept {
  MatchHash hash{0x8f14'7c3d'5be2'a069, 0xd1b5'4a32'd192'ed03};
  if (const auto* random = reinterpret_cast<const void*>(getauxval(AT_RANDOM))) {
    std::uint64_t words[2];
    std::memcpy(words, random, sizeof words);
    hash.tag_seed ^= words[0] * 0x9e37'79b9'7f4a'7c15;
    hash.source_seed ^= (words[1] * 0x9e37'79b9'7f4a'7c15) >> 1;  // keeps the top bit: never small
  }
  return hash;
}

}  // namespace

TagMatcher::TagMatcher() noexcept
    : hash_(random_hash()), indexes_{MessageIndex(0), MessageIndex(1), MessageIndex(2), MessageIndex(3)} {
  static_assert(kMaxClasses == 4);
}

// Posted receives

void TagMatcher::index_receives() noexcept {
  filed_ = true;
  posted_.for_each([this](PostedReceive* receive) {
    file_receive(receive);
    return true;
  });
}

void TagMatcher::file_receive(PostedReceive* receive) noexcept {
  const std::uint32_t at = receive_class(key_of(receive->source, receive->ignore));
  receive->sequence = next_sequence_++;
  receive->class_index = kOverflow;
  if (at != kOverflow) {
    ReceiveClass& its = classes_[at];
    const auto same = [&](const PostedReceive* other) {
      return its.key.same(receive->source, receive->tag, other->source, other->tag);
    };
    if (its.table.append(receive, its.key.hash(hash_, receive->source, receive->tag), same)) {
      receive->class_index = at;
      active_ |= 1u << at;
      return;
    }
  }
  overflow_.push_back(receive);
}

void TagMatcher::unfile_receive(PostedReceive* receive) noexcept {
  if (receive->class_index == kOverflow) {
    overflow_.remove(receive);
  } else {
    ReceiveClass& its = classes_[receive->class_index];
    its.table.remove(receive, its.key.hash(hash_, receive->source, receive->tag));
    if (its.table.empty()) active_ &= ~(1u << receive->class_index);
  }
  filed_ = !posted_.empty();
}

// The class with this key, else one without receives, which takes the key on; kOverflow when there is none.
std::uint32_t TagMatcher::receive_class(const ClassKey& key) noexcept {
  for (std::uint32_t at = 0; at < kMaxClasses; ++at) {
    if (classes_[at].key == key) return at;
  }
  const unsigned free = std::countr_one(active_);
  if (free >= kMaxClasses) return kOverflow;
  classes_[free].key = key;
  return free;
}

// There are some that find_early() does not look at.
PostedReceive* TagMatcher::find_behind(std::uint32_t source, std::uint64_t tag) noexcept {
  if (!filed_) index_receives();
  return find_filed(source, tag);
}

PostedReceive* TagMatcher::find_filed(std::uint32_t source, std::uint64_t tag) const noexcept {
  PostedReceive* best = nullptr;
  for (unsigned rest = active_; rest != 0; rest &= rest - 1) {
    const ReceiveClass& its = classes_[std::countr_zero(rest)];
    PostedReceive* found = its.table.find(its.key.hash(hash_, source, tag), [&](const PostedReceive* receive) {
      return its.key.same(source, tag, receive->source, receive->tag);
    });
    if (found != nullptr && (best == nullptr || found->sequence < best->sequence)) best = found;
  }
  return overflow_.empty() ? best : find_overflow(source, tag, best);
}

PostedReceive* TagMatcher::find_overflow(std::uint32_t source, std::uint64_t tag, PostedReceive* best) const noexcept {
  for (PostedReceive* receive = overflow_.front(); receive != nullptr; receive = overflow_.after(receive)) {
    if (best != nullptr && best->sequence < receive->sequence) return best;
    if (key_of(receive->source, receive->ignore).same(source, tag, receive->source, receive->tag)) return receive;
  }
  return best;
}

// Unexpected messages

void TagMatcher::index_message(UnexpectedMessage* message) noexcept {
  for (unsigned rest = live_; rest != 0; rest &= rest - 1) {
    const unsigned at = std::countr_zero(rest);
    MessageIndex& index = indexes_[at];
    const auto same = [&](const UnexpectedMessage* other) {
      return index.key.same(message->source, message->tag, other->source, other->tag);
    };
    if (index.table.append(message, index.key.hash(hash_, message->source, message->tag), same)) continue;
    index.table.clear();  // an index with a gap would break the order
    live_ &= ~(1u << at);
  }
}

void TagMatcher::unindex_message(UnexpectedMessage* message) noexcept {
  for (unsigned rest = live_; rest != 0; rest &= rest - 1) {
    MessageIndex& index = indexes_[std::countr_zero(rest)];
    index.table.remove(message, index.key.hash(hash_, message->source, message->tag));
  }
  if (unexpected_.empty()) live_ = 0;
}

UnexpectedMessage* TagMatcher::find_in_order(std::uint32_t source, std::uint64_t tag,
                                             const ClassKey& key) const noexcept {
  UnexpectedMessage* message = unexpected_.front();
  while (message != nullptr && !key.same(source, tag, message->source, message->tag)) {
    message = unexpected_.after(message);
  }
  return message;
}

UnexpectedMessage* TagMatcher::find_indexed(std::uint32_t source, std::uint64_t tag, const ClassKey& key) noexcept {
  MessageIndex* index = live_index(key);
  if (index == nullptr) return find_in_order(source, tag, key);
  index->last_look = ++looks_;
  return index->table.find(key.hash(hash_, source, tag), [&](const UnexpectedMessage* message) {
    return key.same(source, tag, message->source, message->tag);
  });
}

// The live index with this key, built if there is room for one. nullptr: search in order.
TagMatcher::MessageIndex* TagMatcher::live_index(const ClassKey& key) noexcept {
  for (unsigned rest = live_; rest != 0; rest &= rest - 1) {
    MessageIndex& index = indexes_[std::countr_zero(rest)];
    if (index.key == key) return &index;
  }
  const unsigned at = index_to_build();
  return at < kMaxClasses && build_index(at, key) ? &indexes_[at] : nullptr;
}

// An index that is not live, else one that nobody has looked at for so many lookups that rebuilding it for another key
// costs less than they did. kMaxClasses: none.
unsigned TagMatcher::index_to_build() const noexcept {
  const unsigned free = std::countr_one(live_);
  if (free < kMaxClasses) return free;
  unsigned oldest = 0;
  for (unsigned at = 1; at < kMaxClasses; ++at) {
    if (indexes_[at].last_look < indexes_[oldest].last_look) oldest = at;
  }
  const std::size_t cost = unexpected_.size() + indexes_[oldest].table.capacity();
  return looks_ - indexes_[oldest].last_look > cost ? oldest : kMaxClasses;
}

bool TagMatcher::build_index(unsigned at, const ClassKey& key) noexcept {
  MessageIndex& index = indexes_[at];
  index.table.clear();
  index.key = key;
  bool complete = true;
  unexpected_.for_each([&](UnexpectedMessage* message) {
    return complete = index.table.append(message, key.hash(hash_, message->source, message->tag),
                                         [&](const UnexpectedMessage* other) {
                                           return key.same(message->source, message->tag, other->source, other->tag);
                                         });
  });
  if (!complete) index.table.clear();
  live_ = complete ? live_ | 1u << at : live_ & ~(1u << at);
  return complete;
}

}  // namespace anchor
