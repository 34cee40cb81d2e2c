"""What failures teach the suppression list: at once, after repeats, or never."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from tests.delivery.worker_at import connect
from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.delivery import suppression
from undelivered.delivery.models import Strike, Suppression
from undelivered.delivery.suppression import Evidence

pytestmark = pytest.mark.usefixtures("committed")


def learn(project, cause: str, address: str = "Ann@X.example") -> bool:
    """Whether a failure of this cause put the address on the list, or changed it there."""
    row = make.ids.uuid7()

    async def story():
        async with await connect() as connection:
            evidence = Evidence(row, project.pk, address, "ann@x.example", cause, "its words")
            return await suppression.learn(connection, [evidence])

    return asyncio.run(story()) == {row}


def entry_of(project, **values) -> Suppression:
    defaults = {"address": "ann@x.example", "address_key": "ann@x.example", "cause": "userunknown"}
    return Suppression.objects.create(project=project, **{**defaults, **values})


BLOCKING = [cause for cause in Cause if FACTS[cause].suppress is not Suppress.NEVER]


@pytest.mark.parametrize("cause", BLOCKING)
def test_a_failure_blocks_at_once_or_only_counts(cause):
    project = make.project()
    at_once = FACTS[cause].suppress is not Suppress.AFTER_REPEATS
    assert learn(project, cause.value) is at_once
    if at_once:
        entry = Suppression.objects.get()
        assert (entry.project, entry.cause, entry.until, entry.detail) == (project, cause.value, None, "its words")
    assert Strike.objects.count() == (0 if at_once else 1)


def test_three_failures_on_different_days_block_for_a_week_and_each_further_one_for_longer():
    project = make.project()
    today = timezone.now().date()
    for _ in range(3):
        assert not learn(project, "mailboxfull")
    assert Strike.objects.count() == 1  # one a day
    Strike.objects.create(project=project, address_key="ann@x.example", cause="suspend", day=today - timedelta(days=3))
    assert not learn(project, "mailboxfull")
    Strike.objects.create(project=project, address_key="ann@x.example", cause="filtered", day=today - timedelta(days=9))
    assert learn(project, "mailboxfull")
    entry = Suppression.objects.get()
    assert timedelta(days=7) - timedelta(minutes=1) < entry.until - timezone.now() <= timedelta(days=7)
    Strike.objects.create(project=project, address_key="ann@x.example", cause="filtered", day=today - timedelta(days=5))
    assert learn(project, "mailboxfull")
    entry.refresh_from_db()
    assert entry.until - timezone.now() > timedelta(days=13)


def test_a_lasting_entry_replaces_a_passing_one_and_never_the_other_way():
    project = make.project()
    entry = entry_of(project, cause="mailboxfull", until=timezone.now() + timedelta(days=3))
    assert learn(project, "userunknown")
    entry.refresh_from_db()
    assert (entry.cause, entry.until) == ("userunknown", None)
    for day in (1, 2):
        Strike.objects.create(
            project=project, address_key="ann@x.example", cause="suspend", day=timezone.now().date() - timedelta(day)
        )
    assert not learn(project, "suspend")
    entry.refresh_from_db()
    assert entry.cause == "userunknown"


def test_an_entry_whose_time_is_over_is_renewed():
    project = make.project()
    entry_of(project, until=timezone.now() - timedelta(days=1), created_by=make.person())
    assert suppression.find(project, "ann@x.example") is None
    assert learn(project, "userunknown")
    found = suppression.find(project, "ann@x.example")
    assert found.created_by is None


def test_many_workers_may_learn_the_same_at_once():
    project = make.project()

    async def one(n):
        async with await connect() as connection:
            failures = [
                Evidence(make.ids.uuid7(), project.pk, f"a{i}@x.example", f"a{i}@x.example", "userunknown", "")
                for i in (range(20) if n % 2 else reversed(range(20)))
            ]
            async with connection.transaction():
                return len(await suppression.learn(connection, failures))

    async def story():
        return await asyncio.gather(*(one(n) for n in range(4)))

    assert sum(asyncio.run(story())) == 20
    assert Suppression.objects.count() == 20
