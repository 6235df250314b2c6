// SPDX-License-Identifier: BSD-2-Clause
// Forwards the library's log to fi_log(3), so that FI_LOG_LEVEL, FI_LOG_PROV and FI_LOG_SUBSYS apply to it.
#pragma once

namespace anchor {

void install_log_sink() noexcept;

}  // namespace anchor
