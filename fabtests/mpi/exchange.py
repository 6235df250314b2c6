# SPDX-License-Identifier: BSD-2-Clause
"""Point-to-point and collective calls of MPI through mpi4py, every byte checked. Rank 0 prints a line a case."""

from array import array

from mpi4py import MPI

SIZES = [0, 1, 7, 64, 192, 193, 1000, 4096, 8192, 65536, 262144, 1 << 20, (1 << 22) + 3]

world = MPI.COMM_WORLD
rank, size = world.rank, world.size
left, right = (rank - 1) % size, (rank + 1) % size


def pattern(owner, length, salt=0):
    return bytes((owner * 31 + salt * 17 + i) % 251 for i in range(min(length, 251))) * (length // 251 + 1)


def contents(owner, length, salt=0):
    return bytearray(pattern(owner, length, salt)[:length])


def ring_of_blocking_calls():
    for length in SIZES:
        buffer = bytearray(length)
        world.Sendrecv(contents(rank, length), right, 5, buffer, left, 5)
        assert buffer == contents(left, length), length


def everybody_to_everybody_at_once():
    for length in SIZES[:-1]:
        buffers = [bytearray(length) for _ in range(size)]
        receives = [world.Irecv(buffers[peer], peer, 9) for peer in range(size)]
        sends = [world.Isend(contents(rank, length, peer), peer, 9) for peer in range(size)]
        MPI.Request.Waitall(receives + sends)
        assert buffers == [contents(peer, length, rank) for peer in range(size)], length


def messages_before_their_receives():
    for length in SIZES:
        send = world.Isend(contents(rank, length), right, 1)
        world.Barrier()
        status = MPI.Status()
        world.Probe(MPI.ANY_SOURCE, 1, status)
        assert status.source == left and status.Get_count(MPI.BYTE) == length
        buffer = bytearray(length)
        world.Recv(buffer, left, 1)
        send.Wait()
        assert buffer == contents(left, length), length


def order_with_wildcards():
    count = 500
    sends = [world.Isend(array("i", [rank, i]), right, i % 3) for i in range(count)]
    for i in range(count):
        got, status = array("i", [0, 0]), MPI.Status()
        world.Recv(got, MPI.ANY_SOURCE, MPI.ANY_TAG, status)
        assert (list(got), status.tag) == ([left, i], i % 3), i
    MPI.Request.Waitall(sends)


def synchronous_and_ready_sends():
    for length in (0, 100, 100000):
        buffer = bytearray(length)
        receive = world.Irecv(buffer, left, 3)
        world.Barrier()
        world.Rsend(contents(rank, length), right, 3)
        receive.Wait()
        assert buffer == contents(left, length)
        receive = world.Irecv(buffer, left, 4)
        world.Ssend(contents(rank, length, 1), right, 4)
        receive.Wait()
        assert buffer == contents(left, length, 1)


def truncation_and_cancellation():
    world.Set_errhandler(MPI.ERRORS_RETURN)
    send = world.Isend(contents(rank, 100), right, 6)
    try:
        world.Recv(bytearray(10), left, 6)
        raise AssertionError("a message longer than its buffer was taken")
    except MPI.Exception as error:
        assert error.Get_error_class() == MPI.ERR_TRUNCATE
    send.Wait()
    receive = world.Irecv(bytearray(10), left, 7)
    receive.Cancel()
    status = MPI.Status()
    receive.Wait(status)
    assert status.Is_cancelled()


def objects_and_derived_types():
    assert world.sendrecv({"from": rank, "text": "x" * 70000}, right, 8, source=left, recvtag=8)["from"] == left
    column = MPI.INT.Create_vector(50, 1, 4).Commit()
    matrix, got = array("i", [rank * 1000 + i for i in range(200)]), array("i", [-1] * 200)
    world.Sendrecv([matrix, 1, column], right, 2, [got, 1, column], left, 2)
    assert [got[i] for i in range(0, 200, 4)] == [left * 1000 + i for i in range(0, 200, 4)] and got[1] == -1
    column.Free()


def collectives():
    for length in (1, 100, 5000, 200000):
        values, sums = array("q", [rank + i for i in range(length)]), array("q", [0] * length)
        world.Allreduce(values, sums)
        assert list(sums) == [size * (size - 1) // 2 + size * i for i in range(length)], length
        for root in range(size):
            buffer = contents(root, length) if rank == root else bytearray(length)
            world.Bcast(buffer, root)
            assert buffer == contents(root, length)
        everything = bytearray(length * size)
        world.Allgather(contents(rank, length), everything)
        assert everything == b"".join(contents(peer, length) for peer in range(size))
        crossed = bytearray(length * size)
        world.Alltoall(b"".join(contents(rank, length, peer) for peer in range(size)), crossed)
        assert crossed == b"".join(contents(peer, length, rank) for peer in range(size))
    assert world.scan(rank + 1) == (rank + 1) * (rank + 2) // 2


def communicators():
    half = world.Split(rank % 2, rank)
    assert half.allreduce(1) == len(range(rank % 2, size, 2))
    half.Free()
    copy = world.Dup()
    receive = copy.irecv(source=left, tag=5)
    world.send("world", right, 5)
    copy.send("copy", right, 5)
    assert (world.recv(source=left, tag=5), receive.wait()) == ("world", "copy")
    copy.Free()


CASES = [ring_of_blocking_calls, everybody_to_everybody_at_once, messages_before_their_receives, order_with_wildcards,
         synchronous_and_ready_sends, truncation_and_cancellation, objects_and_derived_types, collectives, communicators]

for case in CASES:
    try:
        case()
    except BaseException:
        print(f"not ok {case.__name__} on rank {rank}", flush=True)
        raise
    world.Barrier()
    if rank == 0:
        print(f"ok {case.__name__}", flush=True)
