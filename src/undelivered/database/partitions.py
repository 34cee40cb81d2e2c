"""One partition a day for the hot tables: made ahead, dropped when too old, without stopping readers or writers.

A partition is created alone and then attached: `PARTITION OF` would lock the parent against everything. The DEFAULT
partition is a safety net; a row in it is an alert (`misplaced`). Functions take `execute(sql) -> cursor`, so that they
work on any PostgreSQL connection, and commit nothing themselves.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from undelivered.database.ids import day_bounds, day_of

Execute = Callable[[str], Any]

DAYS_AHEAD = 30
LOCK_TIMEOUT_MS = 200
#: An id that says a day farther from today was made up.
FARTHEST = timedelta(days=3660)
_NAME = re.compile(r"_p(\d{4})(\d{2})(\d{2})$")


@dataclass(frozen=True, slots=True)
class Hot:
    """A table partitioned by day: the column of its id, the days it outlives notifications by, storage parameters."""

    table: str
    column: str = "id"
    outlives: int = 0
    storage: str = ""


HOT = (
    Hot("delivery_notification", storage="fillfactor=85"),
    # Mail over 2 kB would go to TOAST, a second table with a second write: a larger target is worth 30 %.
    Hot("delivery_content", outlives=1, storage="toast_tuple_target=8160"),
    Hot("delivery_deliveryevent", column="notification_id"),
    Hot("delivery_notsent"),
    Hot("inbound_arrival"),
)


def name(hot: Hot, day: date) -> str:
    return f"{hot.table}_p{day:%Y%m%d}"


def ensure(execute: Execute, *, today: date | None = None, back: int = 1, ahead: int = DAYS_AHEAD) -> list[str]:
    """Makes the partitions that are missing from `back` days ago to `ahead` days from now; the names of those made.

    Safe to run by several programs at once: a session lock makes the second one wait and find the work done.
    """
    today = today or datetime.now(UTC).date()
    made = []
    execute("SELECT pg_advisory_lock(hashtext('undelivered.partitions'))")
    try:
        there = {row[0] for row in _attached(execute)}
        for hot in HOT:
            for offset in range(-back, ahead + 1):
                partition = name(hot, today + timedelta(days=offset))
                if partition not in there:
                    _make(execute, hot, today + timedelta(days=offset))
                    made.append(partition)
    finally:
        execute("SELECT pg_advisory_unlock(hashtext('undelivered.partitions'))")
    return made


def _make(execute: Execute, hot: Hot, day: date) -> None:
    low, high = day_bounds(day)
    partition = name(hot, day)
    storage = f" WITH ({hot.storage})" if hot.storage else ""
    # A leftover of a program that was killed between CREATE and ATTACH is empty: nothing writes to it by name.
    execute(f"DROP TABLE IF EXISTS {partition}")
    execute(f"CREATE TABLE {partition} (LIKE {hot.table} INCLUDING ALL){storage}")
    execute(f"ALTER TABLE {hot.table} ATTACH PARTITION {partition} FOR VALUES FROM ('{low}') TO ('{high}')")


def days(execute: Execute, hot: Hot) -> list[date]:
    """The days that have a partition, oldest first."""
    return sorted(day for table, day in _attached(execute) if table == name(hot, day))


def all_days(execute: Execute) -> dict[str, list[date]]:
    """The same of every hot table, by its name, asked once."""
    found: dict[str, list[date]] = {hot.table: [] for hot in HOT}
    for partition, day in _attached(execute):
        found[_NAME.sub("", partition)].append(day)
    return {table: sorted(those) for table, those in found.items()}


def _attached(execute: Execute) -> Iterator[tuple[str, date]]:
    tables = ", ".join(f"'{hot.table}'::regclass" for hot in HOT)
    rows = execute(
        f"SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent IN ({tables})"  # noqa: S608
    ).fetchall()
    for (table,) in rows:
        if found := _NAME.search(table):
            yield table, date(*map(int, found.groups()))


def drop_before(
    execute: Execute, day: date, *, tries: int = 50, pause_s: float = 0.2, lock_errors: tuple[type[Exception], ...] = ()
) -> list[str]:
    """Drops every partition of the days before `day` (Content a day later); the names of those dropped.

    Waits at most 200 ms for each lock and then steps back, so that no reader or writer queues up behind it. `execute`
    must be in autocommit mode; `lock_errors` are what its driver raises when the lock was not to be had. What could not
    be dropped stays for the next run.
    """
    dropped = []
    execute(f"SET lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
    try:
        for hot in HOT:
            for old in days(execute, hot):
                too_old = old < day - timedelta(days=hot.outlives)
                if too_old and _drop(execute, name(hot, old), tries, pause_s, lock_errors):
                    dropped.append(name(hot, old))  # a drop is no transformation
    finally:
        execute("SET lock_timeout = DEFAULT")
    return dropped


def _drop(execute: Execute, partition: str, tries: int, pause_s: float, errors: tuple[type[Exception], ...]) -> bool:
    for _ in range(tries):
        try:
            execute(f"DROP TABLE {partition}")
        except errors:
            time.sleep(pause_s)
        else:
            return True
    return False


def misplaced(execute: Execute) -> dict[str, int]:
    """Rows that lie in a DEFAULT partition, by table: always empty, unless partitions were not made in time."""
    found = {}
    for hot in HOT:
        # At most a count of 1,000: the number matters less than that there is one.
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {hot.table}_default LIMIT 1000) t"  # noqa: S608
        if n := execute(sql).fetchone()[0]:
            found[hot.table] = n
    return found


def settle(execute: Execute) -> list[str]:
    """Gives rows of the DEFAULT partitions a day of their own; the partitions made for them.

    One statement a day, so that a row is in one place or the other. `execute` must be in autocommit mode. A row whose
    id says a day that cannot be meant stays where it is.
    """
    made, now = [], datetime.now(UTC).date()
    for hot in HOT:
        low, _ = day_bounds(now - FARTHEST)
        high, _ = day_bounds(now + FARTHEST)
        stray = (
            f"SELECT {hot.column} FROM {hot.table}_default WHERE {hot.column} >= '{low}' AND {hot.column} < '{high}' "  # noqa: S608
            f"ORDER BY {hot.column} LIMIT 1"
        )
        while row := execute(stray).fetchone():
            made.append(_settle(execute, hot, day_of(row[0])))
    return made


def _settle(execute: Execute, hot: Hot, day: date) -> str:
    low, high = day_bounds(day)
    partition, storage = name(hot, day), f" WITH ({hot.storage})" if hot.storage else ""
    execute(
        f"SET LOCAL lock_timeout = '5s'; "  # noqa: S608
        f"DROP TABLE IF EXISTS {partition}; CREATE TABLE {partition} (LIKE {hot.table} INCLUDING ALL){storage}; "
        f"WITH moved AS (DELETE FROM {hot.table}_default WHERE {hot.column} >= '{low}' AND {hot.column} < '{high}' "
        f"RETURNING *) INSERT INTO {partition} SELECT * FROM moved; "
        f"ALTER TABLE {hot.table} ATTACH PARTITION {partition} FOR VALUES FROM ('{low}') TO ('{high}')"
    )
    return partition
