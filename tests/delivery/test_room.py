"""Room: nobody fills a worker, whoever comes next finds some."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from undelivered.delivery import room
from undelivered.delivery.breaker import Known
from undelivered.delivery.room import GIANT, LARGE, LEAST, MOST_BYTES, MOST_IN_HAND, InHand, Room

NOW = datetime(2026, 3, 1, tzinfo=UTC)
A, B, C = 1, 2, 3
MB = 1024 * 1024


def known(id: int = 10, **more) -> Known:
    values = {"failures": 0, **more}
    return Known(id, None, "smtp://x.example", "", NOW, None, **values)


SITE, OWN = known(10), known(11)


def fill(in_hand: InHand, provider: Known, project: int, size: int = 4096, rates: dict[int, int] | None = None) -> int:
    """Takes for a project as long as it gets any; how many it has then."""
    before = in_hand.mails[provider.id, project]
    while n := Room(in_hand, rates or {}).of(provider, project):
        for _ in range(n):
            in_hand.count(provider.id, project, size, 1)
        if rates:
            break
    return in_hand.mails[provider.id, project] - before


def test_one_alone_gets_whole_batches_until_it_has_its_part():
    in_hand = InHand()
    first = Room(in_hand, {}).of(SITE, A)
    assert first >= LEAST
    assert LEAST <= fill(in_hand, SITE, A) <= MOST_IN_HAND / 3


def test_one_alone_takes_the_next_batch_while_one_is_on_its_way():
    in_hand = InHand()
    for _ in range(LEAST):
        in_hand.count(SITE.id, A, 4096, 1)
    assert Room(in_hand, {}).of(SITE, A) >= LEAST


def test_however_many_are_slow_there_is_room_for_the_next():
    in_hand = InHand()
    got = [fill(in_hand, SITE, project) for project in range(1, 200)]
    assert all(n > 0 for n in got)
    assert got == sorted(got, reverse=True)
    assert fill(in_hand, OWN, 999) >= 100
    assert in_hand.free > 0


def test_who_has_mail_in_hand_waits_until_a_batch_is_worth_it():
    in_hand = InHand()
    fill(in_hand, SITE, A)
    for _ in range(20):
        in_hand.count(SITE.id, A, 4096, -1)
    assert Room(in_hand, {}).of(SITE, A) == 0
    assert Room(in_hand, {}).of(SITE, B) > 0
    for _ in range(LEAST):
        in_hand.count(SITE.id, A, 4096, -1)
    assert Room(in_hand, {}).of(SITE, A) >= LEAST


def test_what_is_put_down_is_no_longer_there():
    plan = Room(InHand(), {SITE.id: 50})
    assert plan.of(SITE, A) == 50
    plan.take(SITE, A, 45)
    assert plan.of(SITE, B) == 5
    plan.take(SITE, A, -5)
    assert plan.of(SITE, B) == 10


def test_a_provider_that_is_tried_after_an_outage_gets_one_mail_of_all_projects_together():
    plan = Room(InHand(), {})
    tried = known(10, failures=2)
    assert plan.of(tried, A) == 1
    plan.take(tried, A, 1)
    assert plan.of(tried, A) == plan.of(tried, B) == 0
    in_hand = InHand()
    in_hand.count(10, C, 4096, 1)
    assert Room(in_hand, {}).of(tried, A) == 0


def test_what_left_leaves_no_trace():
    in_hand = InHand()
    sizes = (10, LARGE + 1, GIANT + 1)
    for n in (1, -1):
        for size in sizes:
            in_hand.count(10, A, size, n)
    assert in_hand == InHand()


def test_large_mails_of_one_project_leave_room_for_those_of_others():
    in_hand, mails = InHand(), {}
    for project in (A, B, C):
        while in_hand.fits(project, 6 * MB):
            in_hand.count(SITE.id, project, 6 * MB, 1)
        mails[project] = in_hand.mails[SITE.id, project]
    assert mails[A] * 6 * MB <= MOST_BYTES / 2 + 6 * MB
    assert mails[A] > mails[B] > mails[C] > 0
    assert in_hand.bytes <= MOST_BYTES


def test_one_giant_finds_room_at_any_time_and_no_second_one():
    in_hand = InHand()
    while in_hand.fits(A, 6 * MB):
        in_hand.count(SITE.id, A, 6 * MB, 1)
    assert in_hand.fits(B, 900 * MB)
    in_hand.count(SITE.id, B, 900 * MB, 1)
    assert not in_hand.fits(C, GIANT + 1)
    assert in_hand.free == 0


def test_whose_mails_are_large_gets_as_many_as_fit():
    in_hand = InHand()
    in_hand.learn([(A, 6 * MB), (A, 6 * MB), (B, 100), (B, 200)])
    assert Room(in_hand, {}).of(SITE, A) == 128 // 12
    assert Room(in_hand, {}).of(SITE, B) > LEAST
    in_hand.learn([(A, 100)])
    assert Room(in_hand, {}).of(SITE, A) > LEAST


@pytest.mark.parametrize("size", [70 * MB, 900 * MB])
def test_whose_mails_are_giants_gets_one(size):
    in_hand = InHand()
    in_hand.learn([(A, size)])
    assert Room(in_hand, {}).of(SITE, A) == 1
    in_hand.count(SITE.id, A, size, 1)
    assert Room(in_hand, {}).of(SITE, A) == 0


def test_a_plan_counts_the_bytes_that_it_takes():
    in_hand = InHand()
    in_hand.learn([(A, 10 * MB), (B, 10 * MB)])
    plan = Room(in_hand, {})
    plan.take(SITE, A, n := plan.of(SITE, A))
    assert n == 6
    assert plan.of(SITE, B) == 3


def test_small_mails_are_few_enough_for_the_memory():
    assert room.MOST_IN_HAND * LARGE <= MOST_BYTES
