# SPDX-License-Identifier: BSD-2-Clause
"""The bars that the provider has to clear, each a ratio of the rounds' values, and whether it does.
"shm" is always the better of all versions of libfabric's shm in that round."""

from collections.abc import Callable
from dataclasses import dataclass

from driver.cases import SUBJECT
from driver.results import Metric, Results

KIB = 1024
MIB = 1024 * KIB
LINE = Metric("line_exchange", "half_round_trip_ns", 8)
RATE = Metric("message_rate", "messages_per_s", 8)
ENDPOINT = Metric("memory", "endpoint_bytes", 1)


@dataclass(frozen=True)
class Bar:
    title: str
    at_most: bool
    limit: float
    measured: float | None
    unit: str = "x"

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        cleared = self.measured <= self.limit if self.at_most else self.measured >= self.limit
        return "PASS" if cleared else "FAIL"


@dataclass(frozen=True)
class Judge:
    """`subject` stands where anchor does; a benchmark of the benchmark may put another provider there."""

    results: Results
    shm: tuple[str, ...]
    subject: str = SUBJECT

    def own(self, metric: Metric) -> Callable[[int], float | None]:
        return lambda turn: self.results.in_round(turn, self.subject, metric)

    def to_shm(self, metric: Metric, best: Callable[[list[float]], float]) -> float | None:
        return self.results.ratio(self.own(metric),
                                  lambda turn: self.results.best_in_round(turn, self.shm, metric, best))

    def latency_bars(self) -> list[Bar]:
        bars = []
        for kind in ("tagged", "untagged"):
            small, page = (Metric(f"{kind}_latency", "half_round_trip_ns", size) for size in (8, 4 * KIB))
            bars += [
                Bar(f"8 B {kind} latency to shm's", True, 0.5, self.to_shm(small, min)),
                Bar(f"8 B {kind} latency to a line's exchange", True, 2.0,
                    self.results.ratio(self.own(small), self.own(LINE))),
                Bar(f"4 KiB {kind} latency to shm's", True, 0.6, self.to_shm(page, min)),
            ]
        return bars

    def worst_bandwidth(self, title: str, first: int, last: int, limit: float) -> Bar:
        ratios = [(ratio, metric.key) for metric in self.results.metrics("bandwidth")
                  if first <= metric.key <= last and (ratio := self.to_shm(metric, max)) is not None]
        if not ratios:
            return Bar(title, False, limit, None)
        worst, size = min(ratios)
        return Bar(f"{title}, least at {size} B", False, limit, worst)

    def flow_bars(self) -> list[Bar]:
        return [
            Bar("8 B message rate to shm's", False, 3.0, self.to_shm(RATE, max)),
            self.worst_bandwidth("bandwidth to shm's, 64 B to 8 MiB", 64, 8 * MIB, 1.1),
            self.worst_bandwidth("bandwidth to shm's, from 1 MiB", MIB, 8 * MIB, 1.4),
        ]

    def growth(self, title: str, test: str, limit: float) -> Bar:
        """The last of a test's points over its first."""
        metrics = self.results.metrics(test)
        ratio = self.results.ratio(self.own(metrics[-1]), self.own(metrics[0])) if len(metrics) > 1 else None
        return Bar(title, True, limit, ratio)

    def scale_bars(self) -> list[Bar]:
        return [
            self.growth("latency, 10,000 posted receives ahead to one", "posted_matching", 1.5),
            self.growth("latency, 10,000 unexpected messages ahead to one", "unexpected_matching", 1.5),
            self.growth("latency to the 501st of 500 idle peers to one", "idle_peers", 1.3),
        ]

    def memory_bars(self) -> list[Bar]:
        peers = [metric for metric in self.results.metrics("memory") if metric.name == "peer_bytes"]
        endpoint = self.results.median(self.subject, ENDPOINT)
        peer = self.results.median(self.subject, peers[0]) if peers else None
        return [
            Bar("memory of an endpoint without peers", True, 512, endpoint / KIB if endpoint is not None else None, " KiB"),
            Bar("memory of a connected peer", True, 32, peer / KIB if peer is not None else None, " KiB"),
        ]

    def mpi_bars(self) -> list[Bar]:
        ratio = lambda metric: self.results.ratio(
            lambda turn: self.results.in_round(turn, "mpi-ofi", metric),
            lambda turn: self.results.in_round(turn, "mpi-vader", metric))
        return [
            Bar("Open MPI, 8 B latency to ob1/vader's", True, 1.0, ratio(Metric("mpi", "half_round_trip_ns", 8))),
            Bar("Open MPI, 1 MiB ping-pong bandwidth to ob1/vader's", False, 1.2,
                ratio(Metric("mpi", "ping_pong_bytes_per_s", MIB))),
            Bar("Open MPI, 1 MiB streamed bandwidth to ob1/vader's", False, 1.2,
                ratio(Metric("mpi", "stream_bytes_per_s", MIB))),
        ]

    def all_bars(self) -> list[Bar]:
        return (self.latency_bars() + self.flow_bars() + self.mpi_bars() + self.scale_bars() + self.memory_bars())
