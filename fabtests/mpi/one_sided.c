// SPDX-License-Identifier: BSD-2-Clause
//
// One-sided MPI between 2 to 8 ranks, checked by content where one rank alone owns a place, and by totals where all
// contend for it: whatever is lost, torn or done twice shows. Rank 0 prints a line a case; a rank that finds a fault
// says so and ends the job.
//
//   one_sided [CASE ...]
#include <mpi.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kLargestBlock = (9 << 20) + 1, kRounds = 200, kWords = 64 };

static const int kBlocks[] = {0, 1, 7, 8, 64, 192, 1000, 4096, 8191, 65536, 262147, 1 << 20, kLargestBlock};
enum { kBlockCount = sizeof(kBlocks) / sizeof(kBlocks[0]) };

static int rank, ranks, left, right;

__attribute__((format(printf, 1, 2))) static void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("not ok, rank %d: ", rank);
  vprintf(format, arguments);
  printf("\n");
  fflush(stdout);
  va_end(arguments);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static void expect(int64_t found, int64_t wanted, const char* what) {
  if (found != wanted) fail("%s is %lld instead of %lld", what, (long long)found, (long long)wanted);
}

static void* allocate(size_t size) {
  void* memory = calloc(size ? size : 1, 1);
  if (!memory) fail("no memory");
  return memory;
}

// Memory that is all zeros, and a window over it. Its own pages: a window that MPI allocates would be reached past the
// transport on one host.
static MPI_Win open_window(void** memory, size_t size, int unit) {
  MPI_Win window;
  *memory = allocate(size);
  MPI_Win_create(*memory, (MPI_Aint)size, unit, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
  return window;
}

static void close_window(MPI_Win* window, void* memory) {
  MPI_Win_free(window);
  free(memory);
}

// The sum of everybody's number, in everybody.
static int64_t total(int64_t own) {
  int64_t sum = 0;
  MPI_Allreduce(&own, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

// Repeatable, and different for every rank.
static uint32_t dice(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static unsigned char byte_at(int owner, int block, int place) {
  return (unsigned char)((owner * 31 + block * 17 + place) % 251);
}

static void fill(unsigned char* memory, int owner, int block) {
  for (int i = 0; i < kBlocks[block]; ++i) memory[i] = byte_at(owner, block, i);
}

static void check_block(const unsigned char* memory, int owner, int block) {
  for (int i = 0; i < kBlocks[block]; ++i)
    if (memory[i] != byte_at(owner, block, i)) fail("byte %d of %d bytes of rank %d", i, kBlocks[block], owner);
}

// Blocks, by fences: into the right neighbour's memory, and out of the left one's.

static void puts_between_fences(void) {
  void* memory;
  MPI_Win window = open_window(&memory, kLargestBlock, 1);
  unsigned char* source = allocate(kLargestBlock);
  MPI_Win_fence(0, window);
  for (int block = 0; block < kBlockCount; ++block) {
    fill(source, rank, block);
    MPI_Put(source, kBlocks[block], MPI_BYTE, right, 0, kBlocks[block], MPI_BYTE, window);
    MPI_Win_fence(0, window);
    check_block(memory, left, block);
    MPI_Win_fence(0, window);
  }
  close_window(&window, memory);
  free(source);
}

static void gets_between_fences(void) {
  void* memory;
  MPI_Win window = open_window(&memory, kLargestBlock, 1);
  unsigned char* found = allocate(kLargestBlock);
  for (int block = 0; block < kBlockCount; ++block) {
    fill(memory, rank, block);
    MPI_Win_fence(0, window);
    MPI_Get(found, kBlocks[block], MPI_BYTE, left, 0, kBlocks[block], MPI_BYTE, window);
    MPI_Win_fence(0, window);
    check_block(found, left, block);
  }
  close_window(&window, memory);
  free(found);
}

// Everybody writes a stripe of everybody's memory at once.
static void stripes_of_everybody(void) {
  enum { kStripe = 5000 };
  void* memory;
  MPI_Win window = open_window(&memory, (size_t)ranks * kStripe * sizeof(int), sizeof(int));
  int* stripes = allocate((size_t)ranks * kStripe * sizeof(int));
  for (int i = 0; i < ranks * kStripe; ++i) stripes[i] = rank * 1000003 + i;
  MPI_Win_fence(MPI_MODE_NOPRECEDE, window);
  for (int target = 0; target < ranks; ++target)
    MPI_Put(stripes + target * kStripe, kStripe, MPI_INT, target, (MPI_Aint)rank * kStripe, kStripe, MPI_INT, window);
  MPI_Win_fence(MPI_MODE_NOSUCCEED, window);
  for (int origin = 0; origin < ranks; ++origin)
    for (int i = 0; i < kStripe; ++i)
      expect(((int*)memory)[origin * kStripe + i], origin * 1000003 + rank * kStripe + i, "a stripe's number");
  close_window(&window, memory);
  free(stripes);
}

// A column of a matrix into a column of the neighbour's, both with gaps.
static void columns(void) {
  enum { kRows = 300, kColumns = 7 };
  void* memory;
  MPI_Win window = open_window(&memory, kRows * kColumns * sizeof(double), sizeof(double));
  double matrix[kRows * kColumns];
  for (int i = 0; i < kRows * kColumns; ++i) matrix[i] = rank * 10000 + i;
  MPI_Datatype column;
  MPI_Type_vector(kRows, 1, kColumns, MPI_DOUBLE, &column);
  MPI_Type_commit(&column);
  MPI_Win_fence(0, window);
  MPI_Put(matrix, 1, column, right, 3, 1, column, window);
  MPI_Win_fence(0, window);
  for (int i = 0; i < kRows * kColumns; ++i)
    expect((int64_t)((double*)memory)[i], i % kColumns == 3 ? left * 10000 + i - 3 : 0, "a matrix element");
  MPI_Type_free(&column);
  close_window(&window, memory);
}

// Post, start, complete, wait: each rank is the right one's origin and the left one's target.
static void neighbours_epochs(void) {
  void* memory;
  MPI_Win window = open_window(&memory, kWords * sizeof(int64_t), sizeof(int64_t));
  MPI_Group world, origins, targets;
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_incl(world, 1, &left, &origins);
  MPI_Group_incl(world, 1, &right, &targets);
  int64_t words[kWords];
  for (int64_t round = 1; round <= kRounds; ++round) {
    for (int i = 0; i < kWords; ++i) words[i] = rank * 1000000 + round * 1000 + i;
    MPI_Win_post(origins, 0, window);
    MPI_Win_start(targets, 0, window);
    MPI_Put(words, kWords, MPI_INT64_T, right, 0, kWords, MPI_INT64_T, window);
    MPI_Win_complete(window);
    MPI_Win_wait(window);
    for (int i = 0; i < kWords; ++i) expect(((int64_t*)memory)[i], left * 1000000 + round * 1000 + i, "a word");
  }
  MPI_Group_free(&origins);
  MPI_Group_free(&targets);
  MPI_Group_free(&world);
  close_window(&window, memory);
}

// What an exclusive lock protects may be read and written in two steps.
static void exclusive_locks(void) {
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

// A flush makes a write visible, so that a word sent afterwards finds it there.
static void flush_before_word(void) {
  void* memory;
  MPI_Win window = open_window(&memory, 4096, 1);
  unsigned char block[4096];
  MPI_Win_lock_all(MPI_MODE_NOCHECK, window);
  for (int round = 0; round < kRounds; ++round) {
    int word = round, come = -1;
    memset(block, (rank + round) % 251, sizeof(block));
    MPI_Put(block, sizeof(block), MPI_BYTE, right, 0, sizeof(block), MPI_BYTE, window);
    MPI_Win_flush(right, window);
    MPI_Sendrecv(&word, 1, MPI_INT, right, 1, &come, 1, MPI_INT, left, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Win_sync(window);
    expect(come, round, "the word");
    for (int i = 0; i < 4096; ++i)
      expect(((unsigned char*)memory)[i], (left + round) % 251, "a byte written before the word");
    MPI_Barrier(MPI_COMM_WORLD);
  }
  MPI_Win_unlock_all(window);
  close_window(&window, memory);
}

// Operations with requests of their own.
static void requests(void) {
  enum { kBlock = 10000, kAtOnce = 16 };
  void* memory;
  MPI_Win window = open_window(&memory, (size_t)kAtOnce * kBlock, 1);
  unsigned char* blocks = allocate((size_t)kAtOnce * kBlock);
  unsigned char* found = allocate((size_t)kAtOnce * kBlock);
  for (int i = 0; i < kAtOnce * kBlock; ++i) blocks[i] = (unsigned char)((rank * 7 + i) % 253);
  MPI_Request all[kAtOnce];
  MPI_Win_lock_all(0, window);
  for (int i = 0; i < kAtOnce; ++i)
    MPI_Rput(blocks + i * kBlock, kBlock, MPI_BYTE, right, (MPI_Aint)i * kBlock, kBlock, MPI_BYTE, window, &all[i]);
  MPI_Waitall(kAtOnce, all, MPI_STATUSES_IGNORE);
  MPI_Win_flush_all(window);
  for (int i = 0; i < kAtOnce; ++i)
    MPI_Rget(found + i * kBlock, kBlock, MPI_BYTE, right, (MPI_Aint)i * kBlock, kBlock, MPI_BYTE, window, &all[i]);
  MPI_Waitall(kAtOnce, all, MPI_STATUSES_IGNORE);
  MPI_Win_unlock_all(window);
  if (memcmp(found, blocks, (size_t)kAtOnce * kBlock) != 0) fail("what was read back differs");
  MPI_Barrier(MPI_COMM_WORLD);
  for (int i = 0; i < kAtOnce * kBlock; ++i)
    expect(((unsigned char*)memory)[i], (left * 7 + i) % 253, "a byte of the left neighbour");
  close_window(&window, memory);
  free(blocks);
  free(found);
}

// Everybody adds to everybody's words, in an order of its own; of several types at once.
static void accumulated_sums(void) {
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
static void accumulated_vectors(void) {
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
static void tickets(void) {
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

static void compare_and_swap(void) {
  count_by_swaps(MPI_INT64_T, 8);
  count_by_swaps(MPI_INT32_T, 4);
}

// Tokens are swapped for others: none is lost, none is there twice.
static void swapped_tokens(void) {
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

// Many windows at once, opened and closed in different orders: keys and registrations come and go.
static void many_windows(void) {
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
