// SPDX-License-Identifier: BSD-2-Clause
// What must happen now and then rather than in every pass: answering first contacts, retrying to find peers, checking
// that peers live, and looking at FIFOs that nobody polls.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// A clock is read and upkeep() runs once in so many passes. (Reading it costs 25 ns, a pass about 20.)
inline constexpr std::uint32_t kPassesPerUpkeep = 64;
// Where more time lies between passes than this, there is upkeep in each, and no peer waits for sixty of them.
inline constexpr std::chrono::microseconds kSeldom{100};
// Liveness checks (four system calls each) in one go: a pass stays short; but not where it comes seldom.
inline constexpr std::size_t kChecksPerUpkeep = 8;
inline constexpr std::size_t kChecksWhereSeldom = 64;

// After the address vector changed: peers that were kept for the sake of their address alone.
void forget_strangers(Exchange& exchange);
// Answers whoever rang; who cannot be answered yet is looked at again in upkeep().
void answer_contacts(Exchange& exchange);
// Looks whether the peer lives still; if not, its loss begins. Four system calls.
void check_life(Exchange& exchange, Peer& peer);
// What is due, and says when the next time is (Exchange::until_upkeep). Looks at the lives of no more than
// kChecksPerUpkeep peers, or kChecksWhereSeldom.
void upkeep(Exchange& exchange);

}  // namespace anchor
