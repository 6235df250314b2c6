// SPDX-License-Identifier: BSD-2-Clause
//
// Blocks of many sizes, each written and read by one rank alone, in every kind of epoch.
#include <stdlib.h>
#include <string.h>

#include "one_sided.h"

enum { kLargestBlock = (9 << 20) + 1 };

static const int kBlocks[] = {0, 1, 7, 8, 64, 192, 1000, 4096, 8191, 65536, 262147, 1 << 20, kLargestBlock};
enum { kBlockCount = sizeof(kBlocks) / sizeof(kBlocks[0]) };

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

void puts_between_fences(void) {
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

void gets_between_fences(void) {
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
void stripes_of_everybody(void) {
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
void columns(void) {
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
void neighbours_epochs(void) {
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

// A flush makes a write visible, so that a word sent afterwards finds it there.
void flush_before_word(void) {
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
void requests(void) {
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
