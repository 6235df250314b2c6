# SPDX-License-Identifier: BSD-2-Clause
"""What has been measured, by round: medians over the rounds, and ratios taken within a round first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

STATISTIC = "p50"  # of the many repetitions of one point; robust against being preempted


@dataclass(frozen=True, order=True)
class Metric:
    """`key` is what the metric depends on: the bytes of a message, or how many were ahead."""

    test: str
    name: str
    key: int


@dataclass
class Results:
    """(round, case, metric) -> percentiles; (case, test) -> why there are none."""

    samples: dict[tuple[int, str, Metric], dict[str, float]] = field(default_factory=dict)
    errors: dict[tuple[str, str], str] = field(default_factory=dict)
    turns: list[int] = field(default_factory=list)

    def add(self, turn: int, case: str, record: dict) -> None:
        if "error" in record:
            self.errors.setdefault((case, record["test"]), record["error"])
            return
        if turn not in self.turns:
            self.turns.append(turn)
        metric = Metric(record["test"], record["metric"], record["key"])
        names = ("test", "metric", "key")
        self.samples[turn, case, metric] = {name: value for name, value in record.items() if name not in names}

    def metrics(self, test: str) -> list[Metric]:
        return sorted({metric for _, _, metric in self.samples if metric.test == test})

    def in_round(self, turn: int, case: str, metric: Metric) -> float | None:
        values = self.samples.get((turn, case, metric))
        return values[STATISTIC] if values else None

    def median(self, case: str, metric: Metric, statistic: str = STATISTIC) -> float | None:
        samples = [self.samples.get((turn, case, metric), {}) for turn in self.turns]
        values = [sample[statistic] for sample in samples if statistic in sample]
        return median(values) if values else None

    def best_in_round(self, turn: int, cases: Iterable[str], metric: Metric,
                      best: Callable[[list[float]], float]) -> float | None:
        values = [value for case in cases if (value := self.in_round(turn, case, metric)) is not None]
        return best(values) if values else None

    def ratios(self, over: Callable[[int], float | None], under: Callable[[int], float | None]) -> list[float]:
        """One for each round that has both."""
        pairs = [(over(turn), under(turn)) for turn in self.turns]
        return [numerator / denominator for numerator, denominator in pairs if numerator is not None and denominator]

    def medians(self, case: str, metric: Metric) -> dict[str, float]:
        found = {name: self.median(case, metric, name) for name in ("p50", "p90", "p99", "mean")}
        return {name: value for name, value in found.items() if value is not None}

    def as_json(self) -> list[dict]:
        keys = sorted({(metric, case) for _, case, metric in self.samples})
        return [{
            "case": case, "test": metric.test, "metric": metric.name, "key": metric.key,
            "median": self.medians(case, metric),
            "rounds": [self.samples.get((turn, case, metric)) for turn in self.turns],
        } for metric, case in keys]
