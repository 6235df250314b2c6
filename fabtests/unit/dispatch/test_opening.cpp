// SPDX-License-Identifier: BSD-2-Clause
#include <memory>

#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

Test(opening, a_name_has_one_owner_at_a_time) {
  Place place;
  auto first = std::make_unique<Opened>(place.device, "a");
  Endpoint second(place.device, {});
  cr_assert_eq(second.set_name(named("a")), 0);
  cr_assert_eq(second.enable(), -EADDRINUSE);
  cr_assert_not(second.enabled());
  first.reset();
  cr_assert_eq(second.enable(), 0);
}

Test(opening, a_free_port_is_chosen_on_request) {
  Place place;
  Endpoint first(place.device, {}), second(place.device, {});
  for (Endpoint* endpoint : {&first, &second}) {
    cr_assert_eq(endpoint->set_name_with_free_port(named("127.0.0.1")), -EINVAL);
    cr_assert_eq(endpoint->set_name_with_free_port(named("127.0.0.1:0")), 0);
    cr_assert_eq(endpoint->enable(), 0);
    const std::string name(endpoint->name().view());
    cr_assert_eq(name.substr(0, 19), "anchor://127.0.0.1:");
    cr_assert_geq(std::stoul(name.substr(19)), 49152u);
    cr_assert_leq(std::stoul(name.substr(19)), 65535u);
  }
  cr_assert_not(first.name() == second.name());
}

Test(opening, a_free_port_follows_a_name_that_is_taken) {
  Place place;
  Endpoint first(place.device, {}), second(place.device, {});
  for (Endpoint* endpoint : {&first, &second}) {
    cr_assert_eq(endpoint->set_name_or_free_port(named("127.0.0.1")), 0);
    cr_assert(endpoint->name() == named("127.0.0.1"));
    cr_assert_eq(endpoint->enable(), 0);
  }
  cr_assert(first.name() == named("127.0.0.1"));
  const std::string name(second.name().view());
  cr_assert_eq(name.substr(0, 19), "anchor://127.0.0.1:");
  cr_assert_geq(std::stoul(name.substr(19)), 49152u);
}

Test(opening, without_that_request_a_name_is_taken_as_it_is) {
  Place place;
  Endpoint endpoint(place.device, {});
  cr_assert_eq(endpoint.set_name_with_free_port(named(std::string(48, 'x') + ":0")), 0);
  cr_assert_eq(endpoint.set_name_with_free_port(named(std::string(49, 'x') + ":0")), -EINVAL, "no room for the port");
  cr_assert_eq(endpoint.set_name(named("rank:0")), 0);
  cr_assert_eq(endpoint.enable(), 0);
  cr_assert(endpoint.name() == named("rank:0"));
}
