"""The log at scale: pages, filters, counts and the chart over many days and 500 projects of very different sizes.

`value` is the slowest query's p95 in the database (planning and execution, warm) in milliseconds; `peer_value` the same
with a tenth of the rows, `ratio` the one over the other. `ROWS=20000000` sets the size (default: 2 million).

Every query is the product's own: `delivery.failures` is called, and what it asks the database is asked again: with
EXPLAIN (ANALYZE, BUFFERS), and for its time, which is the processor time of the PostgreSQL process that answers: as
everything is warm, it waits for nothing but its turn on a busy machine.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._history import DAYS, database, fill, size
from undelivered.database.ids import uuid7_at

ROUNDS = 12
#: The bars: a p95 in any case, and with ten times the rows a lower one, or so many times the buffers.
SLOW_MS, QUICK_MS, GROWTH = 20.0, 5.0, 1.3
#: Asks the product, of a project.
Question = Callable[[Any, random.Random], Any]


class Seen(NamedTuple):
    """Milliseconds, and buffers that all but a twentieth of the questions stay below."""

    median: float
    p95: float
    buffers: int


def questions() -> dict[str, Question]:
    """What the product is asked for, by the name that the table shows."""
    from undelivered.delivery import failures, kept_counts
    from undelivered.delivery.filters import ALL, Filters

    def given(filters: dict[str, Any], project: Any, dice: random.Random) -> Any:
        return Filters(**{name: value(project, dice) if callable(value) else value for name, value in filters.items()})

    def page(*, later: bool = False, **filters: Any) -> Question:
        def ask(project: Any, dice: random.Random) -> None:
            cursor = uuid7_at(now - timedelta(days=dice.uniform(1, DAYS - 1))).hex if later else None
            failures.page(project, given(filters, project, dice), cursor=cursor)

        return ask

    def count(**filters: Any) -> Question:
        return lambda project, dice: failures.count(project, given(filters, project, dice))

    now = datetime.now(UTC)
    filters: dict[str, dict[str, Any]] = {
        "exact recipient": {"recipient": lambda _, dice: f"c{dice.randrange(200000)}@d{dice.randrange(5000)}.example"},
        "one letter of a recipient": {"recipient": lambda _, dice: f"c{dice.randrange(1, 10)}*"},
        "beginning of a recipient": {"recipient": lambda _, dice: f"c{dice.randrange(10, 1000)}*"},
        "most of a recipient": {"recipient": lambda _, dice: f"c{dice.randrange(20000)}*"},
        "domain": {"recipient": lambda _, dice: f"@d{dice.randrange(5000)}.example"},
        "issue key": {"issue_key": lambda project, dice: f"{project.key}-{dice.randrange(1, 20000)}"},
        "reason": {"reason": "unknown_error"},
        "a reason that is rare": {"reason": "private_address"},
        "notification name": {"name": "Request reopened"},
        "a name that is rare": {"name": "Approval required"},
        "period": {"since": now - timedelta(days=9), "until": now - timedelta(days=8)},
    }
    asked = {}
    for state in ("failed", ALL):
        asked[f"{state}: first page"] = page(state=state)
        asked[f"{state}: later page"] = page(state=state, later=True)
        asked |= {f"{state}: {name}": page(state=state, **value) for name, value in filters.items()}
        asked |= {f"{state}: {name}, later": page(state=state, later=True, **value) for name, value in filters.items()}
        asked[f"{state}: count"] = count(state=state)
        asked |= {f"{state}: {name}, count": count(state=state, **value) for name, value in filters.items()}
    asked["both tabs: first page"] = page(state=ALL, kind="")
    asked["both tabs: later page"] = page(state=ALL, kind="", later=True)
    asked["tabs and chart"] = lambda project, _: kept_counts.kept_counts(project)
    return asked


def explain(ask: Callable[[], Any]) -> tuple[float, int]:
    """Milliseconds in the database, and the buffers that were touched, of all that is asked there."""
    from django.db import connection

    said: list[tuple[str, Any]] = []

    def listen(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        said.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(listen):
        ask()
    return sum(_took(sql, values) for sql, values in said), sum(_touched(sql, values) for sql, values in said)


def _took(sql: str, values: Any) -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        pid = cursor.connection.info.backend_pid
        before = _processor_ms(pid)
        cursor.execute(sql, values)
        cursor.fetchall()
        return _processor_ms(pid) - before


def _processor_ms(pid: int) -> float:
    """Since it was started (Linux); elsewhere the time of day will do."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return 1000 * time.perf_counter()


def _touched(sql: str, values: Any) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values)
        row = cursor.fetchone()
    plan = row[0][0] if not isinstance(row[0], str) else json.loads(row[0])[0]
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def measure() -> dict[str, Seen]:
    """Over small, middle and the largest projects."""
    from undelivered.desk.models import Project

    projects = [Project.objects.get(pk=pk) for pk in (1, 2, 3, 10, 50, 200, 400, 500)]
    found = {}
    for name, ask in questions().items():
        dice = random.Random(name)
        for project in projects:
            explain(partial(ask, project, dice))  # warm
        seen = [explain(partial(ask, project, dice)) for _ in range(ROUNDS) for project in projects]
        times, buffers = (sorted(column) for column in zip(*seen, strict=True))
        nearly_all = int(len(seen) * 0.95)
        found[name] = Seen(statistics.median(times), times[nearly_all], buffers[nearly_all])
    return found


def good(seen: Seen, few: Seen) -> bool:
    return seen.p95 < SLOW_MS and (seen.p95 < QUICK_MS or seen.buffers <= GROWTH * few.buffers)


def main() -> None:
    rows = int(os.environ.get("ROWS", "2000000"))
    with database() as url:
        fill(url, rows // 10)
        few = measure()
        started = time.perf_counter()
        fill(url, rows)
        print(f"{rows:,} rows, made in {time.perf_counter() - started:.0f} s, {size(url) / 1e9:.1f} GB")
        many = measure()
    print(f"{'query':44s} {'ms':>8s} {'p95 ms':>8s} {'of a tenth':>11s} {'buffers':>9s} {'of a tenth':>11s}")
    for name, seen in many.items():
        mark = "" if good(seen, few[name]) else "  over the bar"
        print(
            f"{name:44s} {seen.median:8.2f} {seen.p95:8.2f} {few[name].p95:11.2f} {seen.buffers:9.0f}"
            f" {few[name].buffers:11.0f}{mark}"
        )
    slowest = max(seen.p95 for seen in many.values())
    peer = max(seen.p95 for seen in few.values())
    shown = {"name": "log", "value": round(slowest, 2), "unit": "ms", "peer": f"{rows // 10:,} rows"}
    print(json.dumps({**shown, "peer_value": round(peer, 2), "ratio": round(slowest / peer, 2)}))


if __name__ == "__main__":
    main()
