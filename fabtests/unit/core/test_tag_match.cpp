// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <deque>

#include "core/tag_match.h"
#include "failing_memory.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kLow8 = 0xff;

PostedReceive receive(std::uint32_t source, std::uint64_t tag, std::uint64_t ignore = 0) {
  PostedReceive made;
  made.source = source;
  made.tag = tag;
  made.ignore = ignore;
  return made;
}

UnexpectedMessage message(std::uint32_t source, std::uint64_t tag) { return {.source = source, .tag = tag}; }

// Elements that stay where they are; enough of them make the matcher use its indexes.
struct Crowd {
  std::deque<PostedReceive> receives;
  std::deque<UnexpectedMessage> messages;

  void post(TagMatcher& matcher, unsigned count, std::uint64_t first_tag) {
    for (unsigned i = 0; i < count; ++i) matcher.post(&receives.emplace_back(receive(7, first_tag + i)));
  }
  void add(TagMatcher& matcher, unsigned count, std::uint64_t first_tag) {
    for (unsigned i = 0; i < count; ++i) matcher.add_unexpected(&messages.emplace_back(message(7, first_tag + i)));
  }
};

// Both states of the matcher: few elements, and a crowd of others.
constexpr unsigned kCrowds[] = {0, 100};

}  // namespace

Test(tag_match, empty_matches_nothing) {
  TagMatcher matcher;
  cr_assert_null(matcher.find_receive(1, 2));
  cr_assert_null(matcher.find_unexpected(1, 2, 0));
  cr_assert_null(matcher.find_unexpected(kAnySource, 0, ~0ull));
  cr_assert_eq(matcher.posted() + matcher.unexpected(), 0u);
}

Test(tag_match, exact_receive_takes_source_and_all_tag_bits) {
  for (unsigned crowd_size : kCrowds) {
    TagMatcher matcher;
    Crowd crowd;
    crowd.post(matcher, crowd_size, 1000);
    PostedReceive one = receive(3, 0x8000'0000'0000'0001);
    matcher.post(&one);
    cr_assert_null(matcher.find_receive(4, one.tag));
    cr_assert_null(matcher.find_receive(3, 1));
    cr_assert_eq(matcher.find_receive(3, one.tag), &one);
    cr_assert_eq(matcher.find_receive(3, one.tag), &one, "find leaves it posted");
    matcher.remove(&one);
    cr_assert_null(matcher.find_receive(3, one.tag));
    cr_assert_eq(matcher.posted(), crowd_size);
  }
}

Test(tag_match, earliest_posted_wins_across_classes) {
  for (unsigned crowd_size : kCrowds) {
    TagMatcher matcher;
    Crowd crowd;
    crowd.post(matcher, crowd_size, 1000);
    PostedReceive any_tag = receive(3, 0, ~0ull), exact = receive(3, 5), any_source = receive(kAnySource, 5),
                  masked = receive(kAnySource, 0x55, ~0xfull);
    for (PostedReceive* next : {&masked, &any_source, &exact, &any_tag}) matcher.post(next);
    for (PostedReceive* expected : {&masked, &any_source, &exact, &any_tag}) {
      cr_assert_eq(matcher.find_receive(3, 5), expected);
      matcher.remove(expected);
    }
    cr_assert_null(matcher.find_receive(3, 5));
  }
}

Test(tag_match, equal_receives_match_in_order_also_after_removal_from_the_middle) {
  for (unsigned crowd_size : kCrowds) {
    TagMatcher matcher;
    Crowd crowd;
    crowd.post(matcher, crowd_size, 1000);
    PostedReceive equal[5];
    for (PostedReceive& next : equal) matcher.post(&(next = receive(3, 5)));
    matcher.remove(&equal[2]);
    matcher.remove(&equal[4]);
    matcher.remove(&equal[0]);
    cr_assert_eq(matcher.find_receive(3, 5), &equal[1]);
    matcher.post(&equal[0]);
    matcher.remove(&equal[1]);
    cr_assert_eq(matcher.find_receive(3, 5), &equal[3]);
    matcher.remove(&equal[3]);
    cr_assert_eq(matcher.find_receive(3, 5), &equal[0]);
  }
}

Test(tag_match, earliest_arrived_wins) {
  for (unsigned crowd_size : kCrowds) {
    TagMatcher matcher;
    Crowd crowd;
    crowd.add(matcher, crowd_size, 1000);
    UnexpectedMessage first = message(1, 0x10), second = message(2, 0x11), third = message(1, 0x10);
    for (UnexpectedMessage* next : {&first, &second, &third}) matcher.add_unexpected(next);
    cr_assert_eq(matcher.find_unexpected(2, 0x10, 1), &second);
    cr_assert_eq(matcher.find_unexpected(kAnySource, 0, kLow8), &first);
    cr_assert_eq(matcher.find_unexpected(1, 0x10, 0), &first);
    matcher.remove(&first);
    cr_assert_eq(matcher.find_unexpected(kAnySource, 0, kLow8), &second);
    cr_assert_eq(matcher.find_unexpected(1, 0x10, 0), &third);
    cr_assert_null(matcher.find_unexpected(2, 0x10, 0));
    cr_assert_eq(matcher.unexpected(), crowd_size + 2);
  }
}

Test(tag_match, the_earliest_few_are_found_without_an_index_and_only_they) {
  TagMatcher matcher;
  Crowd crowd;
  test::memory_exhausted = true;  // so that an index would find none
  crowd.post(matcher, 20, 0);
  test::memory_exhausted = false;
  cr_assert_eq(matcher.find_early(7, 0), &crowd.receives[0]);
  cr_assert_eq(matcher.find_early(7, 7), &crowd.receives[7]);
  cr_assert_null(matcher.find_early(7, 8), "further back");
  for (unsigned i = 0; i < 12; ++i) {
    cr_assert_eq(matcher.find_early(7, i), &crowd.receives[i], "in order, whatever is posted behind");
    matcher.remove_early(&crowd.receives[i]);
  }
  cr_assert_eq(matcher.find_receive(7, 19), &crowd.receives[19]);
  cr_assert_eq(matcher.find_receive(7, 12), &crowd.receives[12]);
  matcher.remove(&crowd.receives[19]);
  cr_assert_eq(matcher.posted(), 7u);
}

Test(tag_match, more_masks_than_classes_keep_the_order) {
  TagMatcher matcher;
  Crowd crowd;
  crowd.post(matcher, 100, 1'000'000);
  std::deque<PostedReceive> masked;
  for (unsigned bit = 0; bit < 32; ++bit) matcher.post(&masked.emplace_back(receive(7, 0, (2ull << bit) - 1)));
  while (!masked.empty()) {
    cr_assert_eq(matcher.find_receive(7, 0), &masked.front());
    cr_assert_eq(matcher.find_receive(7, 1ull << (32 - masked.size())), &masked.front());
    matcher.remove(&masked.front());
    masked.pop_front();
  }
}

Test(tag_match, a_class_that_emptied_serves_another_mask) {
  TagMatcher matcher;
  Crowd crowd;
  crowd.post(matcher, 100, 1'000'000);
  for (unsigned round = 0; round < 100; ++round) {
    PostedReceive one = receive(kAnySource, 0, (1ull << (round % 19)) - 1), other = receive(7, 0, 0xf00 + round);
    matcher.post(&one);
    matcher.post(&other);
    cr_assert_eq(matcher.find_receive(7, 0), &one);
    cr_assert_eq(matcher.find_receive(8, 0), &one);
    matcher.remove(&one);
    cr_assert_eq(matcher.find_receive(7, 0), &other);
    matcher.remove(&other);
  }
}

Test(tag_match, many_masks_look_through_unexpected_messages) {
  TagMatcher matcher;
  Crowd crowd;
  crowd.add(matcher, 64, 1);
  for (unsigned round = 0; round < 1000; ++round) {
    const unsigned bits = round / 100 % 7;  // long enough on one mask for an index to change hands
    UnexpectedMessage* found = matcher.find_unexpected(7, 64, (1ull << bits) - 1);
    cr_assert_eq(found, &crowd.messages[63]);
    cr_assert_eq(matcher.find_unexpected(kAnySource, 0, (2ull << bits) - 1), &crowd.messages[0]);
  }
}

Test(tag_match, visits_in_order_and_lets_the_visitor_remove) {
  TagMatcher matcher;
  Crowd crowd;
  crowd.post(matcher, 50, 0);
  crowd.add(matcher, 50, 0);
  std::uint64_t expected = 0;
  matcher.for_each_posted([&](PostedReceive* one) {
    cr_assert_eq(one->tag, expected++);
    if (one->tag % 2 == 0) matcher.remove(one);
    return true;
  });
  expected = 0;
  matcher.for_each_unexpected([&](UnexpectedMessage* one) {
    cr_assert_eq(one->tag, expected++);
    if (one->tag % 2 == 0) matcher.remove(one);
    return one->tag != 40;
  });
  cr_assert_eq(matcher.posted(), 25u);
  cr_assert_eq(expected, 41u);
  cr_assert_eq(matcher.unexpected(), 50u - 21u);
  cr_assert_null(matcher.find_receive(7, 20));
  cr_assert_not_null(matcher.find_receive(7, 21));
}

Test(tag_match, visits_one_source_only) {
  TagMatcher matcher;
  std::deque<PostedReceive> receives;
  std::deque<UnexpectedMessage> messages;
  for (unsigned i = 0; i < 30; ++i) {
    matcher.post(&receives.emplace_back(receive(i % 3 == 2 ? kAnySource : i % 3, i)));
    matcher.add_unexpected(&messages.emplace_back(message(i % 3, i)));
  }
  matcher.for_each_posted_from(1, [&](PostedReceive* one) {
    cr_assert_eq(one->source, 1u);
    matcher.remove(one);
    return true;
  });
  unsigned visits = 0;
  matcher.for_each_unexpected_from(2, [&](UnexpectedMessage* one) {
    cr_assert_eq(one->source, 2u);
    matcher.remove(one);
    return ++visits < 5;
  });
  cr_assert_eq(matcher.posted(), 20u);
  cr_assert_eq(matcher.unexpected(), 25u);
}

Test(tag_match, ten_thousand_of_each_drain_in_order) {
  TagMatcher matcher;
  Crowd crowd;
  crowd.post(matcher, 10'000, 0);
  crowd.add(matcher, 10'000, 0);
  for (unsigned i = 0; i < 10'000; ++i) {
    const unsigned tag = i * 7919 % 10'000;
    PostedReceive* posted = matcher.find_receive(7, tag);
    cr_assert_eq(posted, &crowd.receives[tag]);
    matcher.remove(posted);
    UnexpectedMessage* found = matcher.find_unexpected(7, tag, 0);
    cr_assert_eq(found, &crowd.messages[tag]);
    matcher.remove(found);
  }
  cr_assert_eq(matcher.posted() + matcher.unexpected(), 0u);
}

Test(tag_match, elements_that_find_no_memory_still_match_in_order) {
  TagMatcher matcher;
  Crowd crowd;
  crowd.post(matcher, 10, 0);
  crowd.add(matcher, 10, 0);
  cr_assert_eq(matcher.find_unexpected(7, 9, 0), &crowd.messages[9], "now there is an index");
  cr_assert_eq(matcher.find_receive(7, 9), &crowd.receives[9], "likewise");
  test::memory_exhausted = true;
  crowd.post(matcher, 40, 10);
  crowd.add(matcher, 40, 10);
  test::memory_exhausted = false;
  crowd.post(matcher, 50, 0);
  crowd.add(matcher, 50, 0);
  for (unsigned i = 0; i < 100; ++i) {
    cr_assert_eq(matcher.find_receive(7, i % 50), &crowd.receives[i]);
    matcher.remove(&crowd.receives[i]);
    cr_assert_eq(matcher.find_unexpected(7, i % 50, 0), &crowd.messages[i]);
    matcher.remove(&crowd.messages[i]);
  }
}

// The layout that makes a match touch one cache line of the receive.
Test(tag_match, a_posted_receive_is_one_cache_line) { cr_assert_eq(sizeof(PostedReceive), 64u); }
