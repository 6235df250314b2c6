// SPDX-License-Identifier: BSD-2-Clause
// TagMatcher against the model, over seeded random traffic (a million steps in all): every answer must be the very same
// element.
#include <criterion/criterion.h>

#include <memory>
#include <random>

#include "core/tag_match.h"
#include "failing_memory.h"
#include "model_matcher.h"

using namespace anchor;
using namespace anchor::test;

namespace {

struct Traffic {
  unsigned sources;
  unsigned tags;
  unsigned masks;    // distinct ignore values in use at a time
  unsigned most;     // elements queued on a side
  unsigned failing;  // percent of steps during which there is no memory
};

class Comparison {
 public:
  Comparison(const Traffic& traffic, unsigned seed) : traffic_(traffic), random_(seed) {}

  void run(unsigned steps) {
    for (unsigned step = 0; step < steps; ++step) {
      if (step % 2000 == 0) turn_tide();
      memory_exhausted = below(100) < traffic_.failing;
      one_step();
      if (step % 500 == 0) compare_lists();
    }
    compare_lists();
    drain();
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  std::uint32_t some_source() { return below(traffic_.sources); }
  std::uint64_t some_tag() { return static_cast<std::uint64_t>(below(traffic_.tags)) << 3; }

  // One side fills, then the other, then both run empty; and other masks come into use while the old ones linger.
  void turn_tide() {
    bias_ = below(101);
    first_mask_ = below(10);
  }

  void one_step() {
    const unsigned kind = below(100);
    if (kind < 86) return below(100) < bias_ ? arrive() : want();
    if (kind < 92) return peek();
    if (kind < 95) return cancel();
    if (kind < 98) return drop();
    if (below(200) == 0) lose_peer();
  }

  void arrive() {
    const std::uint32_t source = some_source();
    const std::uint64_t tag = some_tag();
    Receive* expected = model_.find_receive(source, tag);
    cr_assert_eq(matcher_.find_receive(source, tag), expected);
    if (expected != nullptr) {
      if (!expected->stays || below(4) == 0) release(expected);
    } else if (model_.unexpected.size() < traffic_.most) {
      auto* message = new Message;
      message->source = source;
      message->tag = tag;
      matcher_.add_unexpected(message);
      model_.unexpected.push_back(message);
    }
  }

  Receive wanted() {
    Receive receive;
    receive.source = below(4) == 0 ? kAnySource : some_source();
    receive.ignore = (1ull << (first_mask_ + below(traffic_.masks))) - 1;
    receive.tag = some_tag() | (below(8) & receive.ignore);
    receive.stays = below(20) == 0;
    return receive;
  }

  void want() {
    const Receive receive = wanted();
    Message* expected = model_.find_unexpected(receive);
    cr_assert_eq(matcher_.find_unexpected(receive.source, receive.tag, receive.ignore), expected);
    if (expected != nullptr) {
      release(expected);
    } else if (model_.posted.size() < traffic_.most) {
      auto* posted = new Receive(receive);
      matcher_.post(posted);
      model_.posted.push_back(posted);
    }
  }

  void peek() {
    const Receive receive = wanted();
    cr_assert_eq(matcher_.find_unexpected(receive.source, receive.tag, receive.ignore),
                 model_.find_unexpected(receive));
  }

  void cancel() {
    if (!model_.posted.empty()) release(model_.posted[below(static_cast<unsigned>(model_.posted.size()))]);
  }

  void drop() {
    if (!model_.unexpected.empty()) release(model_.unexpected[below(static_cast<unsigned>(model_.unexpected.size()))]);
  }

  void lose_peer() {
    const std::uint32_t source = some_source();
    matcher_.for_each_posted_from(source, [&](PostedReceive* receive) {
      release(static_cast<Receive*>(receive));
      return true;
    });
    matcher_.for_each_unexpected_from(source, [&](UnexpectedMessage* message) {
      release(static_cast<Message*>(message));
      return true;
    });
    for (const Receive* receive : model_.posted) cr_assert_neq(receive->source, source);
    for (const Message* message : model_.unexpected) cr_assert_neq(message->source, source);
  }

  template <class Element>
  void release(Element* element) {
    model_.remove(element);
    matcher_.remove(element);
    delete element;
  }

  void compare_lists() {
    std::size_t at = 0;
    cr_assert_eq(matcher_.posted(), model_.posted.size());
    matcher_.for_each_posted([&](PostedReceive* receive) { return receive == model_.posted[at++]; });
    cr_assert_eq(at, model_.posted.size());
    at = 0;
    cr_assert_eq(matcher_.unexpected(), model_.unexpected.size());
    matcher_.for_each_unexpected([&](UnexpectedMessage* message) { return message == model_.unexpected[at++]; });
    cr_assert_eq(at, model_.unexpected.size());
  }

  void drain() {
    while (!model_.posted.empty()) cancel();
    while (!model_.unexpected.empty()) drop();
    cr_assert_eq(matcher_.posted() + matcher_.unexpected(), 0u);
  }

  const Traffic traffic_;
  std::mt19937_64 random_;
  unsigned bias_ = 50;
  unsigned first_mask_ = 0;
  TagMatcher matcher_;
  ModelMatcher model_;
};

void compare(const Traffic& traffic, unsigned steps) {
  for (unsigned seed = 1; seed <= 4; ++seed) Comparison(traffic, seed).run(steps);
}

}  // namespace

Test(tag_match_order, few_elements_few_masks) { compare({3, 4, 2, 12, 0}, 50'000); }
Test(tag_match_order, many_elements_few_masks) { compare({5, 200, 2, 400, 0}, 50'000); }
Test(tag_match_order, many_elements_many_masks) { compare({4, 100, 12, 300, 0}, 50'000); }
Test(tag_match_order, distinct_tags_collide_rarely) { compare({50, 5000, 3, 400, 0}, 50'000); }
Test(tag_match_order, without_memory_it_is_only_slower) { compare({5, 300, 6, 300, 90}, 40'000); }
