"""The chart of failures per day, stacked by reason: its geometry, in the units of the SVG that the template draws.

Days lie side by side in percent, so the chart stretches; heights are pixels, so text and gaps keep their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from undelivered.delivery.kept_counts import Day
from undelivered.delivery.reasons import EXPLAINED, Reason

BASE, HEIGHT = 106.0, 98.0
LEAST = 2.0  # a single failure beside hundreds can still be seen
#: From the bottom of a column to its top: what happens often first, so that columns compare.
ORDER = (
    Reason.PROVIDER_ERROR,
    Reason.SUPPRESSED,
    Reason.LIMIT_REACHED,
    Reason.INTERNAL_ERROR,
    Reason.EMAIL_VALIDATION_ERROR,
    Reason.TEMPLATE_TOO_LARGE,
    Reason.PRIVATE_ADDRESS,
    Reason.UNKNOWN_ERROR,
)
MARKS = tuple(EXPLAINED[reason].mark for reason in ORDER)


@dataclass(frozen=True, slots=True)
class Piece:
    mark: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    day: date
    x: str
    width: str
    words: str
    pieces: tuple[Piece, ...]
    label: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    y: str
    text_y: str
    value: int


@dataclass(frozen=True, slots=True)
class LegendEntry:
    reason: Reason
    mark: str
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    legend: tuple[LegendEntry, ...]
    total: int
    sentence: str


def draw(days: Sequence[Day], what: str) -> Chart:
    """`what` is what failed, in the plural."""
    top = max((day.total for day in days), default=0)
    step = grid_step(top)
    ceiling = max(step, -(-top // step) * step)
    lines = tuple(grid_line(value, ceiling) for value in range(0, ceiling + 1, step))
    columns = tuple(_column(i, day, len(days), ceiling) for i, day in enumerate(days))
    totals = {reason: sum(day.by_reason.get(reason, 0) for day in days) for reason in ORDER}
    legend = tuple(LegendEntry(reason, EXPLAINED[reason].mark, totals[reason]) for reason in ORDER)
    return Chart(columns, lines, legend, sum(totals.values()), _sentence(days, what))


def grid_step(top: int) -> int:
    """The distance of the grid's lines: 1, 2 or 5 times a power of ten, for at most four of them."""
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if top <= 4 * step:
                return step
        size *= 10


def grid_line(value: int, ceiling: int) -> Line:
    y = BASE - HEIGHT * value / ceiling
    return Line(f"{y:.1f}", f"{y + 3.5:.1f}", value)


def _column(i: int, day: Day, n: int, ceiling: int) -> Column:
    y, pieces = BASE, []
    for reason in ORDER:
        if many := day.by_reason.get(reason, 0):
            height = max(HEIGHT * many / ceiling, LEAST)
            y -= height
            pieces.append(Piece(EXPLAINED[reason].mark, f"{y + 0.5:.1f}", f"{height - 1:.1f}"))
    label = _label(day.day, first=i == 0) if (n - 1 - i) % 2 == 0 else ""
    width = 100 / n
    numbers = tuple(day.by_reason.get(reason, 0) for reason in ORDER)
    return Column(day.day, f"{i * width:.3f}%", f"{width:.3f}%", _words(day), tuple(pieces), label, numbers)


def _label(day: date, *, first: bool) -> str:
    return f"{day.day} {day:%b}" if first or day.day <= 2 else str(day.day)


def _words(day: Day) -> str:
    parts = [f"{day.by_reason[reason]} {reason.label}" for reason in ORDER if day.by_reason.get(reason)]
    return "; ".join([f"{_spoken(day.day)}: {day.total} failed", *parts])


def _sentence(days: Sequence[Day], what: str) -> str:
    if not days:
        return f"No failed {what}."
    total = sum(day.total for day in days)
    span = f"from {_spoken(days[0].day)} to {_spoken(days[-1].day)}"
    if not total:
        return f"No failed {what} {span}."
    peak = max(days, key=lambda day: day.total)
    return f"{total} failed {what} {span}. Most on {_spoken(peak.day)}: {peak.total}."


def _spoken(day: date) -> str:
    return f"{day.day} {day:%B}"
