// SPDX-License-Identifier: BSD-2-Clause
//
// What an MPI program sees of a transport: ping-pong latency and bandwidth, and streamed bandwidth, between
// two ranks. Rank 0 prints JSON lines as the other benchmarks do.
//
//   mpi_ping_pong MILLISECONDS SIZE...
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "report.h"
#include "stopwatch.h"

namespace {

using anchor::bench::Percentiles;
using anchor::bench::Stopwatch;

constexpr int kTag = 1;
constexpr int kWindow = 64;
constexpr int kFewest = 10;
constexpr int kMost = 20000;
// Round trips between two time stamps: reading the counter costs a tenth of the quickest of them.
constexpr int kQuickLap = 8;
constexpr int kQuickBytes = 4096;

struct Buffers {
  explicit Buffers(std::size_t size) : outgoing(size, 'a'), incoming(size, 'b') {}
  int size() const { return static_cast<int>(outgoing.size()); }
  std::vector<char> outgoing;
  std::vector<char> incoming;
};

bool is_leader() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank == 0;
}

void exchange(Buffers& buffers) {
  const bool leads = is_leader();
  const int peer = leads ? 1 : 0;
  if (leads) MPI_Send(buffers.outgoing.data(), buffers.size(), MPI_CHAR, peer, kTag, MPI_COMM_WORLD);
  MPI_Recv(buffers.incoming.data(), buffers.size(), MPI_CHAR, peer, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (!leads) MPI_Send(buffers.outgoing.data(), buffers.size(), MPI_CHAR, peer, kTag, MPI_COMM_WORLD);
}

// A window one way, and a word back once it has arrived.
void stream(Buffers& buffers) {
  const bool leads = is_leader();
  MPI_Request requests[kWindow];
  for (MPI_Request& request : requests) {
    if (leads)
      MPI_Isend(buffers.outgoing.data(), buffers.size(), MPI_CHAR, 1, kTag, MPI_COMM_WORLD, &request);
    else
      MPI_Irecv(buffers.incoming.data(), buffers.size(), MPI_CHAR, 0, kTag, MPI_COMM_WORLD, &request);
  }
  MPI_Waitall(kWindow, requests, MPI_STATUSES_IGNORE);
  char word = 0;
  if (leads)
    MPI_Recv(&word, 1, MPI_CHAR, 1, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  else
    MPI_Send(&word, 1, MPI_CHAR, 0, kTag, MPI_COMM_WORLD);
}

using Step = void (*)(Buffers&);

// Nanoseconds of a lap of `lap` steps.
Percentiles repeat(Step step, Buffers& buffers, int laps, int lap) {
  Stopwatch stopwatch(static_cast<std::size_t>(laps));
  MPI_Barrier(MPI_COMM_WORLD);
  stopwatch.start();
  for (int i = 0; i < laps; ++i) {
    for (int k = 0; k < lap; ++k) step(buffers);
    stopwatch.mark();
  }
  return stopwatch.nanoseconds();
}

// The same, after a trial that says how many laps fit into the time.
Percentiles measure(Step step, Buffers& buffers, int lap, double milliseconds) {
  const double trial = repeat(step, buffers, kFewest, lap).p50;
  int laps = std::clamp(static_cast<int>(milliseconds * 1e6 / (trial + 1)), kFewest, kMost);
  MPI_Bcast(&laps, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return repeat(step, buffers, laps, lap);
}

void measure_size(std::size_t size, double milliseconds) {
  const anchor::bench::Report report("mpi");
  Buffers buffers(size);
  const double bytes = static_cast<double>(size);
  const int lap = buffers.size() < kQuickBytes ? kQuickLap : 1;
  Percentiles half = measure(exchange, buffers, lap, milliseconds);
  const Percentiles window = measure(stream, buffers, 1, milliseconds);
  if (!is_leader()) return;
  for (double* value : {&half.p50, &half.p90, &half.p99, &half.mean}) *value /= 2 * lap;
  report.percentiles("half_round_trip_ns", size, half);
  report.percentiles("ping_pong_bytes_per_s", size, per_second(half, bytes));
  report.percentiles("stream_bytes_per_s", size, per_second(window, bytes * kWindow));
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const double milliseconds = argc > 1 ? std::strtod(argv[1], nullptr) : 20;
  for (int i = 2; i < argc; ++i) measure_size(std::strtoul(argv[i], nullptr, 10), milliseconds);
  MPI_Finalize();
  return 0;
}
