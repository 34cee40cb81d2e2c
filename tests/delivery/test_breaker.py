"""The circuit breaker: who takes whose mail, while some providers rest and others stand in for them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests import make
from tests.delivery.worker_at import connect
from undelivered.delivery import breaker
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.models import Provider
from undelivered.delivery.providers import FALLBACK

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=5), NOW - timedelta(seconds=5)
SITE, IT, HR = None, 1, 2


def known(project: int | None, rank: int = 0, *, failures: int = 0, paused_until: datetime | None = None) -> Known:
    id = 10 + (project or 0) + 100 * rank
    return Known(id, project, "smtp://x.example", "", NOW, paused_until, failures, rank=rank)


WORKS: dict[str, object] = {}
PAUSED = {"failures": 1, "paused_until": LATER}
PROBING = {"failures": 1, "paused_until": EARLIER}
PACED = {"paused_until": LATER}  # it works, but its rate is used up


def takers(project: int, *providers: Known) -> list[tuple[int | None, int]]:
    return [(one.project_id, one.rank) for one in Board.of(providers).takers(project, NOW)]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (WORKS, None, [0]),
        (PACED, None, []),
        (PAUSED, None, []),
        (PROBING, None, [0]),
        (WORKS, WORKS, [0]),
        (PACED, WORKS, []),  # only an outage is a reason to go elsewhere
        (PAUSED, WORKS, [1]),
        (PAUSED, PACED, []),
        (PROBING, WORKS, [0, 1]),  # one mail tries the first, the others do not wait for what comes of it
        (PAUSED, PAUSED, []),
        (PAUSED, PROBING, [1]),
        (PROBING, PROBING, [0, 1]),
    ],
)
def test_who_takes_the_mail(first, second, expected):
    providers = [known(IT, **first)] + ([known(IT, FALLBACK, **second)] if second is not None else [])
    assert takers(IT, *reversed(providers)) == [(IT, rank) for rank in expected]


def test_a_project_without_its_own_provider_has_the_sites():
    site = [known(SITE, **PAUSED), known(SITE, FALLBACK)]
    assert takers(HR, *site, known(IT)) == [(SITE, FALLBACK)]
    assert takers(IT, *site, known(IT)) == [(IT, 0)]
    assert takers(HR, known(IT)) == []


def test_a_projects_own_provider_never_falls_back_to_the_sites():
    assert takers(IT, known(IT, **PAUSED), known(SITE), known(SITE, FALLBACK)) == []


def test_whoever_works_stands_in_for_the_other_one_of_the_same_owner():
    first, second, site = known(IT), known(IT, FALLBACK), known(SITE)
    board = Board.of([first, second, site])
    assert board.stand_in(first) == second
    assert board.stand_in(second) == first
    assert board.stand_in(site) is None
    assert Board.of([first, known(IT, FALLBACK, **PAUSED)]).stand_in(first) is None


def test_the_next_change_is_the_end_of_the_first_pause():
    assert Board.of([known(SITE)]).next_change(NOW) is None
    sooner = known(IT, FALLBACK, failures=1, paused_until=NOW + timedelta(seconds=2))
    board = Board.of([known(SITE, **PAUSED), known(IT, **PAUSED), sooner, known(HR, **PROBING)])
    assert board.next_change(NOW) == sooner.paused_until


def at(work):
    async def story():
        async with await connect() as connection:
            return await work(connection)

    return asyncio.run(story())


def test_all_providers_are_known_each_with_its_place(committed):
    project = make.project()
    for owner in (None, project):
        for rank in (FALLBACK, 0):
            Provider.objects.create(name=f"{rank}", url="smtp://x.example", project=owner, rank=rank)
    board = at(breaker.load)
    assert [(one.project_id, one.name) for one in board.chain(project.pk)] == [(project.pk, "0"), (project.pk, "1")]
    assert [(one.project_id, one.name) for one in board.chain(0)] == [(None, "0"), (None, "1")]


def test_ten_mails_that_see_the_same_outage_lengthen_the_pause_once(committed):
    Provider.objects.create(name="x", url="smtp://x.example")
    [one] = at(breaker.load).chain(1)

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
    [one] = at(breaker.load).chain(1)
    at(lambda connection: breaker.pause(connection, one, "still refused"))
    provider = Provider.objects.get()
    assert (provider.failures, provider.incident, provider.incident_since) == (3, "still refused", began)


def test_an_outage_under_old_settings_does_not_pause_the_new_ones(committed):
    Provider.objects.create(name="x", url="smtp://x.example")
    [one] = at(breaker.load).chain(1)
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
