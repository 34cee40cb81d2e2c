"""Keeping: partitions are made for the days ahead and dropped when too old; counts are folded and kept longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from undelivered.database import partitions
from undelivered.delivery.counts import FOLD

#: Counts outlive the rows: a year of charts.
COUNTS_DAYS = 400
USE_DAYS = 40
#: An address that fails again and again is blocked for longer each time: that takes a memory.
STRIKES_DAYS = 400


def keep_house(url: str, keep_days: int, today: datetime | None = None) -> dict[str, list[str]]:
    """One turn: what partitions were made and dropped. Cheap when there is nothing to do."""
    now = today or datetime.now(UTC)
    # A day is dropped when even its last row is too old.
    oldest = (now - timedelta(days=keep_days)).date()
    with psycopg.connect(url, autocommit=True) as connection:
        made = partitions.ensure(lambda text: connection.execute(sql.SQL(text)), today=now.date())
        dropped = partitions.drop_before(lambda text: connection.execute(sql.SQL(text)), oldest)
        while connection.execute(FOLD, [10_000]).fetchone() not in (None, (0,)):
            pass
        connection.execute("DELETE FROM delivery_dailycount WHERE day < %s", [now.date() - timedelta(days=COUNTS_DAYS)])
        connection.execute("DELETE FROM delivery_dailyuse WHERE day < %s", [now.date() - timedelta(days=USE_DAYS)])
        connection.execute("DELETE FROM delivery_strike WHERE day < %s", [now.date() - timedelta(days=STRIKES_DAYS)])
        connection.execute("DELETE FROM delivery_suppression WHERE until < %s", [now])
    return {"made": made, "dropped": dropped}
