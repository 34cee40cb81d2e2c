"""Daily limits: never exceeded, whoever reserves at once; unused grants go back; a day is the site's."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import override_settings

from tests import make
from tests.delivery.worker_at import connect
from undelivered.delivery import limits
from undelivered.delivery.limits import Usage
from undelivered.delivery.models import DailyUse

pytestmark = pytest.mark.usefixtures("committed")


def reserving(wanted, limit_of, site=None):
    async def story():
        async with await connect() as connection:
            return await limits.reserve(connection, wanted, limit_of, site)

    return asyncio.run(story())


def used() -> dict[int | None, int]:
    return dict(DailyUse.objects.values_list("project_id", "used"))


def test_what_is_wanted_is_granted_without_limits_and_counted(project):
    granted = reserving({project.pk: 5}, {})
    assert granted.mails == {project.pk: 5}
    assert granted.day == limits.today()
    assert not granted.short_by_site
    assert used() == {project.pk: 5, None: 5}


def test_a_project_gets_up_to_its_limit_and_no_more(project):
    assert reserving({project.pk: 3}, {project.pk: 4}).mails == {project.pk: 3}
    assert reserving({project.pk: 3}, {project.pk: 4}).mails == {project.pk: 1}
    assert reserving({project.pk: 3}, {project.pk: 4}).mails == {project.pk: 0}
    assert used() == {project.pk: 4, None: 4}


def test_a_limit_that_was_lowered_below_its_use_grants_nothing_and_takes_nothing_back(project):
    reserving({project.pk: 5}, {project.pk: 10})
    assert reserving({project.pk: 1}, {project.pk: 2}).mails == {project.pk: 0}
    assert used() == {project.pk: 5, None: 5}


def test_what_the_site_does_not_grant_goes_back_to_the_projects(project):
    other = make.project("HR")
    granted = reserving({project.pk: 4, other.pk: 4}, {project.pk: 10, other.pk: 10}, site=5)
    assert granted.mails == {project.pk: 4, other.pk: 1}
    assert granted.short_by_site == {other.pk}
    assert used() == {project.pk: 4, other.pk: 1, None: 5}


def test_the_site_that_is_used_up_grants_nothing_to_anybody(project):
    other = make.project("HR")
    reserving({project.pk: 3}, {}, site=3)
    granted = reserving({project.pk: 2, other.pk: 2}, {}, site=3)
    assert granted.mails == {project.pk: 0, other.pk: 0}
    assert granted.short_by_site == {project.pk, other.pk}
    assert used() == {project.pk: 3, other.pk: 0, None: 3}


@pytest.mark.parametrize(("project_limit", "site_limit"), [(50, None), (None, 50), (50, 50), (70, 50), (30, 40)])
def test_many_at_once_never_exceed_the_limits_and_leave_nothing_unused(project, project_limit, site_limit):
    other = make.project("HR")
    limit_of = {project.pk: project_limit, other.pk: project_limit}

    async def worker(n):
        got = 0
        async with await connect() as connection:
            for turn in range(8):
                wanted = {project.pk: 3 + n, other.pk: 2 + turn}
                got += sum((await limits.reserve(connection, wanted, limit_of, site_limit)).mails.values())
        return got

    async def story():
        return await asyncio.gather(*(worker(n) for n in range(5)))

    granted = sum(asyncio.run(story()))
    in_use = used()
    assert granted == in_use[None] == in_use[project.pk] + in_use[other.pk]
    most_of_both = 2 * project_limit if project_limit is not None else 10**9
    assert granted == min(most_of_both, site_limit or 10**9)
    if project_limit is not None:
        assert max(in_use[project.pk], in_use[other.pk]) <= project_limit


def test_many_first_ones_of_a_day_make_one_row(project):
    async def first():
        async with await connect() as connection:
            return (await limits.reserve(connection, {project.pk: 1}, {project.pk: 3}, None)).mails[project.pk]

    async def story():
        return await asyncio.gather(*(first() for _ in range(6)))

    assert sum(asyncio.run(story())) == 3
    assert used() == {project.pk: 3, None: 3}


@pytest.mark.parametrize(
    ("zone", "moment", "day", "resets"),
    [
        ("UTC", "2026-07-01T23:59Z", "2026-07-01", "2026-07-02T00:00Z"),
        ("Europe/Berlin", "2026-07-01T21:59Z", "2026-07-01", "2026-07-01T22:00Z"),
        ("Europe/Berlin", "2026-07-01T22:00Z", "2026-07-02", "2026-07-02T22:00Z"),
        ("Europe/Berlin", "2026-10-24T23:00Z", "2026-10-25", "2026-10-25T23:00Z"),  # a day of 25 hours
        ("America/New_York", "2026-07-01T03:00Z", "2026-06-30", "2026-07-01T04:00Z"),
        ("Asia/Kathmandu", "2026-07-01T18:15Z", "2026-07-02", "2026-07-02T18:15Z"),
    ],
)
def test_a_day_begins_at_midnight_of_the_sites_zone(zone, moment, day, resets):
    with override_settings(TIME_ZONE=zone):
        moment, day, resets = datetime.fromisoformat(moment), date.fromisoformat(day), datetime.fromisoformat(resets)
        assert limits.today(moment) == day
        assert limits.resets_at(moment) == resets
        assert limits.begins(day) <= moment < limits.resets_at(moment)


def test_usage_says_what_is_used_of_both_limits_today(project, settings):
    project.daily_limit = 10
    project.save()
    make.project("HR")
    yesterday = limits.today() - timedelta(days=1)
    DailyUse.objects.create(project=project, day=yesterday, used=9)
    DailyUse.objects.create(project=project, day=limits.today(), used=4)
    DailyUse.objects.create(project=None, day=limits.today(), used=7)
    found = limits.usage(project)
    assert (found.used, found.limit, found.site_used, found.site_limit) == (4, 10, 7, None)
    assert found.zone == "UTC"
    assert found.resets_at > datetime.now(UTC)
    assert not found.reached
    assert found.tightest == (4, 10)


def test_usage_of_an_unused_day_is_nothing(project):
    found = limits.usage(project)
    assert (found.used, found.site_used, found.tightest, found.reached) == (0, 0, None, False)


@pytest.mark.parametrize(
    ("numbers", "reached", "tightest"),
    [
        ((5, 5, 0, None), True, (5, 5)),
        ((5, 6, 0, None), False, (5, 6)),
        ((1, 100, 50, 50), True, (50, 50)),
        ((1, None, 49, 50), False, (49, 50)),
        ((90, 100, 20, 25), False, (20, 25)),
        ((0, 0, 0, None), True, (0, 0)),
    ],
)
def test_the_tighter_limit_is_the_one_that_counts(numbers, reached, tightest):
    used, limit, site_used, site_limit = numbers
    found = Usage(used, limit, datetime.now(UTC), "UTC", site_used, site_limit)
    assert found.reached is reached
    assert found.tightest == tightest
