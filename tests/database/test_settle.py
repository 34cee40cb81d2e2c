"""Rows of the safety net get a day of their own, wholly or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from tests import make
from undelivered.database import partitions
from undelivered.delivery.models import Notification

MADE_UP = UUID("ffffffff-ffff-7000-8000-000000000000")
LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)
AHEAD = datetime.now(UTC) + timedelta(days=60)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's, but each test's rows and days are taken away one by one."""
    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM delivery_notification; DELETE FROM delivery_content; DELETE FROM desk_project")
            for day in (LONG_AGO, AHEAD):
                for hot in partitions.HOT:
                    cursor.execute(f"DROP TABLE IF EXISTS {partitions.name(hot, day.date())}")
        connection.close()


def execute(sql: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor


@pytest.fixture
def stray(transactional_db) -> list[Notification]:
    project = make.project()
    return [make.notification(project, at=moment) for moment in (LONG_AGO, LONG_AGO, AHEAD, datetime.now(UTC))]


def day_of(row: Notification) -> str:
    return execute(f"SELECT tableoid::regclass::text FROM delivery_notification WHERE id = '{row.id}'").fetchone()[0]


def test_each_row_moves_into_its_day(stray):
    assert partitions.misplaced(execute) == {"delivery_notification": 3}
    made = partitions.settle(execute)
    assert made == ["delivery_notification_p20200101", f"delivery_notification_p{AHEAD:%Y%m%d}"]
    assert partitions.misplaced(execute) == {}
    assert day_of(stray[0]) == day_of(stray[1]) == "delivery_notification_p20200101"
    assert Notification.objects.count() == 4


def test_where_nothing_strayed_nothing_is_made(transactional_db):
    assert partitions.settle(execute) == []


def test_an_id_that_was_made_up_stays(transactional_db):
    row = make.notification(make.project())
    Notification.objects.filter(pk=row.pk).delete()
    Notification.objects.create(
        id=MADE_UP, project_id=row.project_id, kind="request", event="x", name="x", recipient="a@x.example",
        recipient_key="a@x.example", recipient_domain="x.example", content_id=row.content_id,
    )  # fmt: skip
    assert partitions.settle(execute) == []
    assert partitions.misplaced(execute) == {"delivery_notification": 1}


def test_a_day_that_cannot_be_attached_leaves_its_rows_where_they_are(stray):
    def broken(sql: str) -> Any:
        return execute(sql.replace("ATTACH PARTITION", "ATTACH PARTITION no_such_"))

    with contextlib.suppress(psycopg.Error, Exception):
        partitions.settle(broken)
    assert partitions.misplaced(execute) == {"delivery_notification": 3}
    assert execute("SELECT to_regclass('delivery_notification_p20200101')").fetchone() == (None,)
