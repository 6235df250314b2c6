#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How the benchmarks' driver compares with libfabric's shm, of which there are two versions, where the processors are
now near and now far from each other."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from driver.bars import LINE, RATE, Judge  # noqa: E402
from driver.results import Results  # noqa: E402

OLD, NEW = "shm-1.17", "shm-2.1"
NEAR, FAR = 50.0, 240.0


def judge(*rounds):
    """Each round: what a case's line took, and its rate."""
    results = Results()
    for turn, cases in enumerate(rounds):
        for case, (line, rate) in cases.items():
            for metric, value in ((LINE, line), (RATE, rate)):
                if value is not None:
                    results.add(turn, case, {"test": metric.test, "metric": metric.name, "key": metric.key,
                                             "p50": value})
    return Judge(results, (OLD, NEW), "anchor")


class ToShm(unittest.TestCase):
    def test_the_better_version_counts(self):
        cases = judge({"anchor": (NEAR, 12), OLD: (NEAR, 2), NEW: (NEAR, 4)})
        self.assertEqual(cases.to_shm(RATE, max), [3])
        self.assertEqual(cases.to_shm(RATE, min), [6])

    def test_a_version_that_was_near_does_not_stand_for_a_better_one_that_was_not(self):
        cases = judge({"anchor": (NEAR, 12), OLD: (NEAR, 2), NEW: (FAR, 1)},
                      {"anchor": (FAR, 3), OLD: (NEAR, 2), NEW: (NEAR, 4)})
        self.assertEqual(cases.to_shm(RATE, max), [3], "its other round was as near; the far round has no old one")

    def test_each_version_is_taken_by_its_median(self):
        cases = judge(*({"anchor": (NEAR, 12), OLD: (NEAR, 1), NEW: (NEAR * 1.4, rate)} for rate in (2, 4, 100)))
        self.assertEqual(cases.to_shm(RATE, max), [3, 3, 3])

    def test_a_round_without_a_line_is_left_out(self):
        cases = judge({"anchor": (None, 12), OLD: (NEAR, 2), NEW: (NEAR, 4)}, {"anchor": (NEAR, 8)})
        self.assertEqual(cases.to_shm(RATE, max), [2])

    def test_a_version_that_cannot_do_it_at_all_is_none(self):
        cases = judge({"anchor": (NEAR, 12), OLD: (NEAR, 2), NEW: (NEAR, None)})
        self.assertEqual(cases.to_shm(RATE, max), [6])
        self.assertEqual(judge({"anchor": (NEAR, 12)}).to_shm(RATE, max), [])


if __name__ == "__main__":
    unittest.main()
