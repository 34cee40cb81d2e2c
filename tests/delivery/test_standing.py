"""What a row says after all that was heard of it: pure, and a function of the set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from undelivered.delivery.standing import Heard, Standing, against, decider, stands

T0 = datetime(2026, 3, 1, tzinfo=UTC)
SENT = Standing("sent", detail="250 queued")


def at(minutes: int, kind: str, cause: str = "", **values) -> Heard:
    key = values.pop("key", f"{kind}-{minutes}-{cause}")
    return Heard(key, kind, T0 + timedelta(minutes=minutes), cause=cause, **values)


@some.composite
def heard(draw: some.DrawFn) -> Heard:
    kind = draw(some.sampled_from(["delivered", "bounced", "complained", "deferred", "accepted", "resent"]))
    cause = draw(some.sampled_from(["userunknown", "mailboxfull", "spamdetected", "undefined", ""]))
    return at(draw(some.integers(0, 5)), kind, cause, verified=draw(some.booleans()))


@given(some.lists(heard(), unique_by=lambda one: one.key), some.randoms())
def test_the_order_makes_no_difference(lines, dice):
    mixed = dice.sample(lines, len(lines))
    assert stands(SENT, mixed) == stands(SENT, lines)
    assert against(SENT, mixed) == against(SENT, lines)


@given(some.lists(heard(), unique_by=lambda one: one.key))
def test_working_it_out_again_changes_nothing(lines):
    once = stands(SENT, lines)
    assert stands(once, lines) == once
    assert against(once, lines) == against(SENT, lines)


@given(some.lists(heard(), unique_by=lambda one: one.key))
def test_it_fails_and_arrives_by_nothing_but_what_was_heard(lines):
    one = decider(lines)
    kinds = {"bounced": "failed", "delivered": "delivered", "complained": "delivered"}
    assert stands(SENT, lines).state == (kinds[one.type] if one else "sent")
    assert (one is None) == (not any(line.type in kinds for line in lines))


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ([at(1, "bounced", "mailboxfull"), at(2, "bounced", "userunknown")], "bounced-2-userunknown"),
        ([at(1, "bounced", "spamdetected"), at(2, "bounced", "mailboxfull")], "bounced-2-mailboxfull"),
        ([at(1, "bounced", "undefined"), at(2, "bounced", "spamdetected")], "bounced-2-spamdetected"),
        ([at(2, "bounced", "userunknown"), at(1, "bounced", "hostunknown")], "bounced-1-hostunknown"),
        # What a receipt proves wrong tells nothing, however much it says.
        (
            [at(1, "bounced", "userunknown"), at(2, "delivered"), at(3, "bounced", "undefined")],
            "bounced-3-undefined",
        ),
        # The first receipt after the last bounce is when it arrived.
        ([at(1, "delivered"), at(2, "bounced"), at(3, "delivered"), at(4, "delivered")], "delivered-3-"),
        ([at(9, "complained"), at(5, "complained"), at(1, "deferred")], "complained-5-"),
        ([at(9, "complained"), at(1, "bounced")], "bounced-1-"),
    ],
)
def test_one_line_decides(lines, key):
    assert decider(lines).key == key


def test_a_code_that_is_none_is_not_shown():
    for code in (0, 99, 1000, -1, None):
        assert stands(SENT, [at(1, "bounced", "userunknown", code=code)]).code is None
    assert stands(SENT, [at(1, "bounced", "userunknown", code=550)]).code == 550


def test_against_an_address_speak_a_failure_that_stands_and_the_first_complaint():
    lines = [at(1, "bounced", "userunknown"), at(5, "complained"), at(4, "complained"), at(2, "bounced", "undefined")]
    assert [(one.cause, one.at.minute) for one in against(SENT, lines)] == [("userunknown", 1), ("feedback", 4)]
    assert [one.cause for one in against(SENT, [*lines, at(9, "delivered")])] == ["feedback"]


def test_nothing_unverified_and_nothing_of_no_consequence_speaks_against_an_address():
    for one in (at(1, "bounced", "userunknown", verified=False), at(1, "complained", verified=False)):
        assert against(SENT, [one]) == []
    assert against(SENT, [at(1, "bounced", "spamdetected")]) == []


def test_a_row_that_was_refused_at_sending_speaks_for_itself():
    row = Standing("failed", "provider_error", "550 no", "userunknown", finished_at=T0)
    assert [(one.key, one.cause, one.at) for one in against(row, [])] == [("", "userunknown", T0)]
    assert against(row, [at(1, "delivered")]) == []
