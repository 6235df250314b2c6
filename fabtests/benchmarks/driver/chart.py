# SPDX-License-Identifier: BSD-2-Clause
"""Draws latency and bandwidth against size, of messages and one-sided, as one SVG: four panels, both axes
logarithmic, every line named at its right end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from driver.cases import RAW, SUBJECT
from driver.results import Metric, Results
from driver.table import size_text

# Okabe and Ito's palette, which colour-blind readers tell apart.
SUBJECT_COLOUR = "#d55e00"
COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00")
RAW_COLOUR = "#888888"
RAW_DASHES = ("2 3", "7 3", "10 3 2 3")
MAPPED_DASHES = "5 3"

PLOT_WIDTH, PLOT_HEIGHT = 400, 340
LEFT, TOP, LABELS, BOTTOM = 64, 92, 164, 56
PANEL_WIDTH = LEFT + PLOT_WIDTH + LABELS
PANEL_HEIGHT = PLOT_HEIGHT + BOTTOM + 28
LABEL_HEIGHT = 15

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    name: str
    points: list[Point]
    colour: str
    dashes: str = ""
    width: float = 1.6


@dataclass(frozen=True)
class Axis:
    """Maps a range of values to pixels, logarithmically."""

    first: float
    last: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (log10(value) - log10(self.first)) / (log10(self.last) - log10(self.first))
        return self.start + share * (self.end - self.start)


def text(x: float, y: float, words: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def decades(lines: list[Line]) -> tuple[float, float]:
    values = [y for line in lines for _, y in line.points]
    return 10.0 ** floor(log10(min(values))), 10.0 ** ceil(log10(max(values)))


def number_text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


@dataclass(frozen=True)
class Panel:
    title: str
    lines: list[Line]
    column: int
    row: int = 0
    quantity: str = "message size"

    @property
    def top(self) -> float:
        return TOP + self.row * PANEL_HEIGHT

    def axes(self) -> tuple[Axis, Axis]:
        sizes = [x for line in self.lines for x, _ in line.points]
        low, high = decades(self.lines)
        left = self.column * PANEL_WIDTH + LEFT
        return (Axis(min(sizes), max(sizes), left, left + PLOT_WIDTH),
                Axis(low, high, self.top + PLOT_HEIGHT, self.top))

    def grid(self, x: Axis, y: Axis) -> Iterator[str]:
        power = y.first
        while power <= y.last * 1.001:
            for step in (1, 2, 5):
                if power * step <= y.last * 1.001:
                    height = y.at(power * step)
                    yield rule(x.start, height, x.end, height, "#d0d0d0" if step == 1 else "#f0f0f0")
            yield text(x.start - 8, y.at(power) + 4, number_text(power), 'text-anchor="end"')
            power *= 10
        size = int(x.first)
        while size <= x.last:
            yield rule(x.at(size), y.start, x.at(size), y.end, "#eeeeee")
            yield text(x.at(size), y.start + 18, size_text(size), 'text-anchor="middle"')
            size *= 8
        yield text((x.start + x.end) / 2, y.start + 42, self.quantity, 'text-anchor="middle"')

    def curve(self, line: Line, x: Axis, y: Axis) -> str:
        points = " ".join(f"{x.at(size):.1f},{y.at(value):.1f}" for size, value in line.points)
        dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
        return (f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="{line.width}"'
                f' stroke-linejoin="round"{dashes}/>')

    def names(self, x: Axis, y: Axis) -> Iterator[str]:
        """In the order of the lines' ends, moved apart where they would overlap, and kept within the plot."""
        ends = sorted(((y.at(line.points[-1][1]), line) for line in self.lines), key=lambda end: end[0])
        heights: list[float] = []
        for wanted, _ in ends:
            heights.append(max(wanted, heights[-1] + LABEL_HEIGHT if heights else wanted))
        excess = max(0.0, heights[-1] - y.start)
        for i in range(len(heights) - 1, -1, -1):
            below = heights[i + 1] - LABEL_HEIGHT if i + 1 < len(heights) else heights[i] - excess
            heights[i] = min(heights[i], below)
        for (wanted, line), height in zip(ends, heights):
            yield rule(x.end + 2, wanted, x.end + 14, height, line.colour)
            weight = ' font-weight="bold"' if line.colour == SUBJECT_COLOUR else ""
            yield text(x.end + 18, height + 4, line.name, f'fill="{line.colour}"{weight}')

    def draw(self) -> Iterator[str]:
        x, y = self.axes()
        yield text(x.start, self.top - 14, self.title, 'font-weight="bold" font-size="13"')
        yield from self.grid(x, y)
        for line in self.lines:
            yield self.curve(line, x, y)
        yield from self.names(x, y)


def points_of(results: Results, case: str, test: str, name: str, unit: float) -> list[Point]:
    metrics = [metric for metric in results.metrics(test) if metric.name == name]
    values = [(metric.key, results.median(case, metric)) for metric in metrics]
    return [(size, value / unit) for size, value in values if value]


def provider_lines(results: Results, cases: list[str], test: str, name: str, unit: float) -> list[Line]:
    lines = []
    colours = iter(COLOURS * 2)
    for case in (case for case in cases if case != RAW):
        own = case == SUBJECT
        colour = SUBJECT_COLOUR if own else next(colours)
        points = points_of(results, case, test, name, unit)
        if points:
            lines.append(Line(case, points, colour, width=2.8 if own else 1.6))
    return sorted(lines, key=lambda line: line.width)  # its own is drawn on top


def raw_lines(results: Results, tests: dict[str, str], name: str, unit: float) -> list[Line]:
    lines = []
    for (test, title), dashes in zip(tests.items(), RAW_DASHES):
        points = points_of(results, RAW, test, name, unit)
        if points:
            lines.append(Line(title, points, RAW_COLOUR, dashes))
    return lines


def exchange_line(results: Results, sizes: list[float]) -> list[Line]:
    value = results.median(RAW, Metric("line_exchange", "half_round_trip_ns", 8))
    if not value or not sizes:
        return []
    ends = [(size, value / 1e3) for size in (min(sizes), max(sizes))]
    return [Line("one line, one way", ends, RAW_COLOUR, RAW_DASHES[0])]


def message_panels(results: Results, cases: list[str]) -> list[Panel]:
    latency = provider_lines(results, cases, "tagged_latency", "half_round_trip_ns", 1e3)
    latency += exchange_line(results, [x for line in latency for x, _ in line.points])
    latency += raw_lines(results, {"cross_attach": "cross-memory attach"}, "transfer_ns", 1e3)
    bandwidth = provider_lines(results, cases, "bandwidth", "bytes_per_s", 1e9)
    bandwidth += raw_lines(results, {"memory_copy": "memcpy", "cross_attach": "cross-memory attach",
                                     "shared_copy": "the same by both sides"}, "bytes_per_s", 1e9)
    return [Panel("Half round trip, tagged (µs)", latency, 0),
            Panel("Bandwidth, windows of tagged messages (GB/s)", bandwidth, 1)]


def remote_panel(results: Results, cases: list[str], test: str, attach: str, title: str, column: int) -> Panel:
    """One-sided bandwidth; of the subject also on memory that can be mapped."""
    lines = provider_lines(results, cases, test, "bytes_per_s", 1e9)
    mapped = points_of(results, SUBJECT, f"mapped_{test}", "bytes_per_s", 1e9)
    if mapped:
        lines.append(Line(f"{SUBJECT}, mapped", mapped, SUBJECT_COLOUR, MAPPED_DASHES))
    first = min((x for line in lines for x, _ in line.points), default=0)
    limits = raw_lines(results, {"memory_copy": "memcpy", attach: "cross-memory attach"}, "bytes_per_s", 1e9)
    if lines:
        lines += [replace(limit, points=[(x, y) for x, y in limit.points if x >= first]) for limit in limits]
    return Panel(title, lines, column, row=1, quantity="bytes of an operation")


def draw(results: Results, cases: list[str], subtitle: str) -> str:
    """The SVG's text. Needs at least one provider with both latency and bandwidth."""
    panels = message_panels(results, cases)
    panels += [remote_panel(results, cases, "write_bandwidth", "cross_attach_write", "One-sided writes (GB/s)", 0),
               remote_panel(results, cases, "read_bandwidth", "cross_attach", "One-sided reads (GB/s)", 1)]
    rows = 1 + max((panel.row for panel in panels if panel.lines), default=0)
    width, height = 2 * PANEL_WIDTH, TOP + PLOT_HEIGHT + BOTTOM + (rows - 1) * PANEL_HEIGHT
    body = [text(LEFT, 26, "Two processes on one host, by libfabric provider", 'font-weight="bold" font-size="16"'),
            text(LEFT, 44, subtitle, 'fill="#555555"')]
    for panel in panels:
        if panel.lines:
            body += panel.draw()
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
                      f' viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="11">',
                      '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>", ""])
