// SPDX-License-Identifier: BSD-2-Clause
// Pairs arriving messages with posted receives in libfabric's order.
//
// A receive names a source (or any) and a tag with ignore bits. All receives with the same (any source?, ignore bits)
// form a class, and within a class the match is an equality on (source, tag & ~ignore): one hash lookup. An arrival
// asks each class that has receives and takes the earliest posted; a receive asks its class's index over the unexpected
// messages. Both are O(1) in the number of receives and messages, wildcards included, as long as applications use few
// distinct masks (measured: MPI uses one to four). Past kMaxClasses masks, the rest is searched in order.
//
// The earliest few receives are looked at in order first: that is faster than hashing, and in a program in step with
// its peers the next message is for one of them, however many it has posted. Of messages it is the earliest, or all
// while they are few. Indexes are built when a look beyond is needed, and dropped when the last element has gone.
//
// Intrusive and allocation-free per operation except for bucket growth; where that finds no memory, matching becomes
// slower, never wrong. Not thread-safe: used under the endpoint's lock. Elements belong to the caller, who leaves them
// alone while they are queued here.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/intrusive_list.h"
#include "core/match_table.h"

namespace anchor {

inline constexpr std::uint32_t kAnySource = ~0u;
inline constexpr unsigned kMaxClasses = 4;  // a power of two; each costs an unexpected message 16 bytes

// Base of a posted receive: one cache line. The caller fills source (a peer's number, or kAnySource), tag and ignore.
// The rest is the matcher's: `order` is valid while it is posted, the others only while receives are filed (filed_).
struct PostedReceive {
  std::uint32_t source = kAnySource;
  std::uint32_t class_index;
  std::uint64_t tag = 0;
  std::uint64_t ignore = 0;
  std::uint64_t sequence;  // decides between classes: the lower was posted earlier
  Links<PostedReceive> order;
  Links<PostedReceive> ring;  // receives of one class and key, or the overflow receives
};
static_assert(sizeof(PostedReceive) == 64);

// Base of a message that came before its receive.
struct UnexpectedMessage {
  std::uint32_t source = 0;
  std::uint64_t tag = 0;
  Links<UnexpectedMessage> order{};  // the matcher's, like rings
  Links<UnexpectedMessage> rings[kMaxClasses]{};
};

class TagMatcher {
 public:
  TagMatcher() noexcept;
  TagMatcher(const TagMatcher&) = delete;
  TagMatcher& operator=(const TagMatcher&) = delete;

  // Appends a receive that matched nothing unexpected.
  void post(PostedReceive* receive) noexcept;
  // The earliest posted receive that matches, found without an index; it stays posted. nullptr: there may be one still.
  PostedReceive* find_early(std::uint32_t source, std::uint64_t tag) const noexcept;
  // The earliest posted receive that matches; it stays posted. nullptr: none.
  PostedReceive* find_receive(std::uint32_t source, std::uint64_t tag) noexcept;
  // Requires: posted here.
  void remove(PostedReceive* receive) noexcept;
  // Requires: found by find_early() just now.
  void remove_early(PostedReceive* receive) noexcept { posted_.remove(receive); }

  void add_unexpected(UnexpectedMessage* message) noexcept;
  // The earliest unexpected message that matches; it stays queued. nullptr: none.
  UnexpectedMessage* find_unexpected(std::uint32_t source, std::uint64_t tag, std::uint64_t ignore) noexcept;
  // Requires: queued here.
  void remove(UnexpectedMessage* message) noexcept;

  // All posted receives, resp. unexpected messages, in order; `visit` returns false to stop and may remove the element
  // it was given.
  template <class Visit>
  void for_each_posted(Visit&& visit) {
    posted_.for_each(visit);
  }
  template <class Visit>
  void for_each_unexpected(Visit&& visit) {
    unexpected_.for_each(visit);
  }

  // The same for one source only: what a peer's death concerns. Receives from any source are not among them. Linear.
  template <class Visit>
  void for_each_posted_from(std::uint32_t source, Visit&& visit) {
    posted_.for_each([&](PostedReceive* receive) { return receive->source != source || visit(receive); });
  }
  template <class Visit>
  void for_each_unexpected_from(std::uint32_t source, Visit&& visit) {
    unexpected_.for_each([&](UnexpectedMessage* message) { return message->source != source || visit(message); });
  }

  std::size_t posted() const noexcept { return posted_.size(); }
  std::size_t unexpected() const noexcept { return unexpected_.size(); }

 private:
  // So many are looked at in order. Measured at eight: 5 ns, against 10 through the table. Not more, because a walk is
  // a chain of misses once the elements have left the nearest cache.
  static constexpr std::size_t kFew = 8;
  static constexpr std::uint32_t kOverflow = kMaxClasses;  // PostedReceive::class_index of a receive in no class

  struct ReceiveRing {
    Links<PostedReceive>& operator()(PostedReceive* receive) const noexcept { return receive->ring; }
  };
  struct MessageRing {
    unsigned index;
    Links<UnexpectedMessage>& operator()(UnexpectedMessage* message) const noexcept { return message->rings[index]; }
  };

  // What a class compares. Masks are or-ed and and-ed instead of tested: any source reads as kAnySource on both sides.
  struct ClassKey {
    std::uint64_t ignore = 0;
    std::uint32_t any_source = 0;  // kAnySource or 0

    bool operator==(const ClassKey&) const = default;
    bool same(std::uint32_t source, std::uint64_t tag, std::uint32_t other_source, std::uint64_t other_tag) const {
      return ((tag ^ other_tag) & ~ignore) == 0 && ((source ^ other_source) & ~any_source) == 0;
    }
    std::uint64_t hash(const MatchHash& hash, std::uint32_t source, std::uint64_t tag) const {
      return hash(source | any_source, tag & ~ignore);
    }
  };

  struct ReceiveClass {
    ClassKey key;
    MatchTable<PostedReceive, ReceiveRing> table;
  };

  // Invariant: a live index holds every unexpected message.
  struct MessageIndex {
    explicit MessageIndex(unsigned ring) noexcept : table(MessageRing{ring}) {}

    ClassKey key;
    std::uint64_t last_look = 0;
    MatchTable<UnexpectedMessage, MessageRing> table;
  };

  static ClassKey key_of(std::uint32_t source, std::uint64_t ignore) noexcept {
    return {ignore, source == kAnySource ? kAnySource : 0};
  }

  void index_receives() noexcept;
  void file_receive(PostedReceive* receive) noexcept;
  void unfile_receive(PostedReceive* receive) noexcept;
  std::uint32_t receive_class(const ClassKey& key) noexcept;
  PostedReceive* find_behind(std::uint32_t source, std::uint64_t tag) noexcept;
  PostedReceive* find_filed(std::uint32_t source, std::uint64_t tag) const noexcept;
  PostedReceive* find_overflow(std::uint32_t source, std::uint64_t tag, PostedReceive* best) const noexcept;

  void index_message(UnexpectedMessage* message) noexcept;
  void unindex_message(UnexpectedMessage* message) noexcept;
  UnexpectedMessage* find_indexed(std::uint32_t source, std::uint64_t tag, const ClassKey& key) noexcept;
  UnexpectedMessage* find_in_order(std::uint32_t source, std::uint64_t tag, const ClassKey& key) const noexcept;
  MessageIndex* live_index(const ClassKey& key) noexcept;
  unsigned index_to_build() const noexcept;
  bool build_index(unsigned at, const ClassKey& key) noexcept;

  // Hot: each call reads the first line.
  IntrusiveList<PostedReceive, &PostedReceive::order> posted_;
  IntrusiveList<UnexpectedMessage, &UnexpectedMessage::order> unexpected_;
  std::uint64_t next_sequence_ = 0;
  bool filed_ = false;       // posted receives stand in their classes, not only in posted_
  std::uint8_t active_ = 0;  // bit i: classes_[i] has receives
  std::uint8_t live_ = 0;    // bit i: indexes_[i] is live

  MatchHash hash_;
  ReceiveClass classes_[kMaxClasses];
  IntrusiveList<PostedReceive, &PostedReceive::ring> overflow_;
  std::uint64_t looks_ = 0;  // lookups through an index so far: the clock of MessageIndex::last_look
  MessageIndex indexes_[kMaxClasses];
};

inline void TagMatcher::post(PostedReceive* receive) noexcept {
  posted_.push_back(receive);
  if (filed_) [[unlikely]]
    file_receive(receive);
}

inline PostedReceive* TagMatcher::find_early(std::uint32_t source, std::uint64_t tag) const noexcept {
  if (filed_) return nullptr;
  std::size_t looks = kFew;
  for (PostedReceive* receive = posted_.front(); receive != nullptr && looks != 0; receive = posted_.after(receive)) {
    if (((receive->tag ^ tag) & ~receive->ignore) == 0 && (receive->source == source || receive->source == kAnySource))
      return receive;
    --looks;
  }
  return nullptr;
}

inline PostedReceive* TagMatcher::find_receive(std::uint32_t source, std::uint64_t tag) noexcept {
  if (PostedReceive* early = find_early(source, tag)) return early;
  const std::size_t looked_at = filed_ ? 0 : kFew;
  return posted_.size() > looked_at ? find_behind(source, tag) : nullptr;
}

inline void TagMatcher::remove(PostedReceive* receive) noexcept {
  posted_.remove(receive);
  if (filed_) [[unlikely]]
    unfile_receive(receive);
}

inline void TagMatcher::add_unexpected(UnexpectedMessage* message) noexcept {
  unexpected_.push_back(message);
  if (live_ != 0) index_message(message);
}

inline UnexpectedMessage* TagMatcher::find_unexpected(std::uint32_t source, std::uint64_t tag,
                                                      std::uint64_t ignore) noexcept {
  if (unexpected_.empty()) return nullptr;
  const ClassKey key = key_of(source, ignore);
  UnexpectedMessage* first = unexpected_.front();
  if (key.same(source, tag, first->source, first->tag)) return first;
  return unexpected_.size() <= kFew ? find_in_order(source, tag, key) : find_indexed(source, tag, key);
}

inline void TagMatcher::remove(UnexpectedMessage* message) noexcept {
  unexpected_.remove(message);
  if (live_ != 0) unindex_message(message);
}

}  // namespace anchor
