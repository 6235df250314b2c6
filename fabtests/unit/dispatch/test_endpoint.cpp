// SPDX-License-Identifier: BSD-2-Clause
#include <memory>

#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

Test(endpoint, a_name_is_given_before_it_is_enabled) {
  Place place;
  Endpoint endpoint(place.device, {});
  cr_assert_eq(endpoint.set_name(EndpointName::from("no name")), -EINVAL);
  cr_assert_eq(endpoint.set_name(named("a")), 0);
  cr_assert_not(endpoint.enabled());
  cr_assert_eq(endpoint.enable(), 0);
  cr_assert(endpoint.enabled());
  cr_assert_eq(endpoint.enable(), 0, "once more changes nothing");
  cr_assert_eq(endpoint.set_name(named("b")), -EBUSY);
  cr_assert(endpoint.name() == named("a"));
}

Test(endpoint, without_a_name_it_has_one_of_its_own) {
  Place place;
  Endpoint first(place.device, {}), second(place.device, {});
  const EndpointName name = first.name();
  cr_assert(name.valid() && second.name().valid());
  cr_assert_not(name == second.name());
  cr_assert_eq(first.enable(), 0);
  cr_assert_eq(second.enable(), 0);
  cr_assert(first.name() == name);
}

Test(endpoint, an_empty_name_is_any) {
  Place place;
  Endpoint endpoint(place.device, {});
  cr_assert_eq(endpoint.set_name(named("a")), 0);
  cr_assert_eq(endpoint.set_name({}), 0);
  cr_assert(endpoint.name().valid());
  cr_assert_not(endpoint.name() == named("a"));
}

Test(endpoint, a_name_has_one_owner_at_a_time) {
  Place place;
  auto first = std::make_unique<Opened>(place.device, "a");
  Endpoint second(place.device, {});
  cr_assert_eq(second.set_name(named("a")), 0);
  cr_assert_eq(second.enable(), -EADDRINUSE);
  cr_assert_not(second.enabled());
  first.reset();
  cr_assert_eq(second.enable(), 0);
}

Test(endpoint, a_free_port_is_chosen_on_request) {
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

Test(endpoint, a_free_port_follows_a_name_that_is_taken) {
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

Test(endpoint, without_that_request_a_name_is_taken_as_it_is) {
  Place place;
  Endpoint endpoint(place.device, {});
  cr_assert_eq(endpoint.set_name_with_free_port(named(std::string(48, 'x') + ":0")), 0);
  cr_assert_eq(endpoint.set_name_with_free_port(named(std::string(49, 'x') + ":0")), -EINVAL, "no room for the port");
  cr_assert_eq(endpoint.set_name(named("rank:0")), 0);
  cr_assert_eq(endpoint.enable(), 0);
  cr_assert(endpoint.name() == named("rank:0"));
}

Test(endpoint, closing_leaves_nothing) {
  Place place;
  {
    Opened a(place.device, "a"), b(place.device, "b");
    char in[2];
    cr_assert_eq(b.receive(in, 2), 0);
    cr_assert_eq(a.send(a.addresses.insert(named("b")), "x", 2), 0);
    cr_assert_eq(b.await(a), 2);
    cr_assert_eq(place.scratch.entries(), 2u);
  }
  cr_assert_eq(place.scratch.entries(), 0u);
}

Test(endpoint, before_it_is_enabled_progress_does_nothing) {
  Place place;
  Endpoint endpoint(place.device, {});
  endpoint.progress();
  cr_assert_eq(endpoint.cancel(nullptr), -ENOENT);
}

Test(endpoint, cancel_ends_a_posted_receive) {
  Place place;
  Opened a(place.device, "a");
  char in;
  cr_assert_eq(a.receive(&in, 1), 0);
  cr_assert_eq(a.endpoint.cancel(&in), 0);
  cr_assert_eq(a.next(), -ECANCELED);
  cr_assert_eq(a.endpoint.cancel(&in), -ENOENT);
}

Test(endpoint, a_removed_address_leads_nowhere) {
  Place place;
  Opened a(place.device, "a"), b(place.device, "b");
  const std::uint64_t to_b = a.addresses.insert(named("b"));
  char in[2];
  cr_assert_eq(b.receive(in, 2), 0);
  cr_assert_eq(a.send(to_b, "x", 2), 0);
  cr_assert_eq(b.await(a), 2);
  cr_assert_eq(a.addresses.remove(to_b), 0);
  cr_assert_eq(a.send(to_b, "x", 2), -EINVAL);
}
