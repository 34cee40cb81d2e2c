"""The chart of what the workers got done, half an hour a column: its geometry, as `chart` draws failures per day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from undelivered.delivery.models import Throughput
from undelivered.web.pages.chart import BASE, HEIGHT, LEAST, Line, grid_line, grid_step

HOURS = 24
WIDE = timedelta(minutes=30)
#: From the bottom of a column to its top. The names are fields of `Throughput` and classes of the stylesheet.
KINDS = {"sent": "Sent", "retried": "To be tried again", "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class Piece:
    kind: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    begins: datetime
    x: str
    words: str
    label: str
    pieces: tuple[Piece, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    totals: tuple[tuple[str, str, int], ...]  # kind, label, how many
    width: str
    sentence: str


def since(now: datetime) -> datetime:
    """When the first column begins: whole half hours, and the one that runs now is the last."""
    return _floor(now) - timedelta(hours=HOURS) + WIDE


def draw(slots: Iterable[Throughput], now: datetime) -> Flow:
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0] * len(KINDS))
    for slot in slots:
        column = sums[_floor(slot.slot)]
        for i, kind in enumerate(KINDS):
            column[i] += getattr(slot, kind)
    first, n = since(now), int(timedelta(hours=HOURS) / WIDE)
    moments = [first + i * WIDE for i in range(n)]
    top = max((sum(sums[moment]) for moment in moments), default=0)
    step = grid_step(top)
    ceiling = max(step, -(-top // step) * step)
    columns = tuple(_column(i, moment, sums[moment], n, ceiling) for i, moment in enumerate(moments))
    totals = tuple(
        (kind, label, sum(sums[moment][i] for moment in moments)) for i, (kind, label) in enumerate(KINDS.items())
    )
    lines = tuple(grid_line(value, ceiling) for value in range(0, ceiling + 1, step))
    return Flow(columns, lines, totals, f"{100 / n:.3f}%", _sentence(totals))


def _floor(moment: datetime) -> datetime:
    seconds = WIDE.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, tz=UTC)


def _column(i: int, begins: datetime, numbers: list[int], n: int, ceiling: int) -> Column:
    y, pieces = BASE, []
    for kind, many in zip(KINDS, numbers, strict=True):
        if many:
            height = max(HEIGHT * many / ceiling, LEAST)
            y -= height
            pieces.append(Piece(kind, f"{y + 0.25:.2f}", f"{max(height - 0.5, 1):.2f}"))
    local, end = timezone.localtime(begins), timezone.localtime(begins + WIDE)
    said = "; ".join(f"{many:,} {label.lower()}" for many, label in zip(numbers, KINDS.values(), strict=True) if many)
    words = f"{local:%H:%M} to {end:%H:%M}: {said or 'nothing'}"
    # A label at the very end would hang over the edge.
    labelled = local.hour % 3 == 0 and local.minute < WIDE.seconds // 60 and i < n - 2
    label = f"{local:%H:%M}" if labelled else ""
    return Column(begins, f"{100 * i / n:.3f}%", words, label, tuple(pieces), tuple(numbers))


def _sentence(totals: Iterable[tuple[str, str, int]]) -> str:
    words = ", ".join(f"{many:,} {label.lower()}" for _, label, many in totals)
    return f"The last {HOURS} hours: {words}."
