"""The rule of the suppression list: which cause blocks an address, and for how long."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from undelivered.bounces import Cause, Suppress
from undelivered.delivery.blocking import block_for, causes, in_a_row, rule

AT_ONCE = {Cause.USER_UNKNOWN, Cause.HOST_UNKNOWN, Cause.HAS_MOVED, Cause.NOT_ACCEPT}
AFTER_REPEATS = {Cause.MAILBOX_FULL, Cause.SUSPEND, Cause.FILTERED}


@pytest.mark.parametrize("cause", Cause)
def test_the_cause_alone_decides_what_happens_to_the_address(cause):
    expected = (
        Suppress.AT_ONCE
        if cause in AT_ONCE
        else Suppress.AFTER_REPEATS
        if cause in AFTER_REPEATS
        else Suppress.COMPLAINT
        if cause is Cause.FEEDBACK
        else Suppress.NEVER
    )
    assert rule(cause.value) is expected


@pytest.mark.parametrize("cause", ["", "template", "login_refused", "mistake", "nonsense"])
def test_what_is_no_fault_of_the_address_never_blocks_it(cause):
    assert rule(cause) is Suppress.NEVER


def days(*offsets: int) -> list[date]:
    return [date(2026, 1, 1) + timedelta(days=offset) for offset in offsets]


@pytest.mark.parametrize(
    ("offsets", "struck"),
    [
        ((), 0),
        ((0,), 1),
        ((0, 1, 2), 3),
        ((0, 30, 60), 3),
        ((0, 31, 62), 1),  # each too long after the one before
        ((0, 1, 2, 40), 1),  # a week of block and 30 days are over
        ((0, 1, 2, 39), 4),
        ((0, 1, 2, 9, 23, 51, 107, 163), 8),  # again after every block, which grows
    ],
)
def test_failures_count_together_while_they_come_soon_after_each_other_or_after_a_block(offsets, struck):
    assert in_a_row(days(*offsets)) == struck


@pytest.mark.parametrize(("struck", "length"), [(3, 7), (4, 14), (5, 28), (6, 56), (7, 56), (50, 56)])
def test_blocks_grow_up_to_eight_weeks(struck, length):
    assert block_for(struck) == timedelta(days=length)


@given(some.sets(some.integers(0, 300)), some.integers(0, 300))
def test_a_failure_more_never_makes_it_less(offsets, more):
    before, after = sorted(offsets), sorted(offsets | {more})
    for day in offsets:
        upto = [in_a_row(days(*(n for n in given if n <= day))) for given in (before, after)]
        assert upto[0] <= upto[1]


def test_each_cause_has_one_rule():
    assert sorted(causes(*Suppress)) == sorted(cause.value for cause in Cause)
    assert causes(Suppress.COMPLAINT) == ["feedback"]
