// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstdlib>
#include <cstring>

#include "../os/child_process.h"
#include "abi/domain.h"
#include "open_domain.h"

using namespace anchor;

namespace {

OpenDomain* left_open = nullptr;

void close_at_exit() {
  const bool known = Fabric::is_open(left_open->fabric.get()) &&
                     Domain::is_open(left_open->domain.get(), left_open->info->domain_attr->name);
  const bool closed = left_open->domain.close() == 0 && left_open->fabric.close() == 0;
  ::_exit(known && closed && Fabric::first_open() == nullptr ? 0 : 1);
}

}  // namespace

Test(domain, who_serialises_calls_is_spared_the_locks) {
  for (const fi_threading level :
       {FI_THREAD_SAFE, FI_THREAD_FID, FI_THREAD_ENDPOINT, FI_THREAD_COMPLETION, FI_THREAD_DOMAIN}) {
    const OpenDomain open([&](fi_info& h) { h.domain_attr->threading = level; });
    const bool serialised = level == FI_THREAD_COMPLETION || level == FI_THREAD_DOMAIN;
    cr_expect_eq(Domain::from(open.domain.get()).locked(), !serialised, "%d", level);
  }
}

Test(domain, an_open_one_can_be_asked_for) {
  cr_assert_null(ask(nullptr).info->domain_attr->domain);
  {
    const OpenDomain open;
    const Answer answer = ask(nullptr);
    cr_assert_eq(answer.info->domain_attr->domain, open.domain.get());
    cr_assert_eq(answer.info->fabric_attr->fabric, open.fabric.get());
    const InfoPointer hints = empty_hints();
    hints->domain_attr->domain = open.domain.get();
    hints->fabric_attr->fabric = open.fabric.get();
    cr_assert_eq(ask(hints.get()).status, 0);
    hints->domain_attr->domain = reinterpret_cast<fid_domain*>(hints.get());
    cr_assert_eq(ask(hints.get()).status, -FI_ENODATA);
  }
  cr_assert_null(ask(nullptr).info->domain_attr->domain);
}

Test(domain, a_device_of_that_name_is_needed) {
  const OpenDomain open;
  std::free(open.info->domain_attr->name);
  open.info->domain_attr->name = ::strdup("nothing");
  fid_domain* other = nullptr;
  cr_assert_eq(fi_domain(open.fabric.get(), open.info.get(), &other, nullptr), -FI_ENODEV);
  cr_assert_eq(fi_domain2(open.fabric.get(), open.info.get(), &other, FI_PEER, nullptr), -FI_EBADFLAGS);
}

Test(domain, the_fabric_is_busy_as_long_as_it_is_open) {
  OpenDomain open;
  cr_assert_eq(open.fabric.close(), -FI_EBUSY);
  cr_assert_eq(open.domain.close(), 0);
  cr_assert_eq(open.fabric.close(), 0);
}

// What we set up later than the application registered its handler is torn down before the handler runs.
Test(domain, a_handler_registered_before_the_first_call_may_close_it) {
  unit::Child child([](unit::Meeting) {
    std::atexit(close_at_exit);
    left_open = new OpenDomain;
    std::exit(2);
    return 3;
  });
  cr_assert_eq(child.join(), 0);
}
