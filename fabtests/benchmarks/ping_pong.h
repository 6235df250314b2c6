// SPDX-License-Identifier: BSD-2-Clause
//
// Ping-pong over a connection: half round trips with percentiles, after one checked exchange of real content.
// Both processes call the same functions in the same order.
#pragma once

#include "connection.h"

namespace anchor::bench {

// As an MPI rank does it: send, then receive. kReceiveFirst puts the posting of the receive, and so the search
// of whatever waits unmatched, on the measured path in both processes.
enum class Posting { kSendFirst, kReceiveFirst };

// Nanoseconds of half a round trip. Meaningful in the leader only.
template <Traffic kTraffic>
Percentiles measure_ping_pong(Scene& scene, Connection& connection, std::size_t size, Posting posting);

}  // namespace anchor::bench
