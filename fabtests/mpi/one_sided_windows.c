// SPDX-License-Identifier: BSD-2-Clause
//
// Windows and memory that come and go: keys and registrations with them.
#include <stdlib.h>
#include <string.h>

#include "one_sided.h"

// Many windows at once, opened and closed in different orders.
void many_windows(void) {
  enum { kWindows = 24 };
  MPI_Win windows[kWindows];
  void* memories[kWindows];
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (int i = 0; i < kWindows; ++i) windows[i] = open_window(&memories[i], sizeof(int64_t) * (i + 1), 8);
    for (int i = 0; i < kWindows; ++i) {
      const int64_t word = rank * 100 + i;
      MPI_Win_fence(0, windows[i]);
      MPI_Put(&word, 1, MPI_INT64_T, right, i, 1, MPI_INT64_T, windows[i]);
      MPI_Win_fence(0, windows[i]);
      expect(((int64_t*)memories[i])[i], left * 100 + i, "a window's word");
    }
    for (int i = 0; i < kWindows; ++i) {
      const int next = repeat % 2 ? kWindows - 1 - i : (i * 5) % kWindows;
      close_window(&windows[next], memories[next]);
    }
  }
}

// Each rank's window has another size, and one has none.
void windows_of_different_sizes(void) {
  enum { kStep = 3000 };
  void* memory;
  MPI_Win window = open_window(&memory, (size_t)rank * kStep, 1);
  unsigned char* bytes = allocate((size_t)ranks * kStep);
  memset(bytes, rank + 1, (size_t)ranks * kStep);
  MPI_Win_fence(0, window);
  MPI_Put(bytes, right * kStep, MPI_BYTE, right, 0, right * kStep, MPI_BYTE, window);
  MPI_Win_fence(0, window);
  for (int i = 0; i < rank * kStep; ++i) expect(((unsigned char*)memory)[i], left + 1, "a byte");
  close_window(&window, memory);
  free(bytes);
}

// Memory that joins a window later, and leaves it, at addresses that the ranks tell each other.
void attached_memory(void) {
  MPI_Win window;
  MPI_Win_create_dynamic(MPI_INFO_NULL, MPI_COMM_WORLD, &window);
  for (int round = 0; round < 5; ++round) {
    const int length = 1000 << round;
    int64_t* memory = allocate((size_t)length * sizeof(int64_t));
    int64_t* words = allocate((size_t)length * sizeof(int64_t));
    for (int i = 0; i < length; ++i) words[i] = rank * 1000000 + round * 100000 + i;
    MPI_Win_attach(window, memory, (MPI_Aint)length * 8);
    MPI_Aint own, remote;
    MPI_Get_address(memory, &own);
    MPI_Sendrecv(&own, 1, MPI_AINT, left, 2, &remote, 1, MPI_AINT, right, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, right, 0, window);
    MPI_Put(words, length, MPI_INT64_T, right, remote, length, MPI_INT64_T, window);
    MPI_Win_unlock(right, window);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < length; ++i) expect(memory[i], left * 1000000 + round * 100000 + i, "a word");
    MPI_Win_detach(window, memory);
    free(memory);
    free(words);
  }
  MPI_Win_free(&window);
}
