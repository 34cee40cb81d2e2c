"""Days are made and dropped while a dump reads them and others write: nobody waits for long, and nothing is forced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from undelivered.database import partitions
from undelivered.database.ids import uuid7
from undelivered.delivery import wake

pytestmark = pytest.mark.real

DAY = date(2021, 3, 4)
OLD = [partitions.name(hot, DAY) for hot in partitions.HOT]
NOT_SENT = partitions.HOT[3]
WRITE = (
    "INSERT INTO delivery_notsent (id, project_id, issue_key, event, name, recipient, recipient_name, cause)"
    " VALUES (%s, 0, '', '', 'scratch', '', '', '')"
)


def connect(**options: str) -> psycopg.Connection[Any]:
    given = " ".join(f"-c {name}={value}" for name, value in options.items())
    return psycopg.connect(wake.url(), autocommit=True, options=given)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's, but nothing is flushed: each test takes away what it has made."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def own(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """A connection that does not wait for ever, and an old day of every table."""
    with connect(statement_timeout="10s") as own:
        partitions.ensure(own.execute, today=DAY, back=0, ahead=0)
        try:
            yield own
        finally:
            for name in OLD:
                own.execute(f"DROP TABLE IF EXISTS {name}")
            own.execute("DELETE FROM delivery_notsent WHERE name = 'scratch'")


@contextmanager
def reading(*tables: str) -> Iterator[None]:
    """A dump, or whoever else reads for a long time."""
    with connect() as reader, reader.transaction():
        for table in tables:
            reader.execute(f"SELECT count(*) FROM {table}")
        yield


@contextmanager
def writing() -> Iterator[None]:
    """Two who write all the while, and are at the end of their patience long before the reader has finished."""
    enough, failures, begun = threading.Event(), [], threading.Barrier(3)

    def write() -> None:
        with connect(lock_timeout="3s") as writer:
            writer.execute(WRITE, [uuid7()])
            begun.wait(10)
            while not enough.is_set():
                try:
                    writer.execute(WRITE, [uuid7()])
                except psycopg.Error as error:
                    failures.append(error)
                    return

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        begun.wait(10)
        yield
    finally:
        enough.set()
        for writer in writers:
            writer.join()
    assert failures == []


def drop(own: psycopg.Connection[Any]) -> list[str]:
    return partitions.drop_before(own.execute, DAY + timedelta(days=3))


def test_what_a_dump_reads_stays_until_it_has_finished_and_writers_go_on(own):
    with writing():
        with reading(*(hot.table for hot in partitions.HOT)):
            assert [drop(own), drop(own)] == [[], []]
        assert set(drop(own)) == set(OLD)


def test_one_day_that_is_read_holds_up_nobody_else(own):
    with writing(), reading(partitions.name(NOT_SENT, DAY)):
        assert set(drop(own)) == set(OLD) - {partitions.name(NOT_SENT, DAY)}
        assert drop(own) == []


def test_one_program_at_a_time_drops(own):
    with connect() as other:
        other.execute(f"SELECT pg_advisory_lock({partitions._TURN})")
        assert drop(own) == []
        other.execute(f"SELECT pg_advisory_unlock({partitions._TURN})")
    assert set(drop(own)) == set(OLD)


def test_a_day_ahead_waits_for_a_dump_and_holds_up_nobody_who_looks_for_strays(own):
    drop(own)
    with reading(*(hot.table for hot in partitions.HOT)):
        assert partitions.ensure(own.execute, today=DAY, back=0, ahead=0) == []
        assert partitions.misplaced(own.execute) == {}
        assert own.execute(f"SELECT to_regclass('{OLD[0]}')").fetchone() == (None,), "nothing is left half made"
    assert partitions.ensure(own.execute, today=DAY, back=0, ahead=0) == OLD


def test_strays_stay_where_they_are_while_somebody_reads_them(own, monkeypatch):
    monkeypatch.setattr(partitions, "SETTLE_PATIENCE_MS", 50)
    drop(own)
    at = partitions.day_bounds(DAY)[0]
    own.execute(WRITE, [at])
    with reading("delivery_notsent_default"):
        assert partitions.settle(own.execute) == []
        assert partitions.misplaced(own.execute) == {"delivery_notsent": 1}
    assert partitions.settle(own.execute) == [partitions.name(NOT_SENT, DAY)]


def test_an_error_that_says_something_else_is_not_taken_for_patience(own):
    def execute(sql: str) -> Any:
        return own.execute(sql.replace("DROP TABLE delivery", "DROP TABLE no_such_delivery"))

    with pytest.raises(psycopg.errors.UndefinedTable):
        partitions.drop_before(execute, DAY + timedelta(days=3))
    assert set(drop(own)) == set(OLD)


def test_settings_are_as_they_were(own):
    with reading(*(hot.table for hot in partitions.HOT)):
        drop(own)
        partitions.ensure(own.execute, today=DAY + timedelta(days=1), back=0, ahead=0)
    shown = [own.execute(f"SHOW {name}").fetchone() for name in ("statement_timeout", "lock_timeout")]
    assert shown == [("10s",), ("0",)]
