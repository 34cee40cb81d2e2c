"""How PostgreSQL fares: its size, its connections, the days that have partitions. For metrics, checks, the System page.

Functions take `execute(sql) -> cursor`, as those of `partitions` do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from undelivered.database import partitions
from undelivered.database.partitions import Execute

STATES = ("active", "idle", "idle in transaction", "other")


@dataclass(frozen=True, slots=True)
class Server:
    """`connections` are those to this database, by what they are at; `most` is what the server allows in all."""

    version: str
    size: int
    connections: dict[str, int]
    most: int


@dataclass(frozen=True, slots=True)
class Days:
    """The partitions of one hot table: which days, how many of them ahead, and rows that found none of them."""

    table: str
    all: tuple[date, ...]
    ahead: int
    kept: int
    misplaced: int


_SERVER = """
SELECT current_setting('server_version'), pg_database_size(current_database()), current_setting('max_connections')::int
"""
_CONNECTIONS = """
SELECT state, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1
"""


def server(execute: Execute) -> Server:
    version, size, most = execute(_SERVER).fetchone()
    found = dict.fromkeys(STATES, 0)
    for state, n in execute(_CONNECTIONS).fetchall():
        found[state if state in found else "other"] += n
    return Server(version.split()[0], size, found, most)


def days(execute: Execute, today: date | None = None) -> list[Days]:
    """Of every hot table. Where a day ahead is missing, the days after it do not count."""
    today = today or datetime.now(UTC).date()
    there = partitions.all_days(execute)
    lost = partitions.misplaced(execute)
    return [
        Days(
            hot.table,
            tuple(there[hot.table]),
            ahead=_unbroken(there[hot.table], today),
            kept=sum(1 for day in there[hot.table] if day <= today),
            misplaced=lost.get(hot.table, 0),
        )
        for hot in partitions.HOT
    ]


def _unbroken(found: list[date], today: date) -> int:
    """Days from today on without a gap, today not counted; -1 where even today has no partition."""
    known, ahead = set(found), -1
    while date.fromordinal(today.toordinal() + ahead + 1) in known:
        ahead += 1
    return ahead
