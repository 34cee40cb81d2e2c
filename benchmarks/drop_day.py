"""Dropping a day: how long it takes, and how long those wait who write meanwhile, also while a dump reads everything.

`value` is the longest that a write took while days were dropped, in milliseconds; `peer_value` the longest while nobody
dropped anything. `ROWS` sets how many notifications the large day has (default: a million), each with its content of
4 KB and a line of history.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import _history
from undelivered.database import partitions
from undelivered.database.ids import day_bounds, uuid7
from undelivered.database.programs import binary

WRITERS = 4
TURNS = 10  # that find the dump still there
OTHERS = (
    "INSERT INTO delivery_content (id, project_id, event, from_name, from_address, reply_to, subject, text, html,"
    " headers, error, source) SELECT id, project_id, event, '', 'a@b.example', '', 'Subject',"
    " repeat(md5(id::text), 128), '', '[]', '', '{}' FROM delivery_notification WHERE id >= %(low)s AND id < %(high)s",
    "INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data) SELECT id, 'accepted',"
    " now(), 'accepted', 1, '{}' FROM delivery_notification WHERE id >= %(low)s AND id < %(high)s",
)
NEW = (
    "INSERT INTO delivery_notification (id, project_id, kind, event, name, recipient, recipient_key, recipient_domain,"
    " recipient_name, issue_key, content_id, personal, state, reason, detail, cause, enhanced_code, attempts, due_at,"
    " message_id) VALUES (%(id)s, 1, 'request', '', '', 'a@b.example', 'a@b.example', 'b.example', '', '', %(id)s,"
    " '{}', 'sent', '', '', '', '', 0, NULL, '')"
)
LATER = "UPDATE delivery_notification SET detail = 'done' WHERE id = %(id)s AND id >= %(id)s AND id <= %(id)s"


@dataclass
class Writers:
    """Threads that write without a pause, and how long their writes took: (when it began, seconds)."""

    url: str
    enough: threading.Event = field(default_factory=threading.Event)
    took: list[tuple[float, float]] = field(default_factory=list)

    def work(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as own:
            while not self.enough.is_set():
                id = uuid7()
                for statement in (NEW, LATER):
                    begun = time.perf_counter()
                    own.execute(statement, {"id": id})
                    self.took.append((begun, time.perf_counter() - begun))

    def longest(self, since: float, until: float) -> float:
        """Of the writes that were under way in that time, in milliseconds."""
        return max(1000 * took for begun, took in list(self.took) if begun < until and begun + took > since)


@contextmanager
def writing(url: str) -> Iterator[Writers]:
    writers = Writers(url)
    threads = [threading.Thread(target=writers.work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.enough.set()
        for thread in threads:
            thread.join()


@contextmanager
def dump(url: str, own: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """A real one that nobody reads from: it has locked everything, and comes to no end."""
    process = subprocess.Popen([binary("pg_dump"), "--format=plain", url], stdout=subprocess.PIPE)
    held = "SELECT 1 FROM pg_locks WHERE relation = %s::regclass AND mode = 'AccessShareLock'"
    try:
        while not own.execute(held, [table]).fetchone():
            assert process.poll() is None, "pg_dump ended"
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.communicate()
        while own.execute(held, [table]).fetchone():
            time.sleep(0.05)


def make(own: psycopg.Connection[Any], day: date, rows: int) -> str:
    """A day with so many of everything; how large it is."""
    partitions.ensure(lambda text: own.execute(sql.SQL(text)), today=day, back=0, ahead=0)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    own.execute(_history.FILL, {"from": start, "n": rows, "projects": _history.PROJECTS})
    low, high = day_bounds(day)
    for statement in OTHERS:
        own.execute(statement, {"low": low, "high": high})
    names = [partitions.name(hot, day) for hot in partitions.HOT]
    row = own.execute(
        "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) name", [names]
    ).fetchone()
    assert row is not None
    return f"{rows:,} rows, {float(row[0]) / 1e9:.1f} GB"


@dataclass
class Drop:
    """When it began and ended, and for how long of that the day's tables were locked: until they were gone for
    everybody. Only then PostgreSQL removes their files."""

    begun: float
    ended: float
    locked: float
    tables: int


def drop(url: str, own: psycopg.Connection[Any], day: date) -> Drop:
    statements: list[tuple[str, float]] = []
    seen: dict[str, float] = {}
    begun = time.perf_counter()
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as other:
            while not over.is_set():
                for name, at in statements:
                    if name not in seen and other.execute("SELECT to_regclass(%s)", [name]).fetchone() == (None,):
                        seen[name] = time.perf_counter() - at
                time.sleep(0.001)

    def execute(statement: str) -> Any:
        if "DROP TABLE" in statement:
            statements.append((statement.rpartition(" ")[2], time.perf_counter()))
        return own.execute(sql.SQL(statement))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        gone = partitions.drop_before(execute, day + timedelta(days=2))  # contents go a day later
    finally:
        ended = time.perf_counter()
        time.sleep(0.05)
        over.set()
        watching.join()
    return Drop(begun, ended, sum(seen.values()), len(gone))


def main() -> None:
    rows = int(os.environ.get("ROWS", "1000000"))
    today = datetime.now(UTC).date()
    small, large = today - timedelta(days=60), today - timedelta(days=50)
    waits: list[float] = []
    with ExitStack() as stack:
        url = stack.enter_context(_history.database(fsync=True))
        own = stack.enter_context(psycopg.connect(url, autocommit=True))
        sizes = {day: make(own, day, n) for day, n in ((small, rows // 10), (large, rows))}
        own.execute("VACUUM ANALYZE")
        writers = stack.enter_context(writing(url))

        begun = time.perf_counter()
        time.sleep(10)
        quiet = writers.longest(begun, time.perf_counter())
        print(f"nobody drops anything: the longest write takes {quiet:.1f} ms")

        def note(what: str, *drops: Drop) -> None:
            time.sleep(0.5)  # who waits now has not been counted yet
            waits.append(writers.longest(drops[0].begun, drops[-1].ended))
            locked, took = sum(one.locked for one in drops), drops[-1].ended - drops[0].begun
            print(f"{what}: locked for {locked:.3f} s of {took:.3f} s, the longest write takes {waits[-1]:.1f} ms")

        done = drop(url, own, small)
        assert done.tables == len(partitions.HOT)
        note(f"a day of {sizes[small]}", done)
        with dump(url, own, partitions.name(partitions.HOT[0], large)):
            turns = [drop(url, own, large) for _ in range(TURNS)]
            assert not any(one.tables for one in turns), "a dump reads it"
            note(f"{TURNS} tries while a dump reads it", *turns)
        done = drop(url, own, large)
        assert done.tables == len(partitions.HOT)
        note(f"a day of {sizes[large]}", done)
    shown = {"name": "drop_day", "value": round(max(waits), 1), "unit": "ms, longest write", "peer": "no drop"}
    print(json.dumps({**shown, "peer_value": round(quiet, 1), "ratio": round(max(waits) / quiet, 2)}))


if __name__ == "__main__":
    main()
