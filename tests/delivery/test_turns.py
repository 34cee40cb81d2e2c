"""Turns: one project's million does not delay another's single mail."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests import make
from tests.delivery.worker_at import KEEP_DAYS, connect
from undelivered.delivery import claim, turns
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.models import Notification
from undelivered.delivery.providers import FALLBACK
from undelivered.delivery.room import InHand, Room
from undelivered.delivery.turns import Order, Turns, share_out

pytestmark = pytest.mark.usefixtures("committed")

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOON = timedelta(seconds=60)
SITE = Known(10, None, "smtp://x.example", "", NOW, None, 0)


def known(id: int, project: int | None, rank: int = 0, *, failures: int = 0, paused: bool = False) -> Known:
    return Known(id, project, "smtp://x.example", "", NOW, NOW + SOON if paused else None, failures, rank=rank)


def room(**rates: int) -> Room:
    return Room(InHand(), {int(id[1:]): n for id, n in rates.items()})


def shared(projects: list[int], limit: int, board: Board, room: Room) -> dict[int, int]:
    return {order.project: order.n for order in share_out(projects, limit, board, room, NOW)}


# --- sharing out ------------------------------------------------------------------------------------------------------


def test_everybody_gets_the_same():
    board = Board.of([SITE])
    assert shared([1], 200, board, room()) == {1: 200}
    assert shared([1, 2, 3], 200, board, room()) == {1: 66, 2: 66, 3: 66}
    assert shared([1, 2, 3], 2, board, room()) == {1: 1, 2: 1}


def test_a_providers_rate_is_shared_among_its_projects_only():
    board = Board.of([SITE, known(11, 5)])
    assert shared([1, 2, 5], 90, board, room(p10=10)) == {1: 5, 2: 5, 5: 30}
    assert shared([1, 2, 3, 5], 90, board, room(p10=2)) == {1: 1, 2: 1, 5: 22}


def test_one_mail_tries_a_provider_after_an_outage_and_the_others_go_to_its_fallback():
    first, second = known(10, None, failures=1), known(20, None, FALLBACK)
    orders = share_out([1, 2], 20, Board.of([first, second]), room(), NOW)
    assert orders == [Order(1, first, 1), Order(1, second, 10), Order(2, second, 9)]


# --- in turn ----------------------------------------------------------------------------------------------------------


class Claimer:
    """A worker that claims and does nothing else."""

    def __init__(self, *providers: Known) -> None:
        self.turns, self.board = Turns(1, KEEP_DAYS), Board.of(providers or [SITE])
        self.runner = asyncio.Runner()
        self.connection = self.runner.run(connect())
        self.runner.run(self.connection.execute(claim.PLANNED))

    def close(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.close()

    def claim(self, limit: int = 200, room: Room | None = None) -> list[tuple[int, int]]:
        """(project, provider) of each mail."""
        plan = room or Room(InHand(), {})
        taken = self.runner.run(self.turns.claim(self.connection, limit, self.board, plan, NOW))
        return [(row.project_id, known.id) for row, known in taken]

    def projects(self, limit: int = 200) -> dict[int, int]:
        found = [project for project, _ in self.claim(limit)]
        return {project: found.count(project) for project in found}


@pytest.fixture
def claimer():
    one = Claimer()
    yield one
    one.close()


def test_a_single_mail_is_in_the_next_batch_however_many_wait_before_it(claimer, project):
    earlier = timezone.now() - timedelta(hours=1)
    make.copies(make.notification(project, due_at=earlier), 20_000)
    assert claimer.projects() == {project.pk: 200}
    single = make.notification(make.project("HR"))
    assert claimer.projects()[single.project_id] == 1


def test_what_one_does_not_use_the_others_get(claimer, project):
    make.copies(make.notification(project), 500)
    other = make.notification(make.project("HR"))
    assert claimer.projects() == {project.pk: 199, other.project_id: 1}


def test_nobody_waits_for_longer_than_a_round(claimer, monkeypatch):
    monkeypatch.setattr(turns, "STEPS", 5)
    projects = [make.project(f"P{n}") for n in range(12)]
    for one in projects:
        make.copies(make.notification(one), 9)
    seen = [claimer.projects(10) for _ in range(3)]
    assert set().union(*seen) == {one.pk for one in projects}
    for _ in range(12):
        claimer.projects(10)
    assert claimer.claim() == []
    assert not Notification.objects.filter(state="queued").exists()


def test_a_small_batch_goes_on_with_those_who_got_nothing(claimer):
    projects = [make.project(f"P{n}") for n in range(5)]
    for one in projects:
        make.copies(make.notification(one), 9)
    turns_of = [next(iter(claimer.projects(1))) for _ in range(10)]
    assert turns_of == [one.pk for one in projects] * 2


def test_many_who_wait_for_later_do_not_hide_who_is_due(claimer, monkeypatch):
    monkeypatch.setattr(turns, "STEPS", 3)
    later = timezone.now() + SOON
    for n in range(10):
        make.notification(make.project(f"L{n}"), due_at=later)
    due = make.project("DUE")
    make.copies(make.notification(due), 99)
    for n in range(10):
        make.notification(make.project(f"M{n}"), due_at=later)
    assert [claimer.projects(25) for _ in range(4)] == [{due.pk: 25}] * 4
    assert claimer.claim() == []


def test_who_had_more_need_not_be_found_again(claimer, monkeypatch, project):
    monkeypatch.setattr(turns, "STEPS", 2)
    make.copies(make.notification(project), 99)
    for n in range(7):
        make.notification(make.project(f"L{n}"), due_at=timezone.now() + SOON)
    asked = []
    waiting = claim.waiting

    async def count(*arguments, **more):
        asked.append(more["after"])
        return await waiting(*arguments, **more)

    monkeypatch.setattr(claim, "waiting", count)
    assert [len(claimer.claim(20)) for _ in range(4)] == [20] * 4
    assert len(asked) == 4


def test_only_now_and_then_a_round_looks_at_old_days(claimer, monkeypatch, project):
    moment = [100.0]
    monkeypatch.setattr(turns.time, "monotonic", lambda: moment[0])
    assert claimer.claim() == []
    old = timezone.now() - timedelta(days=5)
    make.notification(project, at=old, due_at=old)
    assert claimer.claim() == []
    make.notification(project)
    assert len(claimer.claim()) == 2  # whoever has young mail, too, is served in the order of what is due
    make.notification(project, at=old, due_at=old)
    moment[0] += turns.LOOK_BACK_S
    assert len(claimer.claim()) == 1


def test_projects_whose_provider_takes_nothing_are_passed_over(project):
    other, third = make.project("HR"), make.project("OPS")
    for one in (project, other, third):
        make.copies(make.notification(one), 4)
    claimer = Claimer(known(10, None, failures=1, paused=True), known(11, other.pk))
    assert claimer.claim() == [(other.pk, 11)] * 5
    assert claimer.claim() == []
    claimer.close()


def test_the_oldest_mail_is_the_probe_and_the_rest_goes_to_the_fallback(project):
    make.copies(make.notification(project), 4)
    claimer = Claimer(known(10, None, failures=1), known(20, None, FALLBACK))
    assert claimer.claim() == [(project.pk, 10)] + [(project.pk, 20)] * 4
    claimer.close()


def test_nothing_is_asked_while_all_providers_rest(project, monkeypatch):
    make.notification(project)
    claimer = Claimer(known(10, None, failures=1, paused=True))
    monkeypatch.setattr(claim, "waiting", None)
    assert claimer.claim() == []
    claimer.close()


def test_no_more_is_claimed_than_there_is_room(claimer, project):
    make.copies(make.notification(project), 500)
    plan = Room(InHand(most=90), {})
    assert len(claimer.claim(room=plan)) == 30
    assert len(claimer.claim(room=Room(InHand(), {10: 7}))) == 7
