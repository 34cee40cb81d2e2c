"""An index on a hot table, made while days come and go and others write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from undelivered.database import indexes
from undelivered.database.indexes import AddIndexByPartition, RemoveIndexByPartition, name_on

DAYS = ("20260101", "20260102", "20260103")


def connect() -> psycopg.Connection[Any]:
    from undelivered.delivery import wake

    return psycopg.connect(wake.url(), autocommit=True)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's, but nothing is flushed: each test takes away what it has made."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture
def table(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """A partitioned table with three days and a safety net, as the hot ones are."""
    with connect() as own:
        own.execute("CREATE TABLE hot (id int PRIMARY KEY, state text, n int) PARTITION BY RANGE (id)")
        try:
            for i, day in enumerate(DAYS):
                own.execute(f"CREATE TABLE hot_p{day} PARTITION OF hot FOR VALUES FROM ({10 * i}) TO ({10 * i + 10})")
            own.execute("CREATE TABLE hot_default PARTITION OF hot DEFAULT")
            own.execute("INSERT INTO hot SELECT i, 'failed', i FROM generate_series(0, 29) i")
            yield own
        finally:
            own.execute("DROP TABLE hot CASCADE")


def create(own: psycopg.Connection[Any]) -> list[str]:
    return indexes.create(own.execute, "hot", "hot_n", "(n) WHERE state = 'failed'")


def is_valid(own: psycopg.Connection[Any], name: str = "hot_n") -> bool:
    row = own.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]).fetchone()
    return row == (True,)


def test_every_partition_gets_it_the_newest_first_and_the_whole_is_valid(table):
    assert create(table) == ["hot_p20260103", "hot_p20260102", "hot_p20260101", "hot_default"]
    assert is_valid(table)
    assert all(is_valid(table, name_on("hot_n", f"hot_p{day}")) for day in DAYS)
    table.execute("SET enable_seqscan = off")
    plan = table.execute("EXPLAIN SELECT 1 FROM hot WHERE id < 10 AND n = 5 AND state = 'failed'").fetchall()
    assert "hot_p20260101_hot_n" in str(plan)


def test_a_second_time_there_is_nothing_to_do(table):
    create(table)
    assert create(table) == []


def test_a_day_that_is_made_later_has_it_too(table):
    create(table)
    table.execute("CREATE TABLE hot_p20260104 (LIKE hot INCLUDING ALL)")
    table.execute("ALTER TABLE hot ATTACH PARTITION hot_p20260104 FOR VALUES FROM (30) TO (40)")
    assert is_valid(table)
    assert create(table) == []


def test_a_day_that_is_made_meanwhile_gets_it(table):
    class Meanwhile:
        """Attaches a new day while the first one is being indexed."""

        done = False

        def execute(self, sql: str) -> Any:
            if "CONCURRENTLY" in sql and not self.done:
                self.done = True
                table.execute("CREATE TABLE hot_p20260104 (LIKE hot INCLUDING ALL)")
                table.execute("ALTER TABLE hot ATTACH PARTITION hot_p20260104 FOR VALUES FROM (30) TO (40)")
            return table.execute(sql)

    made = indexes.create(Meanwhile().execute, "hot", "hot_n", "(n)")
    assert set(made) >= {f"hot_p{day}" for day in DAYS}
    assert is_valid(table)
    assert indexes._without(table.execute, "hot", "hot_n") == []
    assert is_valid(table, name_on("hot_n", "hot_p20260101"))


def test_a_day_that_is_dropped_meanwhile_is_left_out(table):
    def execute(sql: str) -> Any:
        if "ON hot_p20260101" in sql:
            table.execute("DROP TABLE IF EXISTS hot_p20260101")
        return table.execute(sql)

    made = indexes.create(execute, "hot", "hot_n", "(n)")
    assert "hot_p20260101" not in made
    assert is_valid(table)


def test_what_was_interrupted_goes_on(table):
    table.execute("CREATE INDEX hot_n ON ONLY hot (n) WHERE state = 'failed'")
    half = name_on("hot_n", "hot_p20260102")
    table.execute(f"CREATE INDEX {half} ON hot_p20260102 (n) WHERE state = 'failed'")
    # As CONCURRENTLY leaves it behind when it is interrupted. Only a superuser may write this; so: as good as.
    real = table.execute

    def execute(sql: str) -> Any:
        if sql == indexes._VALID.format(index=half):
            return real("SELECT false")
        return real(sql)

    made = indexes.create(execute, "hot", "hot_n", "(n) WHERE state = 'failed'")
    assert "hot_p20260102" in made
    assert is_valid(table)


def test_a_reader_who_stays_does_not_make_writers_wait(table):
    """ATTACH and DROP want a lock that a long transaction does not give: they step back and let others by."""
    tries = []

    def execute(sql: str) -> Any:
        if "ATTACH" in sql:
            tries.append(table.execute("SHOW lock_timeout").fetchone())
            if len(tries) == 1:
                raise psycopg.errors.LockNotAvailable
        return table.execute(sql)

    indexes.create(execute, "hot", "hot_n", "(n)")
    assert tries[0] == ("200ms",)
    assert len(tries) == len(DAYS) + 2
    assert table.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_dropping_takes_it_from_every_partition(table):
    create(table)
    indexes.drop(table.execute, "hot_n")
    assert not is_valid(table)
    assert not is_valid(table, name_on("hot_n", "hot_p20260101"))
    indexes.drop(table.execute, "hot_n")


def test_names_fit_and_stay_apart():
    long = "delivery_notification_by_everything_that_can_be_asked_for"
    names = {name_on(long, f"delivery_deliveryevent_p202601{day:02}") for day in range(1, 29)}
    assert len(names) == 28
    assert max(map(len, names)) <= 63


def test_a_migration_makes_and_takes_it(transactional_db):
    index = models.Index(fields=["provider_id", "-id"], name="scratch_by_provider", condition=models.Q(state="failed"))
    operation = AddIndexByPartition("notification", index)
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("delivery", after)
    try:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("delivery", editor, before, after)
        with connect() as own:
            assert is_valid(own, "scratch_by_provider")
            today = f"delivery_notification_p{datetime.now(UTC):%Y%m%d}"
            row = own.execute("SELECT pg_get_indexdef(to_regclass(%s))", [name_on(index.name, today)]).fetchone()
            assert "(provider_id, id DESC) WHERE (state = 'failed'::text)" in str(row)
    finally:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("delivery", editor, after, before)
        with connect() as own:
            assert not is_valid(own, "scratch_by_provider")
        connection.close()


def test_a_migration_takes_one_away_and_makes_it_again(transactional_db):
    index = models.Index(fields=["provider_id", "-id"], name="scratch_by_provider", condition=models.Q(state="failed"))
    operation = RemoveIndexByPartition("notification", index.name)
    before = ProjectState.from_apps(apps)
    AddIndexByPartition("notification", index).state_forwards("delivery", before)
    after = before.clone()
    operation.state_forwards("delivery", after)
    steps = ((operation.database_backwards, after, before, True), (operation.database_forwards, before, after, False))
    for step, old, new, there in steps:
        with connection.schema_editor(atomic=False) as editor:
            step("delivery", editor, old, new)
        with connect() as own:
            assert is_valid(own, index.name) is there
    connection.close()


def test_they_are_indexes_as_far_as_django_knows():
    assert issubclass(AddIndexByPartition, migrations.AddIndex)
    assert issubclass(RemoveIndexByPartition, migrations.RemoveIndex)
