"""Counts: appended as changes, folded into days of the site, and always the same sum."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime

import psycopg
import pytest
from django.test import override_settings

from tests import make
from undelivered.delivery import counts, wake
from undelivered.delivery.models import DailyCount, DailyCountDelta

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_alike_changes_are_one_row_and_those_that_cancel_out_none():
    changes = [
        (1, NOON, "request", "queued", "", 1),
        (1, NOON, "request", "queued", "", 1),
        (1, NOON, "request", "sent", "", 1),
        (1, NOON, "request", "sent", "", -1),
    ]
    assert counts.summed(changes) == [(1, date(2026, 7, 1), "request", "queued", "", 2)]


@pytest.mark.parametrize(("zone", "day"), [("UTC", 1), ("Europe/Berlin", 2), ("America/Los_Angeles", 1)])
def test_a_notification_belongs_to_the_sites_day(zone, day):
    with override_settings(TIME_ZONE=zone):
        assert counts.day_of(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == date(2026, 7, day)


@pytest.mark.django_db
def test_folding_moves_changes_into_counts_and_empties_itself():
    project = make.project()
    for _ in range(2):
        counts.add([(project.pk, NOON, "request", "queued", "", 3), (project.pk, NOON, "request", "sent", "", 1)])
        assert counts.fold() == 2
        assert not DailyCountDelta.objects.exists()
    assert set(DailyCount.objects.values_list("state", "n")) == {("queued", 6), ("sent", 2)}
    assert counts.fold() == 0


@pytest.mark.django_db
def test_folding_in_small_batches_comes_to_the_same():
    project = make.project()
    for _ in range(5):
        counts.add([(project.pk, NOON, "request", "queued", "", 1)])
    assert [counts.fold(2) for _ in range(4)] == [2, 2, 1, 0]
    assert DailyCount.objects.get().n == 5


@pytest.mark.django_db
def test_changes_of_a_project_that_is_gone_are_dropped():
    DailyCountDelta.objects.create(project_id=987654, day=NOON.date(), kind="request", state="queued", n=1)
    assert counts.fold() == 1
    assert not DailyCount.objects.exists()


def test_many_programs_may_fold_at_once_and_nothing_is_counted_twice(committed):
    project = make.project()
    for n in range(200):
        state = ("queued", "sent", "failed")[n % 3]
        DailyCountDelta.objects.create(
            project_id=project.pk, day=date(2026, 7, 1 + n % 5), kind="request", state=state, n=1
        )

    def fold():
        with psycopg.connect(wake.url(), autocommit=True) as connection:
            while connection.execute(counts.FOLD, [13]).fetchone() != (0,):
                pass

    threads = [threading.Thread(target=fold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not DailyCountDelta.objects.exists()
    assert sum(DailyCount.objects.values_list("n", flat=True)) == 200
