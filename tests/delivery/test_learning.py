"""What failures teach the suppression list: at once, after repeats, or never; where; and what is unlearned."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests import make
from tests.delivery.heard import of_site
from tests.delivery.worker_at import connect, types_of
from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.database.statements import run, run_on
from undelivered.delivery import suppression
from undelivered.delivery.evidence import Evidence
from undelivered.delivery.learning import learn
from undelivered.delivery.models import DeliveryEvent, Provider, Strike, Suppression
from undelivered.desk.actors import UNDELIVERED

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def failure(project, cause="userunknown", days_ago=0.0, address="Ann@X.example", **values) -> Evidence:
    """A mail that failed so many days ago, and its evidence."""
    at = NOW - timedelta(days=days_ago)
    row = make.notification(
        project, address, at=at, state="failed", cause=cause, detail="its words", finished_at=at, **values
    )
    return Evidence(row.id, project.pk, address, row.recipient_key, cause, "its words", at, values.get("provider_id"))


def learned(*evidence: Evidence) -> list[bool]:
    """Which of them block the address."""
    blocking = run(learn(evidence))
    return [one in blocking for one in evidence]


def entry_of(project, **values) -> Suppression:
    defaults = {"address": "ann@x.example", "address_key": "ann@x.example", "cause": "userunknown"}
    return Suppression.objects.create(project=project, **{**defaults, **values})


def entry() -> tuple[str, datetime | None]:
    found = Suppression.objects.get()
    return found.cause, found.until


BLOCKING = [cause for cause in Cause if FACTS[cause].suppress is not Suppress.NEVER]


@pytest.mark.parametrize("cause", BLOCKING)
def test_a_failure_blocks_at_once_or_only_counts(cause):
    project = make.project()
    at_once = FACTS[cause].suppress is not Suppress.AFTER_REPEATS
    one = failure(project, cause.value)
    assert learned(one) == [at_once]
    if at_once:
        found = Suppression.objects.get()
        assert (found.project, found.cause, found.until, found.detail) == (project, cause.value, None, "its words")
        assert (found.address, found.since, found.notification_id) == ("Ann@X.example", one.at, one.notification_id)
    assert Strike.objects.count() == (0 if at_once else 1)
    assert types_of(one.notification_id) == (["suppressed"] if at_once else [])


def test_the_line_of_history_comes_after_what_it_follows_from():
    one = failure(make.project())
    learned(one)
    line = DeliveryEvent.objects.get()
    assert line.data == {"cause": "userunknown", "address": "Ann@X.example"}
    assert line.at > one.at


def test_nothing_learned_is_nothing_asked():
    assert list(learn([])) == []


# --- where ------------------------------------------------------------------------------------------------------------


def test_what_the_sites_provider_says_of_a_dead_mailbox_holds_for_the_whole_site():
    project, other = make.project(), make.project("HR")
    learned(failure(project, provider_id=of_site(project)))
    assert Suppression.objects.get().project is None
    assert suppression.find(other, "ann@x.example")


def test_what_a_projects_own_provider_says_holds_for_that_project():
    project, other = make.project(), make.project("HR")
    own = Provider.objects.create(project=project, name="Its own")
    learned(failure(project, provider_id=own.pk), failure(project, address="bob@x.example", provider_id=99))
    assert {one.project for one in Suppression.objects.all()} == {project}
    assert not suppression.find(other, "ann@x.example")


@pytest.mark.parametrize("cause", ["feedback", "mailboxfull"])
def test_complaints_and_full_mailboxes_are_a_projects_own(cause):
    project = make.project()
    learned(*(failure(project, cause, days, provider_id=of_site(project)) for days in range(3)))
    assert Suppression.objects.get().project == project


# --- repeats ----------------------------------------------------------------------------------------------------------


def midnight_after(days: int) -> datetime:
    return datetime.combine(NOW.date() + timedelta(days=1 + days), datetime.min.time(), tzinfo=UTC)


def test_three_failures_on_different_days_block_for_a_week_and_each_further_one_for_longer(settings):
    settings.TIME_ZONE = "UTC"
    project = make.project()
    again = [failure(project, "mailboxfull", 3), failure(project, "mailboxfull", 3), failure(project, "suspend", 2)]
    assert learned(*again) == [False, False, False]
    assert Strike.objects.count() == 2  # one a day
    assert learned(failure(project, "mailboxfull", 1)) == [True]
    assert entry() == ("mailboxfull", midnight_after(-1 + 7))
    assert learned(failure(project, "filtered")) == [True]
    assert entry() == ("filtered", midnight_after(14))


def test_the_entry_names_the_first_failure_of_its_last_day():
    project = make.project()
    learned(failure(project, "mailboxfull", 3), failure(project, "mailboxfull", 2))
    first, second = failure(project, "mailboxfull"), failure(project, "mailboxfull")
    assert learned(second, first) == [True, True]
    assert Suppression.objects.get().notification_id == min(first.notification_id, second.notification_id)


def test_the_day_is_that_of_the_failure_in_the_sites_zone_not_that_of_its_reading(settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"  # 14 hours ahead
    one = failure(make.project(), "mailboxfull", 2)
    learned(one)
    assert Strike.objects.get().day == (one.at + timedelta(hours=14)).date()


def test_failures_that_are_learned_late_count_as_if_they_had_come_in_time():
    project = make.project()
    told = [failure(project, "mailboxfull", days) for days in (0, 3, 2, 1)]
    assert [learned(one)[0] for one in told] == [False, False, False, True]
    assert entry() == ("mailboxfull", midnight_after(14))
    blocking = DeliveryEvent.objects.filter(type="suppressed").values_list("notification_id", flat=True)
    assert set(blocking) == {told[0].notification_id, told[3].notification_id}


def test_a_block_that_would_be_over_by_now_is_not_made():
    project = make.project()
    assert learned(*(failure(project, "mailboxfull", days) for days in (18, 17, 16))) == [False, False, True]
    assert not Suppression.objects.exists()


# --- what is there already --------------------------------------------------------------------------------------------


def test_a_lasting_entry_replaces_a_passing_one_and_never_the_other_way():
    project = make.project()
    entry_of(project, cause="mailboxfull", until=timezone.now() + timedelta(days=3))
    learned(failure(project))
    assert entry() == ("userunknown", None)
    learned(*(failure(project, "suspend", days) for days in range(3)))
    assert entry() == ("userunknown", None)


def test_a_complaint_replaces_whatever_is_there_and_is_never_weakened():
    project = make.project()
    for there in ({}, {"cause": "manual"}, {"cause": "mailboxfull", "until": timezone.now() + timedelta(days=3)}):
        entry_of(project, **there)
        learned(failure(project, "feedback"))
        assert entry() == ("feedback", None)
        learned(failure(project), *(failure(project, "suspend", days) for days in range(3)))
        assert entry() == ("feedback", None)
        Suppression.objects.all().delete()


def test_a_complaint_and_a_dead_mailbox_at_once_are_a_complaint():
    project = make.project()
    assert learned(failure(project), failure(project, "feedback", 1)) == [True, True]
    assert entry() == ("feedback", None)


def test_what_a_person_added_for_good_stays_as_they_wrote_it():
    project = make.project()
    suppression.add(project, "ann@x.example", by=UNDELIVERED, detail="asked us not to write")
    learned(failure(project, days_ago=5), *(failure(project, "suspend", days) for days in range(3)))
    assert Suppression.objects.get().detail == "asked us not to write"


@pytest.mark.parametrize(("days", "cause"), [(3, "mailboxfull"), (30, "manual")])
def test_of_what_a_person_added_for_a_time_and_a_block_the_longer_one_stays(days, cause):
    project = make.project()
    suppression.add(project, "ann@x.example", by=UNDELIVERED, until=timezone.now() + timedelta(days=days))
    learned(*(failure(project, "mailboxfull", days) for days in range(3)))
    assert entry()[0] == cause


def test_the_first_failure_is_named_in_whatever_order_they_came():
    project = make.project()
    first, second = failure(project, days_ago=2), failure(project, "hasmoved", days_ago=1)
    learned(second)
    learned(first)
    assert Suppression.objects.get().notification_id == first.notification_id
    learned(second)
    assert Suppression.objects.get().notification_id == first.notification_id


def test_an_entry_whose_time_is_over_is_renewed():
    project = make.project()
    entry_of(project, until=timezone.now() - timedelta(days=1), created_by=make.person())
    assert suppression.find(project, "ann@x.example") is None
    learned(failure(project))
    assert suppression.find(project, "ann@x.example").created_by is None


# --- unlearning -------------------------------------------------------------------------------------------------------


def withdraw(*evidence: Evidence) -> None:
    """As if later receipts had proved them wrong."""
    for one in evidence:
        make.Notification.objects.filter(id=one.notification_id).update(state="delivered", cause="")
    run(learn([], evidence))


@pytest.mark.parametrize("site_wide", [True, False])
def test_an_entry_goes_with_the_failure_that_made_it_unless_another_one_holds_it_up(site_wide):
    project, other = make.project(), make.project("HR")
    provider = {"provider_id": of_site(project)} if site_wide else {}
    first, second = failure(project, days_ago=3, **provider), failure(project, days_ago=2, **provider)
    elsewhere = failure(other, days_ago=1, **provider)
    learned(first, second, elsewhere)
    withdraw(first)
    assert Suppression.objects.filter(address_key="ann@x.example").earliest("since").notification_id == (
        second.notification_id
    )
    withdraw(second)
    assert [one.notification_id for one in Suppression.objects.all()] == [elsewhere.notification_id]
    withdraw(elsewhere)
    assert not Suppression.objects.exists()
    assert not DeliveryEvent.objects.exists()


def test_an_entry_does_not_live_on_by_what_a_person_has_lifted():
    project = make.project()
    old, new = failure(project, days_ago=3), failure(project, days_ago=1)
    learned(old)
    suppression.lift(Suppression.objects.get(), by=UNDELIVERED)
    learned(new)
    withdraw(new)
    assert not Suppression.objects.exists()


def test_a_complaint_outlives_the_failure_that_was_there_before_it():
    project = make.project()
    dead, complaint = failure(project, days_ago=2), failure(project, "feedback", 1)
    learned(dead)
    learned(complaint)
    withdraw(dead)
    assert entry() == ("feedback", None)


def test_a_strike_goes_with_its_failure_unless_another_one_was_on_the_same_day():
    project = make.project()
    twice = [failure(project, "mailboxfull", 1), failure(project, "mailboxfull", 1)]
    others = [failure(project, "mailboxfull", 3), failure(project, "mailboxfull", 2)]
    learned(*twice, *others)
    assert Strike.objects.count() == 3
    withdraw(twice[0])
    assert Strike.objects.count() == 3
    assert Suppression.objects.get().notification_id == twice[1].notification_id
    withdraw(twice[1])
    assert Strike.objects.count() == 2
    assert not Suppression.objects.exists()
    assert not DeliveryEvent.objects.exists()


def test_where_a_dead_mailbox_was_none_the_repeats_before_it_block_again():
    project = make.project()
    dead = failure(project)
    learned(dead, *(failure(project, "mailboxfull", days) for days in range(3)))
    assert entry() == ("userunknown", None)
    withdraw(dead)
    assert entry()[0] == "mailboxfull"


def test_an_unverified_bounce_holds_nothing_up():
    project = make.project()
    first, other = failure(project, days_ago=2), failure(project, days_ago=1)
    DeliveryEvent.objects.create(
        notification_id=other.notification_id,
        event_key="x",
        at=other.at,
        type="bounced",
        data={"cause": "userunknown", "unverified": True},
    )
    learned(first)
    withdraw(first)
    assert not Suppression.objects.exists()


# --- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("cause", ["userunknown", "mailboxfull"])
def test_many_may_learn_the_same_at_once(cause):
    project = make.project()
    told = [[failure(project, cause, days, f"a{n}@x.example") for n in range(20)] for days in range(4)]

    async def one(n):
        async with await connect() as connection, connection.transaction():
            return len(await run_on(connection, learn(told[n] if n % 2 else told[n][::-1])))

    async def story():
        return await asyncio.gather(*(one(n) for n in range(4)))

    blocking = sum(asyncio.run(story()))
    assert Suppression.objects.count() == 20
    if cause == "userunknown":
        assert blocking == 80
    else:
        assert Strike.objects.count() == 80
        assert {one.until for one in Suppression.objects.all()} == {midnight_after(14)}
