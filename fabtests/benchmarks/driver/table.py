# SPDX-License-Identifier: BSD-2-Clause
"""Results as text: a row a metric, a column a case, medians of the rounds."""

from collections.abc import Callable, Iterable

from driver.bars import Bar
from driver.cases import RAW
from driver.results import Metric, Results
from driver.schedule import RAW_TESTS

TITLES = {
    "line_exchange": "one line, one way",
    "bare_messages": "a message, no provider",
    "buffer_exchange": "a buffer, copied in and out",
    "tagged_latency": "tagged latency",
    "untagged_latency": "untagged latency",
    "message_rate": "message rate",
    "bandwidth": "bandwidth",
    "posted_matching": "latency, receives ahead",
    "unexpected_matching": "latency, messages ahead",
    "idle_peers": "latency, idle peers",
    "memory": "memory",
    "write_latency": "write latency",
    "read_latency": "read, one at a time",
    "swap_latency": "compare-and-swap, one at a time",
    "write_rate": "writes in a stream",
    "fetch_add_rate": "fetch-adds in a stream",
    "write_bandwidth": "write bandwidth",
    "read_bandwidth": "read bandwidth",
    "protection_check": "check of an access, keys",
    "cross_attach": "cross-memory attach",
    "cross_attach_write": "the same, writing",
    "shared_copy": "the same by both sides",
    "memory_copy": "memcpy",
    "pipe_wake": "asleep, woken by a pipe",
    "event_wake": "asleep, woken by an eventfd",
    "futex_wake": "asleep, woken by a futex",
    "blocking_latency": "blocking read, asleep at once",
    "descriptor_latency": "descriptor in epoll",
    "adaptive_latency": "blocking read, polls first",
    "delayed_answers": "answer after",
    "mpi": "Open MPI",
    "netpipe": "NetPIPE",
}
COMPARED = ("line_exchange", "tagged_latency", "untagged_latency", "message_rate", "bandwidth")
REMOTE = ("write_latency", "read_latency", "swap_latency", "write_rate", "fetch_add_rate", "write_bandwidth",
          "read_bandwidth")
MAPPED = "mapped_"  # the same on memory that the other process can map
WAITING = ("pipe_wake", "event_wake", "futex_wake", "blocking_latency", "descriptor_latency", "adaptive_latency")
COUNTED = ("posted_matching", "unexpected_matching", "idle_peers", "protection_check", "memory")


def title_of(test: str) -> str:
    title = TITLES.get(test.removeprefix(MAPPED), test)
    return f"mapped memory: {title}" if test.startswith(MAPPED) else title


def size_text(size: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


def scaled(value: float, units: Iterable[tuple[float, str]]) -> str:
    for unit, name in units:
        if value >= unit:
            return f"{value / unit:.3g} {name}" if value < 1000 * unit else f"{value / unit:.0f} {name}"
    return f"{value:.3g}"


def value_text(metric: Metric, value: float) -> str:
    if metric.name.endswith("_ns"):
        return scaled(value, ((1e6, "ms"), (1e3, "µs"), (1, "ns")))
    if metric.name.endswith(("messages_per_s", "operations_per_s")):
        return scaled(value, ((1e6, "M/s"), (1e3, "k/s")))
    if metric.name.endswith("bytes_per_s"):
        return scaled(value, ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")))
    return scaled(value, ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")))


def row_title(metric: Metric) -> str:
    title = title_of(metric.test)
    if metric.test in ("memory", "mpi", "netpipe"):
        quantity = metric.name.removesuffix("_ns").removesuffix("_bytes_per_s").removesuffix("_bytes")
        title += " " + quantity.replace("_", " ")
    if metric.name.startswith("polling_"):
        title += ", if polled"
    if metric.name == "transfer_ns":
        title += ", time"
    if metric.test == "memory":
        return title
    return f"{title}, {metric.key:,}" if metric.test in COUNTED else f"{title}, {size_text(metric.key)}"


def print_rows(rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]))


def print_table(results: Results, cases: list[str], tests: Iterable[str]) -> None:
    """Rows in which no case has a value are left out."""
    rows = [["median of rounds"] + cases]
    for metric in (metric for test in tests for metric in results.metrics(test)):
        values = [results.median(case, metric) for case in cases]
        if any(value is not None for value in values):
            rows.append([row_title(metric)] + ["-" if value is None else value_text(metric, value) for value in values])
    if len(rows) > 1:
        print()
        print_rows(rows)


def print_errors(results: Results) -> None:
    """What a case fails at in the same way is one line."""
    tests: dict[tuple[str, str], list[str]] = {}
    for (case, test), message in results.errors.items():
        tests.setdefault((case, message), []).append(title_of(test))
    for (case, message), titles in tests.items():
        print(f"{case}: {message}: {', '.join(titles)}")


def limit_text(bar: Bar) -> str:
    return f"{'<=' if bar.at_most else '>='} {bar.limit:g}{bar.unit}"


def print_bars(bars: list[Bar]) -> None:
    rows = [["bar", "required", "measured", "rounds", "verdict"]]
    for bar in bars:
        measured = "-" if bar.measured is None else f"{bar.measured:.3g}{bar.unit}"
        rows.append([bar.title, limit_text(bar), measured, str(bar.rounds), bar.verdict])
    print()
    print_rows(rows)


def print_all(results: Results, cases: list[str]) -> None:
    providers = [case for case in cases if case != RAW]
    print_table(results, providers, COMPARED)
    print_table(results, providers, REMOTE)
    print_table(results, providers, [MAPPED + test for test in REMOTE])
    print_table(results, providers, WAITING)
    print_table(results, providers, COUNTED)
    print_table(results, ["mpi-ofi", "mpi-vader"], ("mpi", "netpipe"))
    print_table(results, [RAW], RAW_TESTS)
    print_errors(results)
