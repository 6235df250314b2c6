// SPDX-License-Identifier: BSD-2-Clause
//
// One-sided MPI between 2 to 8 ranks, checked by content where one rank alone owns a place, and by totals where all
// contend for it: whatever is lost, torn or done twice shows. Rank 0 prints a line a case; a rank that finds a fault
// says so and ends the job.
//
//   one_sided [CASE ...]
#include "one_sided.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rank, ranks, left, right;

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("not ok, rank %d: ", rank);
  vprintf(format, arguments);
  printf("\n");
  fflush(stdout);
  va_end(arguments);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

void expect(int64_t found, int64_t wanted, const char* what) {
  if (found != wanted) fail("%s is %lld instead of %lld", what, (long long)found, (long long)wanted);
}

void* allocate(size_t size) {
  void* memory = calloc(size ? size : 1, 1);
  if (!memory) fail("no memory");
  return memory;
}

MPI_Win open_window(void** memory, size_t size, int unit) {
  MPI_Win window;
  *memory = allocate(size);
  MPI_Win_create(*memory, (MPI_Aint)size, unit, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
  return window;
}

void close_window(MPI_Win* window, void* memory) {
  MPI_Win_free(window);
  free(memory);
}

int64_t total(int64_t own) {
  int64_t sum = 0;
  MPI_Allreduce(&own, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

typedef struct Case {
  const char* name;
  void (*body)(void);
} Case;

static const Case kCases[] = {
    {"puts_between_fences", puts_between_fences},
    {"gets_between_fences", gets_between_fences},
    {"stripes_of_everybody", stripes_of_everybody},
    {"columns", columns},
    {"neighbours_epochs", neighbours_epochs},
    {"exclusive_locks", exclusive_locks},
    {"flush_before_word", flush_before_word},
    {"requests", requests},
    {"accumulated_sums", accumulated_sums},
    {"accumulated_vectors", accumulated_vectors},
    {"tickets", tickets},
    {"compare_and_swap", compare_and_swap},
    {"swapped_tokens", swapped_tokens},
    {"many_windows", many_windows},
    {"windows_of_different_sizes", windows_of_different_sizes},
    {"attached_memory", attached_memory},
};

static int is_wanted(const char* name, int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (strcmp(argv[i], name) == 0) return 1;
  return argc < 2;
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  left = (rank + ranks - 1) % ranks;
  right = (rank + 1) % ranks;
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    if (!is_wanted(kCases[i].name, argc, argv)) continue;
    kCases[i].body();
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank != 0) continue;
    printf("ok %s\n", kCases[i].name);
    fflush(stdout);
  }
  MPI_Finalize();
  return 0;
}
