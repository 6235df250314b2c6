# SPDX-License-Identifier: BSD-2-Clause
"""The bars that the provider has to clear, each a ratio of the rounds' values, and whether it does.
"shm" is always the better of all versions of libfabric's shm, each by its rounds between cores as near."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from driver.cases import SUBJECT
from driver.results import Metric, Results

KIB = 1024
MIB = 1024 * KIB
LINE = Metric("line_exchange", "half_round_trip_ns", 8)
RATE = Metric("message_rate", "messages_per_s", 8)
FETCH_ADD_RATE = Metric("fetch_add_rate", "operations_per_s", 8)
PROTECTION_CHECK = Metric("protection_check", "operation_ns", 1)  # with one key
MAPPED_WRITE_RATE = Metric("mapped_write_rate", "operations_per_s", 8)


# Where a hypervisor moves its cores, two processes are now near, now far from each other: a line's exchange takes
# five times as long. Rounds in which two cases were not about as near are no comparison of the two; and a version of
# shm that happened to be as near is not to stand for a faster one that was not.
NEARNESS = 1.5


@dataclass(frozen=True)
class Bar:
    """`rounds` have gone into `measured`, which is their median."""

    title: str
    at_most: bool
    limit: float
    measured: float | None
    rounds: int
    unit: str = "x"

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        cleared = self.measured <= self.limit if self.at_most else self.measured >= self.limit
        return "PASS" if cleared else "FAIL"


def bar_of(title: str, at_most: bool, limit: float, values: list[float], unit: str = "x") -> Bar:
    return Bar(title, at_most, limit, median(values) if values else None, len(values), unit)


@dataclass(frozen=True)
class Judge:
    """`subject` stands where anchor does; a benchmark of the benchmark may put another provider there."""

    results: Results
    shm: tuple[str, ...]
    subject: str = SUBJECT
    tcp: tuple[str, ...] = ()

    def own(self, metric: Metric) -> Callable[[int], float | None]:
        return lambda turn: self.results.in_round(turn, self.subject, metric)

    def own_values(self, metric: Metric) -> list[float]:
        values = [self.own(metric)(turn) for turn in self.results.turns]
        return [value for value in values if value is not None]

    def as_near(self, turn: int, case: str, metric: Metric) -> float | None:
        """The case's median over all its rounds whose processes were about as near as the subject's in this one."""
        line = self.own(LINE)(turn)
        values = []
        for other in self.results.turns:
            its_line, value = (self.results.in_round(other, case, wanted) for wanted in (LINE, metric))
            if line and its_line and value is not None and max(line / its_line, its_line / line) <= NEARNESS:
                values.append(value)
        return median(values) if values else None

    def of_shm(self, turn: int, metric: Metric, best: Callable[[list[float]], float]) -> float | None:
        """The better version's; None where some version that can do it was never as near."""
        able = [case for case in self.shm if self.results.median(case, metric) is not None]
        values = [self.as_near(turn, case, metric) for case in able]
        known = [value for value in values if value is not None]
        return best(known) if known and len(known) == len(values) else None

    def to_shm(self, metric: Metric, best: Callable[[list[float]], float]) -> list[float]:
        return self.results.ratios(self.own(metric), lambda turn: self.of_shm(turn, metric, best))

    def latency_bars(self) -> list[Bar]:
        bars = []
        for kind in ("tagged", "untagged"):
            small, page = (Metric(f"{kind}_latency", "half_round_trip_ns", size) for size in (8, 4 * KIB))
            bars += [
                bar_of(f"8 B {kind} latency to shm's", True, 0.5, self.to_shm(small, min)),
                bar_of(f"8 B {kind} latency to a line's exchange", True, 2.0,
                       self.results.ratios(self.own(small), self.own(LINE))),
                bar_of(f"4 KiB {kind} latency to shm's", True, 0.6, self.to_shm(page, min)),
            ]
        return bars

    def worst_bandwidth(self, title: str, sizes: tuple[int, int], limit: float, test: str = "bandwidth") -> Bar:
        bars = [bar_of(f"{title}, least at {metric.key} B", False, limit, self.to_shm(metric, max))
                for metric in self.results.metrics(test) if sizes[0] <= metric.key <= sizes[1]]
        measured = [bar for bar in bars if bar.measured is not None]
        return min(measured, key=lambda bar: bar.measured or 0) if measured else bar_of(title, False, limit, [])

    def flow_bars(self) -> list[Bar]:
        return [
            bar_of("8 B message rate to shm's", False, 3.0, self.to_shm(RATE, max)),
            self.worst_bandwidth("bandwidth to shm's, 64 B to 8 MiB", (64, 8 * MIB), 1.1),
            self.worst_bandwidth("bandwidth to shm's, from 1 MiB", (MIB, 8 * MIB), 1.4),
        ]

    def mapped_write_bar(self) -> Bar:
        """Either of two limits will do: the other is told only where the first is missed."""
        times = [1e9 / rate for rate in self.own_values(MAPPED_WRITE_RATE)]
        in_itself = bar_of("8 B write in a stream, mapped memory", True, 150, times, " ns")
        to_shm = bar_of("8 B write in a stream, mapped memory, to shm's", True, 0.3,
                        [1 / ratio for ratio in self.to_shm(MAPPED_WRITE_RATE, max)])
        return in_itself if in_itself.verdict == "PASS" or to_shm.measured is None else to_shm

    def remote_bars(self) -> list[Bar]:
        write = Metric("write_latency", "half_round_trip_ns", 8)
        read = Metric("read_latency", "operation_ns", 8)
        sizes = (4 * KIB, 8 * MIB)
        return [
            bar_of("8 B write latency to shm's", True, 0.6, self.to_shm(write, min)),
            bar_of("8 B read latency to shm's", True, 0.6, self.to_shm(read, min)),
            self.mapped_write_bar(),
            self.worst_bandwidth("write bandwidth to shm's, from 4 KiB", sizes, 1.1, "write_bandwidth"),
            self.worst_bandwidth("read bandwidth to shm's, from 4 KiB", sizes, 1.1, "read_bandwidth"),
            bar_of("8 B fetch-add rate to shm's", False, 2.0, self.to_shm(FETCH_ADD_RATE, max)),
            bar_of("check of an access, its row known", True, 20, self.own_values(PROTECTION_CHECK), " ns"),
        ]

    def asleep_bars(self, test: str, title: str) -> list[Bar]:
        """Beside a bare pipe, which is what wakes a sleeper, measured by the same start of the worker."""
        half = Metric(test, "half_round_trip_ns", 8)
        pipe = Metric("pipe_wake", "half_round_trip_ns", 8)
        return [
            bar_of(f"8 B {title} to a pipe's", True, 1.3, self.results.ratios(self.own(half), self.own(pipe))),
            bar_of(f"8 B {title} to tcp's", True, 0.7, self.results.ratios(
                self.own(half), lambda turn: self.results.best_in_round(turn, self.tcp, half, min))),
        ]

    def waiting_bars(self) -> list[Bar]:
        reads = Metric("adaptive_latency", "half_round_trip_ns", 8)
        polls = Metric("adaptive_latency", "polling_half_round_trip_ns", 8)
        return [
            *self.asleep_bars("blocking_latency", "blocking read's latency"),
            *self.asleep_bars("descriptor_latency", "descriptor's latency"),
            bar_of("8 B blocking read's latency, polling first, to polling's", True, 1.1,
                   self.results.ratios(self.own(reads), self.own(polls))),
        ]

    def mpi_bars(self) -> list[Bar]:
        def ratios(name: str, key: int) -> list[float]:
            metric = Metric("mpi", name, key)
            return self.results.ratios(lambda turn: self.results.in_round(turn, "mpi-ofi", metric),
                                       lambda turn: self.results.in_round(turn, "mpi-vader", metric))
        return [
            bar_of("Open MPI, 8 B latency to ob1/vader's", True, 1.0, ratios("half_round_trip_ns", 8)),
            bar_of("Open MPI, 1 MiB ping-pong bandwidth to ob1/vader's", False, 1.2,
                   ratios("ping_pong_bytes_per_s", MIB)),
            bar_of("Open MPI, 1 MiB streamed bandwidth to ob1/vader's", False, 1.2, ratios("stream_bytes_per_s", MIB)),
        ]

    def growth(self, title: str, test: str, limit: float) -> Bar:
        """The last of a test's points over its first, both from the same two processes."""
        metrics = self.results.metrics(test)
        ratios = self.results.ratios(self.own(metrics[-1]), self.own(metrics[0])) if len(metrics) > 1 else []
        return bar_of(title, True, limit, ratios)

    def scale_bars(self) -> list[Bar]:
        return [
            self.growth("latency, 10,000 posted receives ahead to one", "posted_matching", 1.5),
            self.growth("latency, 10,000 unexpected messages ahead to one", "unexpected_matching", 1.5),
            self.growth("latency to the 501st of 500 idle peers to one", "idle_peers", 1.3),
        ]

    def kibibytes(self, title: str, name: str, limit: float) -> Bar:
        values = [value / KIB for metric in self.results.metrics("memory") if metric.name == name
                  for turn in self.results.turns if (value := self.own(metric)(turn)) is not None]
        return bar_of(title, True, limit, values, " KiB")

    def memory_bars(self) -> list[Bar]:
        return [
            self.kibibytes("memory of an endpoint without peers", "endpoint_bytes", 512),
            self.kibibytes("memory of a connected peer", "peer_bytes", 32),
        ]

    def all_bars(self) -> list[Bar]:
        return (self.latency_bars() + self.flow_bars() + self.remote_bars() + self.waiting_bars() + self.mpi_bars() +
                self.scale_bars() + self.memory_bars())
