# SPDX-License-Identifier: BSD-2-Clause
"""One-sided calls of MPI through mpi4py, every byte checked. Rank 0 prints a line a case.

Memory that an operation reads has a name until the operation is done: a window keeps none of it alive."""

from array import array

import mpi4py

mpi4py.rc.threads = False  # Open MPI's osc pt2pt refuses windows to a program with threads
from mpi4py import MPI  # noqa: E402

SIZES = [1, 7, 64, 192, 1000, 4096, 65536, 1 << 20, (1 << 22) + 3]
WORD = 8
ROUNDS = 50

world = MPI.COMM_WORLD
rank, size = world.rank, world.size
left, right = (rank - 1) % size, (rank + 1) % size
others = [peer for peer in range(size) if peer != rank]


def contents(owner, length, salt=0):
    period = bytes((owner * 31 + salt * 17 + i) % 251 for i in range(min(length, 251)))
    return bytearray((period * (length // 251 + 1))[:length])


def words(values):
    return array("q", values)


def puts_and_gets_between_fences():
    for length in SIZES:
        memory, found = bytearray(length), bytearray(length)
        window = MPI.Win.Create(memory, 1, MPI.INFO_NULL, world)
        sent = contents(rank, length)
        window.Fence()
        window.Put(sent, right)
        window.Fence()
        assert memory == contents(left, length), length
        window.Get(found, right)
        window.Fence()
        assert found == sent, length
        window.Free()


def puts_and_gets_under_locks():
    for length in SIZES:
        memory = bytearray(length * size)
        window = MPI.Win.Create(memory, 1, MPI.INFO_NULL, world)
        for peer in others:
            sent = contents(rank, length, peer)
            window.Lock(peer, MPI.LOCK_SHARED)
            window.Put(sent, peer, [rank * length, length, MPI.BYTE])
            window.Unlock(peer)
        for peer in others:
            found = bytearray(length)
            window.Lock(peer, MPI.LOCK_SHARED)
            window.Get(found, peer, [rank * length, length, MPI.BYTE])
            window.Unlock(peer)
            assert found == contents(rank, length, peer), length
        world.Barrier()
        for peer in others:
            assert memory[peer * length:(peer + 1) * length] == contents(peer, length, rank), length
        window.Free()


def requests():
    length = 30000
    memory = bytearray(length * 4)
    window = MPI.Win.Create(memory, 1, MPI.INFO_NULL, world)
    window.Lock_all()
    sent = [contents(rank, length, i) for i in range(4)]
    MPI.Request.Waitall([window.Rput(sent[i], right, [i * length, length, MPI.BYTE]) for i in range(4)])
    window.Flush(right)
    found = [bytearray(length) for _ in range(4)]
    MPI.Request.Waitall([window.Rget(found[i], right, [i * length, length, MPI.BYTE]) for i in range(4)])
    window.Unlock_all()
    assert found == sent
    world.Barrier()
    assert memory == b"".join(contents(left, length, i) for i in range(4))
    window.Free()


def neighbours_epochs():
    memory = words([0] * 100)
    window = MPI.Win.Create(memory, WORD, MPI.INFO_NULL, world)
    group = world.Get_group()
    origins, targets = group.Incl([left]), group.Incl([right])
    for i in range(ROUNDS):
        sent = words(range(rank * 1000 + i, rank * 1000 + i + 100))
        window.Post(origins)
        window.Start(targets)
        window.Put(sent, right)
        window.Complete()
        window.Wait()
        assert list(memory) == list(range(left * 1000 + i, left * 1000 + i + 100)), i
    window.Free()


def accumulated_by_everybody():
    length = 2000
    cases = [(MPI.SUM, lambda i: i * size * (size + 1) // 2), (MPI.MAX, lambda i: i * size)]
    for operation, wanted in cases:
        memory = words([0] * length)
        window = MPI.Win.Create(memory, WORD, MPI.INFO_NULL, world)
        vector = words(i * (rank + 1) for i in range(length))
        window.Fence()
        for peer in range(size):
            window.Accumulate(vector, peer, op=operation)
        window.Fence()
        assert list(memory) == [wanted(i) for i in range(length)]
        window.Free()


def fetched_before_accumulated():
    """Everybody adds a digit of its own to everybody's words: what was there before is a sum of others' digits."""
    length = 100
    memory = words([0] * length)
    window = MPI.Win.Create(memory, WORD, MPI.INFO_NULL, world)
    digits = {10 ** peer for peer in range(size)}
    sums = {0}
    for digit in digits:
        sums |= {known + digit for known in sums}
    own = words([10 ** rank] * length)
    window.Lock_all()
    for peer in range(size):
        found = words([-1] * length)
        window.Get_accumulate(own, found, peer, op=MPI.SUM)
        window.Flush(peer)
        assert all(value in sums and value // 10 ** rank % 10 == 0 for value in found), list(found)
    window.Unlock_all()
    world.Barrier()
    assert list(memory) == [sum(digits)] * length
    window.Free()


def drawn_numbers():
    memory = words([0])
    window = MPI.Win.Create(memory, WORD, MPI.INFO_NULL, world)
    drawn, one = [], words([1])
    window.Lock_all()
    for _ in range(ROUNDS):
        number = words([-1])
        window.Fetch_and_op(one, number, 0, 0, MPI.SUM)
        window.Flush(0)
        drawn.append(number[0])
    window.Unlock_all()
    assert drawn == sorted(set(drawn))
    assert sorted(sum(world.allgather(drawn), [])) == list(range(ROUNDS * size))
    window.Free()


def swapped_if_equal():
    """Of all that want to swap the same value exactly one does."""
    memory = words([0] * ROUNDS)
    window = MPI.Win.Create(memory, WORD, MPI.INFO_NULL, world)
    target, won = 0, 0
    own, nobody = words([rank]), words([0])
    window.Lock_all()
    for i in range(ROUNDS if rank != target else 0):  # its own rank is none to swap with: see one_sided.c
        found = words([-1])
        window.Compare_and_swap(own, nobody, found, target, i)
        window.Flush(target)
        won += found[0] == 0
    window.Unlock_all()
    assert world.allreduce(won) == (ROUNDS if size > 1 else 0)
    assert rank != target or all(memory)
    window.Free()


CASES = [puts_and_gets_between_fences, puts_and_gets_under_locks, requests, neighbours_epochs, accumulated_by_everybody,
         fetched_before_accumulated, drawn_numbers, swapped_if_equal]

for case in CASES:
    try:
        case()
    except BaseException:
        print(f"not ok {case.__name__} on rank {rank}", flush=True)
        raise
    world.Barrier()
    if rank == 0:
        print(f"ok {case.__name__}", flush=True)
