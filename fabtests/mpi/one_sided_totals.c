// SPDX-License-Identifier: BSD-2-Clause
//
// Places that all ranks change at once: what is there at the end is known as a total.
#include <stdlib.h>

#include "one_sided.h"

// Repeatable, and different for every rank.
static uint32_t dice(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

// What an exclusive lock protects may be read and written in two steps.
void exclusive_locks(void) {
  void* memory;
  MPI_Win window = open_window(&memory, 2 * sizeof(int64_t), sizeof(int64_t));
  for (int round = 0; round < kRounds; ++round) {
    const int target = (rank + round) % ranks;
    int64_t pair[2];
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, target, 0, window);
    MPI_Get(pair, 2, MPI_INT64_T, target, 0, 2, MPI_INT64_T, window);
    MPI_Win_flush(target, window);
    expect(pair[1], -pair[0], "the second of a pair");
    ++pair[0];
    --pair[1];
    MPI_Put(pair, 2, MPI_INT64_T, target, 0, 2, MPI_INT64_T, window);
    MPI_Win_unlock(target, window);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  int64_t own;
  MPI_Win_lock(MPI_LOCK_SHARED, rank, 0, window);
  MPI_Get(&own, 1, MPI_INT64_T, rank, 0, 1, MPI_INT64_T, window);
  MPI_Win_unlock(rank, window);
  expect(total(own), (int64_t)ranks * kRounds, "the sum of all counts");
  close_window(&window, memory);
}

// Everybody adds to everybody's words, in an order of its own; of several types at once.
void accumulated_sums(void) {
  struct Sums {
    int64_t longs[kWords];
    int32_t integers[kWords];
    double doubles[kWords];
  };
  void* memory;
  MPI_Win window = open_window(&memory, sizeof(struct Sums), 1);
  uint32_t state = (uint32_t)rank + 1;
  int64_t given = 0;
  MPI_Win_lock_all(0, window);
  for (int round = 0; round < kRounds; ++round) {
    const int target = (int)(dice(&state) % (uint32_t)ranks);
    const int word = (int)(dice(&state) % kWords);
    const int64_t amount = (int64_t)(dice(&state) % 100);
    const int32_t integer = (int32_t)amount;
    const double number = (double)amount;
    MPI_Accumulate(&amount, 1, MPI_INT64_T, target, (MPI_Aint)(word * sizeof(amount)), 1, MPI_INT64_T, MPI_SUM, window);
    MPI_Accumulate(&integer, 1, MPI_INT32_T, target,
                   (MPI_Aint)(offsetof(struct Sums, integers) + word * sizeof(integer)), 1, MPI_INT32_T, MPI_SUM,
                   window);
    MPI_Accumulate(&number, 1, MPI_DOUBLE, target, (MPI_Aint)(offsetof(struct Sums, doubles) + word * sizeof(number)),
                   1, MPI_DOUBLE, MPI_SUM, window);
    MPI_Win_flush(target, window);
    given += amount;
  }
  MPI_Win_unlock_all(window);
  MPI_Barrier(MPI_COMM_WORLD);
  int64_t longs = 0, integers = 0, doubles = 0;
  MPI_Win_lock(MPI_LOCK_EXCLUSIVE, rank, 0, window);
  for (int i = 0; i < kWords; ++i) {
    longs += ((struct Sums*)memory)->longs[i];
    integers += ((struct Sums*)memory)->integers[i];
    doubles += (int64_t)((struct Sums*)memory)->doubles[i];
  }
  MPI_Win_unlock(rank, window);
  given = total(given);
  expect(total(longs), given, "the sum of 64-bit integers");
  expect(total(integers), given, "the sum of 32-bit integers");
  expect(total(doubles), given, "the sum of doubles");
  close_window(&window, memory);
}

// Vectors, with operations that need no order: sum, maximum, exclusive or.
void accumulated_vectors(void) {
  enum { kLength = 3000 };
  const MPI_Op operations[] = {MPI_SUM, MPI_MAX, MPI_BXOR};
  for (int k = 0; k < 3; ++k) {
    void* memory;
    MPI_Win window = open_window(&memory, kLength * sizeof(int64_t), sizeof(int64_t));
    int64_t* vector = allocate(kLength * sizeof(int64_t));
    for (int i = 0; i < kLength; ++i) vector[i] = (int64_t)(rank + 1) * (i + 1);
    MPI_Win_fence(0, window);
    for (int target = 0; target < ranks; ++target)
      MPI_Accumulate(vector, kLength, MPI_INT64_T, target, 0, kLength, MPI_INT64_T, operations[k], window);
    MPI_Win_fence(0, window);
    for (int i = 0; i < kLength; ++i) {
      int64_t wanted = 0;
      for (int64_t factor = 1; factor <= ranks; ++factor) {
        const int64_t number = factor * (i + 1);
        wanted = k == 0 ? wanted + number : k == 1 ? (number > wanted ? number : wanted) : wanted ^ number;
      }
      expect(((int64_t*)memory)[i], wanted, "a vector's element");
    }
    close_window(&window, memory);
    free(vector);
  }
}

// Tickets: no number is drawn twice, and none is left out.
void tickets(void) {
  void* memory;
  MPI_Win window = open_window(&memory, sizeof(int64_t), sizeof(int64_t));
  const int64_t one = 1;
  int64_t* drawn = allocate(kRounds * sizeof(int64_t));
  MPI_Win_lock_all(0, window);
  for (int round = 0; round < kRounds; ++round) {
    MPI_Fetch_and_op(&one, &drawn[round], MPI_INT64_T, 0, 0, MPI_SUM, window);
    MPI_Win_flush(0, window);
    if (round > 0 && drawn[round] <= drawn[round - 1]) fail("ticket %d is no greater than the one before", round);
  }
  MPI_Win_unlock_all(window);
  int64_t* all = allocate((size_t)ranks * kRounds * sizeof(int64_t));
  MPI_Gather(drawn, kRounds, MPI_INT64_T, all, kRounds, MPI_INT64_T, 0, MPI_COMM_WORLD);
  if (rank == 0) {
    char* seen = allocate((size_t)ranks * kRounds);
    for (int i = 0; i < ranks * kRounds; ++i) {
      if (all[i] < 0 || all[i] >= ranks * kRounds || seen[all[i]]) fail("ticket %lld came twice", (long long)all[i]);
      seen[all[i]] = 1;
    }
    free(seen);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  close_window(&window, memory);
  free(all);
  free(drawn);
}

// Counting without a lock: swap if nobody was faster. 64 and 32 bits, at the others' counters in turn: Open MPI 4.1.4
// crashes in a compare-and-swap of a rank with itself over osc rdma, whatever carries it.
static void count_by_swaps(MPI_Datatype type, int size) {
  void* memory;
  MPI_Win window = open_window(&memory, 8, 1);
  const int steps = kRounds / 4;
  MPI_Win_lock_all(0, window);
  for (int step = 0; step < steps; ++step) {
    const int target = (rank + 1 + step % (ranks - 1)) % ranks;
    int64_t found = 0, expected, next;
    do {
      expected = found;
      next = expected + 1;  // low bytes first on every machine that this is for
      found = 0;
      MPI_Compare_and_swap(&next, &expected, &found, type, target, 0, window);
      MPI_Win_flush(target, window);
    } while (found != expected);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  int64_t own = 0, nothing = 0;
  MPI_Fetch_and_op(&nothing, &own, type, rank, 0, MPI_NO_OP, window);
  MPI_Win_unlock_all(window);
  expect(total(own), (int64_t)ranks * steps, size == 8 ? "the count of 64 bits" : "the count of 32 bits");
  close_window(&window, memory);
}

void compare_and_swap(void) {
  count_by_swaps(MPI_INT64_T, 8);
  count_by_swaps(MPI_INT32_T, 4);
}

// Tokens are swapped for others: none is lost, none is there twice.
void swapped_tokens(void) {
  void* memory;
  MPI_Win window = open_window(&memory, kWords * sizeof(int64_t), sizeof(int64_t));
  for (int i = 0; i < kWords; ++i) ((int64_t*)memory)[i] = rank * 1000 + i;
  int64_t held = 100000 + rank;
  const int64_t before = total(held) + total((int64_t)rank * 1000 * kWords + kWords * (kWords - 1) / 2);
  uint32_t state = (uint32_t)rank + 77;
  MPI_Win_lock_all(0, window);
  for (int round = 0; round < kRounds; ++round) {
    const int target = (int)(dice(&state) % (uint32_t)ranks);
    const MPI_Aint word = (MPI_Aint)(dice(&state) % kWords);
    int64_t taken = -1;
    if (round % 2)
      MPI_Fetch_and_op(&held, &taken, MPI_INT64_T, target, word, MPI_REPLACE, window);
    else
      MPI_Get_accumulate(&held, 1, MPI_INT64_T, &taken, 1, MPI_INT64_T, target, word, 1, MPI_INT64_T, MPI_REPLACE,
                         window);
    MPI_Win_flush(target, window);
    held = taken;
  }
  MPI_Barrier(MPI_COMM_WORLD);
  int64_t words[kWords], own = held;
  MPI_Get_accumulate(NULL, 0, MPI_INT64_T, words, kWords, MPI_INT64_T, rank, 0, kWords, MPI_INT64_T, MPI_NO_OP, window);
  MPI_Win_flush(rank, window);
  MPI_Win_unlock_all(window);
  for (int i = 0; i < kWords; ++i) own += words[i];
  expect(total(own), before, "the sum of all tokens");
  close_window(&window, memory);
}
