"""One partition a day for the hot tables: made ahead, dropped when too old, without stopping readers or writers.

A partition is created alone and then attached: `PARTITION OF` would lock the parent against everything. Attaching and
dropping take a moment, or step back until the next turn: whoever waits for a lock holds up all who come after. The
DEFAULT partition is a safety net; a row in it is an alert (`misplaced`). Functions take `execute(sql) -> cursor`, so
that they work on any PostgreSQL connection, and commit nothing themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from undelivered.database.ids import day_bounds, day_of

Execute = Callable[[str], Any]

DAYS_AHEAD = 30
#: How long to wait for locks while others wait behind us.
PATIENCE_MS = 100
#: The same where nobody waits behind us: in the safety net, which is empty.
SETTLE_PATIENCE_MS = 5000
#: Somebody else has the table for longer than that: a dump, for one.
BUSY = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)
#: An id that says a day farther from today was made up.
FARTHEST = timedelta(days=3660)
_NAME = re.compile(r"_p(\d{4})(\d{2})(\d{2})$")
#: One program at a time makes and drops them.
_TURN = "hashtext('undelivered.partitions')"


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

    Safe to run by several programs at once: a session lock makes the second one wait and find the work done. What
    could not be attached, as the table is in use, is left for the next turn.
    """
    today = today or datetime.now(UTC).date()
    made = []
    execute(f"SELECT pg_advisory_lock({_TURN})")
    try:
        there = {row[0] for row in _attached(execute)}
        for hot in HOT:
            for day in (today + timedelta(days=offset) for offset in range(-back, ahead + 1)):
                if name(hot, day) in there:
                    continue
                if not _unless_busy(execute, _make(hot, day)):
                    break  # its other days need the same lock
                made.append(name(hot, day))
    finally:
        execute(f"SELECT pg_advisory_unlock({_TURN})")
    return made


def _make(hot: Hot, day: date, rows: str = "", patience_ms: int = PATIENCE_MS) -> str:
    """One transaction: a program that is killed leaves nothing behind. `rows` puts some in before it is attached."""
    low, high = day_bounds(day)
    partition = name(hot, day)
    storage = f" WITH ({hot.storage})" if hot.storage else ""
    return (
        f"SET LOCAL lock_timeout = '{patience_ms}ms'; "
        f"DROP TABLE IF EXISTS {partition}; "  # what an earlier version left behind is empty: nothing writes to it
        f"CREATE TABLE {partition} (LIKE {hot.table} INCLUDING ALL){storage}; {rows}"
        f"ALTER TABLE {hot.table} ATTACH PARTITION {partition} FOR VALUES FROM ('{low}') TO ('{high}')"
    )


def _unless_busy(execute: Execute, sql: str) -> bool:
    """Whether it was done: else somebody has what it needs, and nothing was."""
    try:
        execute(sql)
    except Exception as error:
        # Django has words of its own for it, with the driver's behind them.
        if not isinstance(error.__cause__ or error, BUSY):
            raise
        return False
    return True


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


def drop_before(execute: Execute, day: date) -> list[str]:
    """Drops every partition of the days before `day` (Content a day later); the names of those dropped.

    No reader or writer waits for longer than a moment: a day that is in use stays for the next turn. One program at a
    time, so that the moments do not add up. `execute` must be in autocommit mode.
    """
    if execute(f"SELECT pg_try_advisory_lock({_TURN})").fetchone() != (True,):
        return []
    dropped = []
    try:
        for hot in HOT:
            for old in days(execute, hot):
                if old >= day - timedelta(days=hot.outlives):
                    break
                if not _unless_busy(execute, _drop(hot, old)):
                    break  # its other days need the same lock
                dropped.append(name(hot, old))
    finally:
        execute(f"SELECT pg_advisory_unlock({_TURN})")
    return dropped


def _drop(hot: Hot, day: date) -> str:
    """One transaction. All locks are asked for in one statement, so that its time counts for all of them together."""
    partition = name(hot, day)
    return (
        f"SET LOCAL statement_timeout = '{PATIENCE_MS}ms'; "
        f"LOCK TABLE ONLY {hot.table}, {partition}, {hot.table}_default IN ACCESS EXCLUSIVE MODE; "
        f"SET LOCAL statement_timeout = 0; DROP TABLE {partition}"
    )


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

    A day at a time, so that a row is in one place or the other. `execute` must be in autocommit mode. A row whose id
    says a day that cannot be meant stays where it is, and so do all of a table that is in use.
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
            day = day_of(row[0])
            if not _settle(execute, hot, day):
                break
            made.append(name(hot, day))
    return made


def _settle(execute: Execute, hot: Hot, day: date) -> bool:
    low, high = day_bounds(day)
    moved = (
        f"WITH moved AS (DELETE FROM {hot.table}_default WHERE {hot.column} >= '{low}' AND {hot.column} < '{high}' "  # noqa: S608
        f"RETURNING *) INSERT INTO {name(hot, day)} SELECT * FROM moved; "
    )
    return _unless_busy(execute, _make(hot, day, moved, SETTLE_PATIENCE_MS))
