"""Keeping: days are made ahead and dropped when too old; what is counted by the day goes after its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests import make
from undelivered.database import partitions
from undelivered.delivery import counts, retention, wake
from undelivered.delivery.models import DailyCount, DailyUse, Notification, Strike, Suppression

pytestmark = pytest.mark.usefixtures("committed")


def days_of(table: int = 0):
    def execute(sql):
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor

    return partitions.days(execute, partitions.HOT[table])


def test_a_turn_with_nothing_to_do_does_nothing():
    assert retention.keep_house(wake.url(), 21) == {"made": [], "dropped": []}


def test_days_are_dropped_when_their_last_row_is_too_old():
    now = datetime.now(UTC)
    past = now - timedelta(days=25)
    retention.keep_house(wake.url(), 365, past)  # makes the days around then
    project = make.project()
    old = make.notification(project, at=now - timedelta(days=22))
    kept = make.notification(project, at=now - timedelta(days=21))
    done = retention.keep_house(wake.url(), 21, now)
    assert f"delivery_notification_p{now - timedelta(days=22):%Y%m%d}" in done["dropped"]
    assert f"delivery_notification_p{now - timedelta(days=21):%Y%m%d}" not in done["dropped"]
    assert days_of()[0] == now.date() - timedelta(days=21)
    assert days_of(1)[0] == now.date() - timedelta(days=22)  # content outlives its notifications by a day
    assert set(Notification.objects.values_list("id", flat=True)) == {kept.id}
    assert old.id < kept.id
    retention.keep_house(wake.url(), 1, now)  # as the other tests found it


def test_a_fresh_day_is_made_ahead():
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    last = days_of()[-1]
    made = retention.keep_house(wake.url(), 365, tomorrow)["made"]
    assert len(made) == len(partitions.HOT)
    assert days_of()[-1] == last + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(";".join(f"DROP TABLE {name}" for name in made))


def test_counts_are_folded_and_kept_longer_than_rows():
    project = make.project()
    today = timezone.now().date()
    counts.add([(project.pk, timezone.now(), "request", "sent", "", 2)])
    for age in (399, 401):
        DailyCount.objects.create(project=project, day=today - timedelta(days=age), kind="request", state="sent", n=1)
    retention.keep_house(wake.url(), 21)
    assert sorted(DailyCount.objects.values_list("n", flat=True)) == [1, 2]


def test_what_nobody_asks_for_any_more_is_removed():
    project, now = make.project(), timezone.now()
    for age in (39, 41):
        DailyUse.objects.create(project=project, day=(now - timedelta(days=age)).date())
    for age in (300, 500):
        Strike.objects.create(
            project=project, address_key="a@x.example", cause="suspend", day=(now - timedelta(days=age)).date()
        )
    for n, until in enumerate((None, now + timedelta(days=1), now - timedelta(seconds=1))):
        Suppression.objects.create(project=project, address_key=f"a{n}@x.example", cause="suspend", until=until)
    retention.keep_house(wake.url(), 21)
    assert (DailyUse.objects.count(), Strike.objects.count(), Suppression.objects.count()) == (1, 1, 2)
