// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/request_pool.h"

using namespace anchor;

namespace {

struct Request {
  std::uint64_t value = 0;
  std::string text;  // owns memory: a leak or a double destruction shows
};

struct Counted {
  Counted() noexcept { ++alive; }
  ~Counted() { --alive; }
  static inline int alive = 0;
};

}  // namespace

Test(request_pool, gives_again_what_was_released) {
  RequestPool<Request> pool(10);
  cr_assert_null(pool.acquire_again());
  Request* request = pool.acquire();
  request->text = "of the former use";
  cr_assert_null(pool.acquire_again(), "in use");
  pool.release(request);
  cr_assert_eq(pool.acquire_again(), request);
  cr_assert(request->text.empty());
  cr_assert_eq(pool.in_use(), 1u);
  cr_assert_null(pool.acquire_again());
}

Test(request_pool, an_identifier_leads_to_its_request_only_while_in_use) {
  RequestPool<Request> pool(10);
  Request* request = pool.acquire();
  const RequestId id = pool.id(request);
  cr_assert_neq(id, kNoRequest);
  cr_assert_eq(pool.find(id), request);
  pool.release(request);
  cr_assert_null(pool.find(id));
  Request* again = pool.acquire();
  cr_assert_eq(again, request, "the warmest is given first");
  cr_assert_null(pool.find(id));
  cr_assert_neq(pool.id(again), id);
}

Test(request_pool, an_acquired_request_is_constructed_anew) {
  RequestPool<Request> pool(1);
  Request* request = pool.acquire();
  request->value = 5;
  request->text = "a text too long for the string's own bytes";
  pool.release(request);
  request = pool.acquire();
  cr_assert_eq(request->value, 0u);
  cr_assert(request->text.empty());
}

Test(request_pool, made_up_identifiers_lead_nowhere) {
  RequestPool<Request> pool(100);
  Request* request = pool.acquire();
  Request* released = pool.acquire();
  const RequestId id = pool.id(request), gone = pool.id(released);
  pool.release(released);
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 100'000; ++i) {
    const RequestId guess = i % 2 == 0 ? random() : (random() % 8) << 32 | random() % 4;
    cr_assert_eq(pool.find(guess), guess == id ? request : nullptr);
  }
  cr_assert_null(pool.find(kNoRequest));
  cr_assert_null(pool.find(gone + (1ull << 32)), "the generation that a free place is at");
}

Test(request_pool, gives_no_more_than_its_limit) {
  for (std::size_t limit : {0, 1, 63, 64, 65, 200}) {
    RequestPool<int> pool(limit);
    std::vector<int*> taken;
    while (int* request = pool.acquire()) taken.push_back(request);
    cr_assert_eq(taken.size(), limit);
    cr_assert_eq(pool.in_use(), limit);
    if (limit == 0) continue;
    pool.release(taken.back());
    cr_assert_eq(pool.acquire(), taken.back());
    cr_assert_null(pool.acquire());
  }
}

Test(request_pool, visits_those_in_use_and_lets_the_visitor_release) {
  RequestPool<Request> pool(1000);
  std::set<Request*> expected;
  for (unsigned i = 0; i < 300; ++i) {
    Request* request = pool.acquire();
    request->value = i;
    expected.insert(request);
  }
  for (auto at = expected.begin(); at != expected.end();) {
    const bool drop = (*at)->value % 3 == 0;
    if (drop) pool.release(*at);
    at = drop ? expected.erase(at) : std::next(at);
  }
  pool.for_each([&](Request* request) {
    cr_assert_eq(expected.erase(request), 1u);
    pool.release(request);
  });
  cr_assert(expected.empty());
  cr_assert_eq(pool.in_use(), 0u);
}

Test(request_pool, destroys_what_is_still_in_use) {
  {
    RequestPool<Counted> pool(100);
    for (unsigned i = 0; i < 70; ++i) pool.acquire();
    Counted* released = pool.acquire();
    pool.release(released);
    cr_assert_eq(Counted::alive, 70);
  }
  cr_assert_eq(Counted::alive, 0);
}

Test(request_pool, random_use_keeps_requests_where_they_are) {
  std::mt19937 random(9);
  RequestPool<Request> pool(500);
  std::map<RequestId, Request*> live;
  std::vector<RequestId> stale;
  for (std::uint64_t step = 0; step < 50'000; ++step) {
    if (random() % 100 < (step / 5000 % 2 == 0 ? 60u : 40u)) {
      Request* request = pool.acquire();
      cr_assert_eq(request == nullptr, live.size() == 500);
      if (request == nullptr) continue;
      request->value = pool.id(request);
      cr_assert(live.emplace(pool.id(request), request).second);
    } else if (!live.empty()) {
      const auto victim = std::next(live.begin(), random() % std::min<std::size_t>(live.size(), 20));
      cr_assert_eq(pool.find(victim->first), victim->second);
      cr_assert_eq(victim->second->value, victim->first);
      stale.push_back(victim->first);
      pool.release(victim->second);
      live.erase(victim);
    }
    cr_assert_eq(pool.in_use(), live.size());
    if (!stale.empty()) cr_assert_null(pool.find(stale[random() % stale.size()]));
  }
}

Test(request_pool, requests_start_on_a_cache_line) {
  struct alignas(128) Wide {
    char bytes[130];
  };
  RequestPool<Wide> wide(3);
  RequestPool<char> narrow(3);
  for (unsigned i = 0; i < 3; ++i) {
    cr_assert_eq(reinterpret_cast<std::uintptr_t>(wide.acquire()) % 128, 0u);
    cr_assert_eq(reinterpret_cast<std::uintptr_t>(narrow.acquire()) % kCacheLine, 0u);
  }
}
