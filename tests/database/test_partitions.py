"""Partitions: one a day, made ahead, dropped when old, and only those read that a query needs."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from tests import make
from undelivered.database import ids, partitions
from undelivered.delivery.models import Notification


def execute(sql):
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor


@pytest.fixture
def today():
    return datetime.now(UTC).date()


def test_migrating_makes_the_days_ahead(db, today):
    for hot in partitions.HOT:
        days = partitions.days(execute, hot)
        assert days[0] <= today
        assert days[-1] == today + timedelta(days=partitions.DAYS_AHEAD)


def test_making_them_again_makes_nothing(db):
    assert partitions.ensure(execute) == []


def test_a_row_lies_in_the_partition_of_its_day(db, today):
    row = make.notification(make.project())
    found = execute(f"SELECT tableoid::regclass FROM delivery_notification WHERE id = '{row.id}'").fetchone()[0]
    assert found == f"delivery_notification_p{today:%Y%m%d}"


def test_a_row_without_a_day_lies_in_the_safety_net_and_is_reported(db):
    make.notification(make.project(), at=datetime(2020, 1, 1, tzinfo=UTC))
    assert partitions.misplaced(execute)["delivery_notification"] == 1


def test_old_days_are_dropped_and_content_a_day_later(db, today):
    old = today - timedelta(days=30)
    partitions.ensure(execute, today=old, back=0, ahead=0)
    dropped = partitions.drop_before(execute, old + timedelta(days=1))
    assert f"delivery_notification_p{old:%Y%m%d}" in dropped
    assert f"delivery_content_p{old:%Y%m%d}" not in dropped
    assert partitions.drop_before(execute, old + timedelta(days=2)) == [f"delivery_content_p{old:%Y%m%d}"]


def test_a_leftover_of_a_killed_program_is_replaced(db):
    day = date(2031, 5, 5)
    execute("CREATE TABLE delivery_notsent_p20310505 (LIKE delivery_notsent)")
    assert "delivery_notsent_p20310505" in partitions.ensure(execute, today=day, back=0, ahead=0)
    assert day in partitions.days(execute, partitions.HOT[3])


def test_a_query_with_both_bounds_reads_only_the_days_it_names(db, today):
    low, high = ids.day_bounds(today)
    plan = str(Notification.objects.filter(id__gte=low, id__lt=high).explain())
    assert f"delivery_notification_p{today:%Y%m%d}" in plan
    assert f"delivery_notification_p{today + timedelta(days=1):%Y%m%d}" not in plan
    assert "default" not in plan
