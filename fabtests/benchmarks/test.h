// SPDX-License-Identifier: BSD-2-Clause
//
// A benchmark test: the same function runs in two fresh processes, the leader, which measures and reports,
// and its peer. It fails by throwing. all_tests() is the one list of them.
#pragma once

#include <span>

#include "options.h"
#include "process_pair.h"
#include "report.h"

namespace anchor::bench {

struct Scene {
  const Options& options;
  Role role;
  Link& link;  // to the other of the two
  Report report;

  bool is_leader() const { return role == Role::kLeader; }
};

struct Test {
  const char* name;
  void (*body)(Scene& scene);
};

std::span<const Test> all_tests();

void measure_tagged_latency(Scene& scene);
void measure_untagged_latency(Scene& scene);
void measure_message_rate(Scene& scene);
void measure_bandwidth(Scene& scene);
void measure_posted_matching(Scene& scene);
void measure_unexpected_matching(Scene& scene);
void measure_idle_peers(Scene& scene);
void measure_memory(Scene& scene);

// By waiting that sleeps: at once (blocking, descriptor), or after a moment of polling (adaptive, delayed).
void measure_blocking_latency(Scene& scene);
void measure_descriptor_latency(Scene& scene);
void measure_adaptive_latency(Scene& scene);
void measure_delayed_answers(Scene& scene);

// One-sided, on the peer's plain memory and on memory that can be mapped.
void measure_write_latency(Scene& scene);
void measure_mapped_write_latency(Scene& scene);
void measure_read_latency(Scene& scene);
void measure_mapped_read_latency(Scene& scene);
void measure_swap_latency(Scene& scene);
void measure_mapped_swap_latency(Scene& scene);
void measure_write_rate(Scene& scene);
void measure_mapped_write_rate(Scene& scene);
void measure_fetch_add_rate(Scene& scene);
void measure_mapped_fetch_add_rate(Scene& scene);
void measure_write_bandwidth(Scene& scene);
void measure_mapped_write_bandwidth(Scene& scene);
void measure_read_bandwidth(Scene& scene);
void measure_mapped_read_bandwidth(Scene& scene);

void measure_line_exchange(Scene& scene);
void measure_bare_messages(Scene& scene);
void measure_memory_copy(Scene& scene);
void measure_cross_attach(Scene& scene);
void measure_cross_attach_write(Scene& scene);
void measure_shared_copy(Scene& scene);
void measure_buffer_exchange(Scene& scene);
void measure_pipe_wake(Scene& scene);
void measure_event_wake(Scene& scene);
void measure_futex_wake(Scene& scene);

}  // namespace anchor::bench
