// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <string>

#include "os/unique_name.h"

using namespace anchor;

Test(unique_name, is_valid_known_and_not_repeated) {
  const EndpointName first = unique_name(), second = unique_name();
  cr_assert(first.valid() && second.valid());
  cr_assert(is_unique(first) && is_unique(second));
  cr_assert_not(first == second);
}

Test(unique_name, what_applications_call_their_endpoints_is_not) {
  for (const char* text : {"", "server", "127.0.0.1:7471", "[::1]:7471", "rank-0123456789abcdef", "-0123456789abcdef",
                           "77-0123456789abcde", "77-0123456789abcdef0", "77-0123456789ABCDEF", "77_0123456789abcdef",
                           "77-0123456-89abcdef", "0123456789abcdef"})
    cr_assert_not(is_unique(EndpointName::from(std::string(kNamePrefix) + text)), "%s", text);
  cr_assert(is_unique(EndpointName::from("anchor://77-0123456789abcdef")));
  cr_assert_not(is_unique(EndpointName::from("other://77-0123456789abcdef")));
}
