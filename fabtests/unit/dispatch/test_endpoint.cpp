// SPDX-License-Identifier: BSD-2-Clause
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
