"""A second provider takes the mail while the first one is out of order, and gives it back by itself."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from tests.delivery.worker_at import DOWN, LOST, OK, Scripted, make_due, state_of, types_of
from undelivered.delivery.models import DailyUse, DeliveryEvent, Notification, Provider
from undelivered.delivery.providers import FALLBACK

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def fallback(provider) -> Provider:
    """Beside the site's provider."""
    return Provider.objects.create(name="Second", url="smtp+plain://127.0.0.1:10", rank=FALLBACK)


@pytest.fixture
def first(worker) -> Scripted:
    return worker.script


@pytest.fixture
def second(worker, fallback) -> Scripted:
    worker.others[fallback.pk] = Scripted()
    return worker.others[fallback.pk]


def to(script: Scripted) -> list[str]:
    return [sent.recipient for sent in script.sent]


def rest(provider: Provider, *, ended: bool = False, **values) -> None:
    """An outage, whose pause has ended or lasts."""
    until = timezone.now() + timedelta(seconds=-1 if ended else 60)
    since = timezone.now() - timedelta(minutes=5)
    values = {"failures": 2, "paused_until": until, "incident_since": since, "incident": "down", **values}
    Provider.objects.filter(pk=provider.pk).update(**values)


def message_id(message: bytes) -> bytes:
    return re.search(rb"\r\nMessage-ID: (<[^>]+>)\r\n", message)[1]


def test_as_long_as_the_first_works_the_second_gets_nothing(worker, project, first, second):
    make.notification(project)
    worker.turn()
    assert (len(first.sent), len(second.sent)) == (1, 0)


def test_while_the_first_rests_its_mail_goes_to_the_second(worker, project, provider, fallback, first, second):
    rest(provider)
    row = make.notification(project)
    worker.turn()
    assert (len(first.sent), len(second.sent)) == (0, 1)
    assert state_of(row.id)[0] == "sent"
    assert Notification.objects.get().provider_id == fallback.pk


def test_the_mail_that_met_the_outage_goes_next_door_at_once(worker, project, provider, first, second):
    first.usual = DOWN
    row = make.notification(project, "ann@x.example")
    worker.turn()
    provider.refresh_from_db()
    waiting = Notification.objects.get()
    assert (waiting.state, waiting.attempts, waiting.cause) == ("queued", 0, "provider_unreachable")
    assert waiting.due_at < timezone.now() + timedelta(seconds=2) < provider.paused_until
    make_due(row.id)
    worker.turn()
    assert to(second) == ["ann@x.example"]
    assert types_of(row.id) == ["attempt", "accepted"]


def test_each_attempt_names_its_provider(worker, project, first, second):
    first.usual = DOWN
    row = make.notification(project)
    worker.turn()
    make_due(row.id)
    worker.turn()
    events = DeliveryEvent.objects.filter(notification_id=row.id).order_by("at")
    assert [event.data["provider"] for event in events] == ["Scripted", "Second"]


def test_those_in_line_need_not_meet_it_too(worker, project, first, second):
    """They go back without an attempt or a line of history, and keep their place in the daily limit."""
    met = asyncio.Event()

    async def hang():
        await met.wait()
        return DOWN

    first.usual = hang
    rows = [make.notification(project, f"a{n}@x.example") for n in range(12)]

    async def story():
        await worker.worker.turn()
        await asyncio.sleep(0)
        met.set()
        await worker.worker.hands.finish()

    worker.run(story())
    tried = len(first.sent)
    assert tried == 4  # of five connections, one is kept for other projects
    events = DeliveryEvent.objects.filter(notification_id__in=[row.id for row in rows])
    assert events.count() == tried
    assert Notification.objects.filter(state="queued", attempts=0, worker=None).count() == 12
    assert DailyUse.objects.get(project=project).used == 12
    for row in rows:
        make_due(row.id)
    worker.turn()
    assert sorted(to(second)) == sorted(row.recipient for row in rows)
    assert DailyUse.objects.get(project=project).used == 12
    assert worker.worker.hands.in_hand.total == 0
    assert worker.worker.hands.claims == set()


def test_a_pause_that_another_worker_began_sends_those_in_line_away(worker, project, provider, first, second):
    answered = asyncio.Event()

    async def hang():
        await answered.wait()
        return OK

    first.usual = hang
    for n in range(12):
        make.notification(project, f"a{n}@x.example")

    async def begin():
        await worker.worker.turn()
        await asyncio.sleep(0)

    worker.run(begin())
    assert len(first.sent) == 4
    rest(provider)
    worker.run(worker.worker.turn())

    async def end():
        while len(second.sent) < 8:
            await worker.worker.turn()
            await asyncio.sleep(0)
        answered.set()
        await worker.worker.hands.finish()

    worker.run(asyncio.wait_for(end(), 10))
    assert (len(first.sent), len(second.sent)) == (4, 8)
    assert not set(to(first)) & set(to(second))


def test_one_mail_tries_the_first_while_the_others_go_to_the_second(worker, project, provider, first, second):
    rest(provider, ended=True)
    first.usual = DOWN
    rows = [make.notification(project, f"a{n}@x.example") for n in range(5)]
    worker.turn()
    assert (to(first), len(second.sent)) == ([rows[0].recipient], 4)
    provider.refresh_from_db()
    assert provider.failures == 3
    make_due(rows[0].id)
    worker.turn()
    assert {state_of(row.id)[0] for row in rows} == {"sent"}


def test_traffic_returns_by_itself(worker, project, provider, first, second):
    rest(provider, ended=True)
    make.notification(project)
    worker.turn()
    provider.refresh_from_db()
    assert (provider.failures, provider.incident_since) == (0, None)
    make.notification(project)
    worker.turn()
    assert (len(first.sent), len(second.sent)) == (2, 0)


def test_a_mail_whose_fate_is_unknown_goes_out_as_the_same_mail_wherever_it_goes(
    worker, project, provider, first, second
):
    first.usual = LOST
    row = make.notification(project)
    worker.turn()
    rest(provider)
    make_due(row.id)
    worker.turn()
    [one], [other] = first.sent, second.sent
    assert message_id(one.message) == message_id(other.message)
    assert types_of(row.id) == ["uncertain", "accepted"]


def test_where_both_are_out_of_order_mail_waits_for_the_one_that_is_tried_first(
    worker, project, provider, fallback, first, second
):
    second.usual = DOWN
    rest(provider)
    row = make.notification(project)
    worker.turn()
    fallback.refresh_from_db()
    [waiting] = Notification.objects.filter(id=row.id)
    assert waiting.due_at >= fallback.paused_until - timedelta(milliseconds=1)
    make_due(row.id)
    assert worker.turn() == 0


def test_a_mail_is_not_given_up_at_the_first_as_long_as_the_second_can_have_it(worker, project, first, second):
    old = timezone.now() - timedelta(hours=30)
    first.usual = DOWN
    row = make.notification(project, at=old, due_at=old, attempts=3, counted_on=old.date())
    worker.turn()
    assert state_of(row.id)[0] == "queued"
    make_due(row.id)
    worker.turn()
    assert state_of(row.id)[0] == "sent"


def test_a_project_does_not_fall_back_to_the_sites_providers(worker, project, first, second):
    other = make.project("HR")
    own = Provider.objects.create(project=other, name="Own", url="smtp+plain://127.0.0.1:11")
    rest(own)
    row = make.notification(other)
    assert worker.turn() == 0
    assert state_of(row.id)[0] == "queued"
    Provider.objects.create(project=other, name="Own second", url="smtp+plain://127.0.0.1:12", rank=FALLBACK)
    worker.turn()
    assert state_of(row.id)[0] == "sent"
    assert second.sent == []


def test_the_second_keeps_to_its_own_rate(worker, project, provider, fallback, first, second):
    Provider.objects.filter(pk=fallback.pk).update(url="smtp+plain://127.0.0.1:10?rate=0.01")
    rest(provider)
    for n in range(4):
        make.notification(project, f"a{n}@x.example")
    worker.turn()
    worker.turn()
    assert len(second.sent) == 1
    fallback.refresh_from_db()
    assert fallback.paced_until is not None
    assert Notification.objects.filter(state="queued", attempts=0).count() == 3


def test_who_only_waits_for_the_firsts_rate_does_not_go_elsewhere(worker, project, provider, first, second):
    Provider.objects.filter(pk=provider.pk).update(url="smtp+plain://127.0.0.1:9?rate=0.01")
    for n in range(4):
        make.notification(project, f"a{n}@x.example")
    worker.turn()
    worker.turn()
    assert (len(first.sent), len(second.sent)) == (1, 0)


def test_those_in_line_that_cannot_be_put_back_are_given_back(worker, project, first, second, monkeypatch, caplog):
    first.usual = DOWN
    rows = [make.notification(project, f"a{n}@x.example") for n in range(8)]
    with monkeypatch.context() as patch:

        async def away(*_):
            raise OSError("gone")

        patch.setattr("undelivered.delivery.claim.put_back", away)
        worker.turn()
    for row in rows:
        make_due(row.id)
    worker.turn()
    assert {state_of(row.id)[0] for row in rows} == {"sent"}
