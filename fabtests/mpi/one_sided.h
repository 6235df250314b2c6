// SPDX-License-Identifier: BSD-2-Clause
//
// What the cases of one_sided share: who we are among the ranks, checks that end the job, windows over memory of our
// own, and the list of the cases themselves. Every function is called by all ranks.
#pragma once

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

enum { kRounds = 200, kWords = 64 };

extern int rank, ranks, left, right;

__attribute__((format(printf, 1, 2))) void fail(const char* format, ...);
void expect(int64_t found, int64_t wanted, const char* what);

void* allocate(size_t size);
// Memory that is all zeros, and a window over it. Its own pages: a window that MPI allocates would be reached past the
// transport on one host.
MPI_Win open_window(void** memory, size_t size, int unit);
void close_window(MPI_Win* window, void* memory);

// The sum of everybody's number, in everybody.
int64_t total(int64_t own);

// Content that one rank alone owns: one_sided_blocks.c
void puts_between_fences(void);
void gets_between_fences(void);
void stripes_of_everybody(void);
void columns(void);
void neighbours_epochs(void);
void flush_before_word(void);
void requests(void);

// Places that all contend for: one_sided_totals.c
void exclusive_locks(void);
void accumulated_sums(void);
void accumulated_vectors(void);
void tickets(void);
void compare_and_swap(void);
void swapped_tokens(void);

// Windows that come and go: one_sided_windows.c
void many_windows(void);
void windows_of_different_sizes(void);
void attached_memory(void);
