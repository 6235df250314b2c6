// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <rdma/fabric.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "abi/parameters.h"
#include "core/endpoint_settings.h"
#include "os/log.h"

using namespace anchor;

namespace {

void set(const char* name, const char* value) { ::setenv(name, value, 1); }

std::string logged;
constexpr LogSink kRecorder{
    .enabled = [](LogLevel, LogArea) noexcept { return true; },
    .write = [](LogLevel, LogArea, const char*, int, const char* message) noexcept { logged.append(message) += '\n'; }};

// The library empties its list of parameters when it is first called; as a plugin we come after that.
void announce() {
  fi_param* list = nullptr;
  int count = 0;
  if (fi_getparams(&list, &count) == 0) fi_freeparams(list);
  define_parameters();
}

}  // namespace

TestSuite(parameters, .init = announce);

Test(parameters, defaults_are_the_settings_own) {
  const Parameters values = read_parameters();
  const EndpointSettings settings;
  cr_assert_eq(values.tx_size, settings.transmit_size);
  cr_assert_eq(values.rx_size, settings.receive_size);
  cr_assert_eq(values.connect_timeout, static_cast<std::size_t>(settings.connect_timeout.count()));
  cr_assert_eq(values.cma, settings.direct_copy);
  cr_assert_eq(values.mapping, settings.mapping);
  cr_assert(values.devices.empty());
}

Test(parameters, environment) {
  set("FI_ANCHOR_TX_SIZE", "77");
  set("FI_ANCHOR_CMA", "no");
  set("FI_ANCHOR_DEVICES", "shm,other");
  const Parameters values = read_parameters();
  cr_assert_eq(values.tx_size, 77u);
  cr_assert_not(values.cma);
  cr_assert(values.devices == "shm,other");
}

Test(parameters, what_is_out_of_range_leaves_the_default) {
  const Parameters defaults = read_parameters();
  for (const char* value : {"0", "-1", "99999999999", "77s", "many", ""}) {
    set("FI_ANCHOR_TX_SIZE", value);
    cr_expect_eq(read_parameters().tx_size, defaults.tx_size, "%s", value);
  }
}

// By the name and the value that the user gave.
Test(parameters, a_warning_names_the_variable_and_its_value) {
  set("FI_ANCHOR_SPIN", "-1");
  set("FI_ANCHOR_CMA", "maybe");
  set_log_sink(&kRecorder);
  read_parameters();
  cr_assert_neq(logged.find("FI_ANCHOR_SPIN must be a number between 0 and 1000000, not '-1'; 20 is used"),
                std::string::npos);
  cr_assert_neq(logged.find("FI_ANCHOR_CMA must be yes or no, not 'maybe'; yes is used"), std::string::npos);
}

Test(parameters, a_name_that_none_has_is_warned_of) {
  set("FI_ANCHOR_SPINN", "1");
  set("FI_ANCHOR_SPIN", "1");
  set_log_sink(&kRecorder);
  read_parameters();
  cr_assert_eq(logged, "FI_ANCHOR_SPINN is no parameter; fi_info -g anchor lists those there are\n");
}

Test(parameters, the_library_lists_them) {
  fi_param* list = nullptr;
  int count = 0;
  cr_assert_eq(fi_getparams(&list, &count), 0);
  bool found = false;
  for (int i = 0; i < count; ++i)
    found = found || (std::strcmp(list[i].name, "FI_ANCHOR_CONNECT_TIMEOUT") == 0 &&
                      std::string(list[i].help_string).find("30000") != std::string::npos);
  fi_freeparams(list);
  cr_assert(found);
}
