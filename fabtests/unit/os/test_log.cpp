// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "log_capture.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

int evaluated = 0;
int evaluate() { return ++evaluated; }

}  // namespace

Test(log, without_a_sink_nothing_is_formatted) {
  cr_assert_not(log_enabled(LogLevel::kWarn, LogArea::kCore));
  ANCHOR_WARN(kCore, "%d", evaluate());
  cr_assert_eq(evaluated, 0);
  log_write(LogLevel::kWarn, LogArea::kCore, "function", 1, "%s", "not lost on a null sink");
}

Test(log, forwards_what_the_sink_wants) {
  const LogCapture capture;
  ANCHOR_WARN(kEndpoint, "%d bytes in %s", 7, "there");
  ANCHOR_DEBUG(kEndpoint, "%d", evaluate());
  cr_assert_eq(capture.lines().size(), 1);
  cr_assert(capture.lines()[0].level == LogLevel::kWarn);
  cr_assert(capture.lines()[0].area == LogArea::kEndpoint);
  cr_assert_str_eq(capture.lines()[0].text.c_str(), "7 bytes in there");
  cr_assert_eq(evaluated, 0, "a level that is not wanted costs no formatting");
}

Test(log, cuts_what_is_too_long) {
  const LogCapture capture;
  const std::string text(100'000, 'x');
  ANCHOR_WARN(kCore, "begin %s", text.c_str());
  cr_assert_eq(capture.lines()[0].text.compare(0, 8, "begin xx"), 0);
  cr_assert_lt(capture.lines()[0].text.size(), 2000);
}

Test(log, a_sink_can_be_taken_away) {
  { const LogCapture capture; }
  cr_assert_not(log_enabled(LogLevel::kWarn, LogArea::kCore));
}
