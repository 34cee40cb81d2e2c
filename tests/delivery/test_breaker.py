"""The circuit breaker: which projects may be claimed for, while some providers rest, probe, or have enough in hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests import make
from tests.delivery.worker_at import connect
from undelivered.delivery import breaker
from undelivered.delivery.breaker import MOST_OF_ONE, Board, Known, Scope
from undelivered.delivery.models import Provider

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=5), NOW - timedelta(seconds=5)
SITE, IT, HR = None, 1, 2


def known(project: int | None, *, failures: int = 0, paused_until: datetime | None = None) -> Known:
    return Known(10 + (project or 0), project, "smtp://x.example", "", NOW, paused_until, failures)


def board(*providers: Known) -> Board:
    return Board({one.project_id: one for one in providers})


PAUSED = {"failures": 1, "paused_until": LATER}
PROBING = {"failures": 1, "paused_until": EARLIER}


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        ([], []),
        ([known(SITE)], [Scope(None, [], None)]),
        ([known(SITE, **PAUSED)], []),
        ([known(SITE, **PROBING)], [Scope(None, [], 1)]),
        ([known(SITE), known(IT)], [Scope(None, [], None)]),
        ([known(IT)], [Scope([IT], [], None)]),
        ([known(IT, **PAUSED)], []),
        ([known(SITE), known(IT, **PAUSED)], [Scope(None, [IT], None)]),
        ([known(SITE, **PAUSED), known(IT)], [Scope([IT], [], None)]),
        ([known(SITE, **PROBING), known(IT)], [Scope(None, [IT], 1), Scope([IT], [], None)]),
        ([known(SITE), known(IT, **PROBING)], [Scope([IT], [], 1), Scope(None, [IT], None)]),
        (
            [known(SITE, **PROBING), known(IT, **PROBING), known(HR, **PAUSED)],
            [Scope([IT], [], 1), Scope(None, [IT, HR], 1)],
        ),
    ],
)
def test_what_may_be_claimed(providers, expected):
    assert board(*providers).scopes(NOW, {}) == expected


def test_no_project_is_claimed_twice_and_none_that_rests():
    both = board(known(SITE), known(IT, **PROBING), known(HR, **PAUSED))
    scopes = both.scopes(NOW, {})
    assert sum(scope.only == [IT] or (scope.only is None and IT not in scope.without) for scope in scopes) == 1
    assert not any(scope.only == [HR] or (scope.only is None and HR not in scope.without) for scope in scopes)


def test_a_probe_that_is_out_is_the_only_one():
    probing = known(SITE, **PROBING)
    assert board(probing).scopes(NOW, {probing.id: 1}) == []


def test_a_provider_with_enough_in_hand_leaves_room_to_others():
    site, own = known(SITE), known(IT)
    assert board(site, own).scopes(NOW, {own.id: MOST_OF_ONE}) == [Scope(None, [IT], None)]
    assert board(site, own).scopes(NOW, {site.id: MOST_OF_ONE}) == [Scope([IT], [], None)]
    assert board(site, own).scopes(NOW, {site.id: MOST_OF_ONE - 1}) == [Scope(None, [], None)]


def test_a_project_without_its_own_provider_has_the_sites():
    both = board(known(SITE), known(IT))
    assert both.of(IT).project_id == IT
    assert both.of(HR).project_id is SITE
    assert board(known(IT)).of(HR) is None


def test_the_next_change_is_the_end_of_the_first_pause():
    assert board(known(SITE)).next_change(NOW) is None
    sooner = known(IT, failures=1, paused_until=NOW + timedelta(seconds=2))
    assert board(known(SITE, **PAUSED), sooner, known(HR, **PROBING)).next_change(NOW) == sooner.paused_until


def at(work):
    async def story():
        async with await connect() as connection:
            return await work(connection)

    return asyncio.run(story())


def test_ten_mails_that_see_the_same_outage_lengthen_the_pause_once(committed):
    Provider.objects.create(name="x", url="smtp://x.example")
    one = at(breaker.load).of(1)

    async def all_of_them(connection):
        for n in range(10):
            await breaker.pause(connection, one, f"refused {n}")

    at(all_of_them)
    provider = Provider.objects.get()
    assert (provider.failures, provider.incident) == (1, "refused 0")
    left = provider.paused_until - datetime.now(UTC)
    assert timedelta(seconds=3) < left <= timedelta(seconds=5)


def test_a_later_outage_keeps_the_beginning_of_the_incident(committed):
    began = datetime.now(UTC) - timedelta(minutes=5)
    Provider.objects.create(
        name="x", url="smtp://x.example", failures=2, paused_until=datetime.now(UTC), incident_since=began
    )
    one = at(breaker.load).of(1)
    at(lambda connection: breaker.pause(connection, one, "still refused"))
    provider = Provider.objects.get()
    assert (provider.failures, provider.incident, provider.incident_since) == (3, "still refused", began)


def test_an_outage_under_old_settings_does_not_pause_the_new_ones(committed):
    Provider.objects.create(name="x", url="smtp://x.example")
    one = at(breaker.load).of(1)
    Provider.objects.update(changed_at=datetime.now(UTC) + timedelta(seconds=1))
    at(lambda connection: breaker.pause(connection, one, "refused"))
    assert Provider.objects.get().paused_until is None


def test_an_answer_ends_the_incident_of_its_provider_only(committed):
    now = datetime.now(UTC)
    values = {"failures": 2, "paused_until": now, "incident": "x", "incident_since": now}
    site = Provider.objects.create(name="x", url="smtp://x.example", **values)
    own = Provider.objects.create(name="y", url="smtp://y.example", project=make.project(), **values)
    at(lambda connection: breaker.close(connection, {site.pk}))
    at(lambda connection: breaker.close(connection, set()))
    site.refresh_from_db()
    own.refresh_from_db()
    assert (site.failures, site.paused_until, site.incident, site.incident_since) == (0, None, "", None)
    assert own.failures == 2
