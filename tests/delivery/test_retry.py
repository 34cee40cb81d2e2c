"""What each outcome makes of a notification: pure decisions, with a clock and dice of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undelivered.bounces import Cause
from undelivered.delivery import retry
from undelivered.delivery.models import EventType
from undelivered.delivery.outcomes import Accepted, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.reasons import Reason
from undelivered.delivery.retry import Verdict, bare, broke, decide, held, objected, pause
from undelivered.delivery.states import State, may

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
OUTCOMES = [
    Accepted("250 2.0.0 Ok", code=250, enhanced="2.0.0", stage=Stage.AFTER_DOT),
    TryLater("451 4.7.1 Greylisted", code=451, enhanced="4.7.1", stage=Stage.RCPT),
    TryLater("The connection was lost, before the whole mail was sent.", stage=Stage.DATA),
    Refused("550 5.1.1 No such user", code=550, enhanced="5.1.1", stage=Stage.RCPT),
    Refused("550", code=550, stage=Stage.RCPT),
    Unknown("<html>", final=True, stage=Stage.RCPT),
    Unknown("lost", final=False, stage=Stage.AFTER_DOT),
    Unreachable("refused", stage=Stage.CONNECT),
    Unreachable("535 5.7.8 no", code=535, enhanced="5.7.8", our_fault=True, stage=Stage.AUTH),
]


def verdict(outcome, *, attempt=1, age=timedelta(0), **more) -> Verdict:
    return decide(
        outcome, attempt=attempt, since=NOW - age, now=NOW, give_up_after=DAY, dice=more.pop("dice", lambda: 0), **more
    )


def test_an_accepted_mail_is_sent():
    found = verdict(OUTCOMES[0])
    assert (found.state, found.event, found.reason, found.cause) == (State.SENT, EventType.ACCEPTED, None, "")
    assert (found.code, found.enhanced, found.detail, found.answered) == (250, "2.0.0", "250 2.0.0 Ok", True)
    assert found.data["stage"] == "after-dot"


def test_a_refusal_fails_with_the_providers_words():
    found = verdict(OUTCOMES[3])
    assert (found.state, found.event, found.reason) == (State.FAILED, EventType.REFUSED, Reason.PROVIDER_ERROR)
    assert found.cause == Cause.USER_UNKNOWN
    assert (found.code, found.enhanced, found.detail) == (550, "5.1.1", "550 5.1.1 No such user")
    assert found.due_at is None


def test_a_temporary_failure_is_tried_again_and_says_when():
    found = verdict(OUTCOMES[1])
    assert (found.state, found.event, found.reason) == (State.QUEUED, EventType.DEFERRED, None)
    assert found.due_at == NOW + timedelta(minutes=1)
    assert found.data["next_attempt_at"] == found.due_at.isoformat()
    assert found.burn
    assert found.answered


def test_a_reply_that_is_no_smtp_fails_at_once_as_unknown():
    found = verdict(OUTCOMES[5])
    assert (found.state, found.event, found.reason, found.cause) == (
        State.FAILED,
        EventType.REFUSED,
        Reason.UNKNOWN_ERROR,
        "",
    )


def test_what_was_lost_after_the_dot_is_tried_again_and_unknown_in_the_end():
    found = verdict(OUTCOMES[6])
    assert (found.state, found.event, found.cause) == (State.QUEUED, EventType.UNCERTAIN, "")
    found = verdict(OUTCOMES[6], age=DAY)
    assert (found.state, found.event, found.reason) == (State.FAILED, EventType.FAILED, Reason.UNKNOWN_ERROR)


@pytest.mark.parametrize(("outcome", "cause"), [(OUTCOMES[7], "provider_unreachable"), (OUTCOMES[8], "login_refused")])
def test_an_outage_of_the_provider_burns_no_attempt_and_ends_as_our_fault(outcome, cause):
    found = verdict(outcome, provider_due=NOW + timedelta(seconds=40))
    assert (found.state, found.event, found.burn, found.answered) == (State.QUEUED, EventType.ATTEMPT, False, False)
    assert (found.due_at, found.cause) == (NOW + timedelta(seconds=40), cause)
    found = verdict(outcome, age=DAY)
    assert (found.state, found.reason, found.cause) == (State.FAILED, Reason.INTERNAL_ERROR, cause)
    assert not found.answered


def test_an_outage_whose_pause_was_not_written_is_not_tried_again_at_once():
    assert verdict(OUTCOMES[7]).due_at == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=23, minutes=59), DAY, timedelta(days=30)])
def test_every_verdict_is_a_legal_move_and_whole(outcome, age):
    found = verdict(outcome, age=age)
    assert may(State.SENDING, found.state)
    assert (found.reason is not None) is (found.state is State.FAILED)
    assert (found.due_at is not None) is (found.state is State.QUEUED)
    assert found.due_at is None or found.due_at > NOW
    assert found.data["reply"] == outcome.reply
    assert found.detail


@pytest.mark.parametrize(
    ("reply", "enhanced", "reason"),
    [
        ("550", None, Reason.UNKNOWN_ERROR),
        ("550 ", None, Reason.UNKNOWN_ERROR),
        ("550 Go away", None, Reason.PROVIDER_ERROR),
        ("554 5.0.0", "5.0.0", Reason.PROVIDER_ERROR),
    ],
)
def test_a_refusal_without_code_or_words_is_unknown(reply, enhanced, reason):
    code = int(reply[:3])
    assert verdict(Refused(reply, code=code, enhanced=enhanced, stage=Stage.RCPT)).reason is reason


def test_a_bare_refusal_says_nothing_about_the_address():
    found = verdict(Refused("550", code=550, stage=Stage.RCPT))
    assert found.cause in {Cause.ON_HOLD, Cause.UNDEFINED}


def test_an_address_on_the_providers_own_list_is_suppressed():
    outcome = Refused("550 5.1.1 Address is on our suppression list", code=550, enhanced="5.1.1", stage=Stage.RCPT)
    assert verdict(outcome).reason in {Reason.SUPPRESSED, Reason.PROVIDER_ERROR}


def test_pauses_grow_and_stay_at_the_last():
    pauses = [pause(attempt, lambda: 0) for attempt in range(1, 12)]
    assert pauses[0] == timedelta(minutes=1)
    assert all(later >= earlier for earlier, later in pairwise(pauses))
    assert pauses[6:] == [timedelta(hours=8)] * 5


@given(st.integers(1, 50), st.floats(0, 1))
def test_jitter_is_a_tenth_at_most(attempt, dice):
    assert pause(attempt, lambda: 0) <= pause(attempt, lambda: dice) <= pause(attempt, lambda: 0) * 1.1001


def test_the_last_try_falls_on_the_end_of_the_time():
    found = verdict(OUTCOMES[1], attempt=7, age=timedelta(hours=23))
    assert found.due_at == NOW + timedelta(hours=1)


@given(st.integers(1, 20), st.timedeltas(timedelta(0), DAY - timedelta(seconds=1)))
def test_no_try_is_planned_long_after_the_end_of_the_time(attempt, age):
    due = verdict(OUTCOMES[1], attempt=attempt, age=age, dice=lambda: 1).due_at
    assert due <= max(NOW - age + DAY, NOW + timedelta(minutes=1))


def test_a_mail_that_is_refused_again_and_again_ends_after_the_time_and_a_few_tries():
    attempt, at = 1, NOW
    while (found := decide(OUTCOMES[1], attempt=attempt, since=NOW, now=at, give_up_after=DAY)).state is State.QUEUED:
        attempt, at = attempt + 1, found.due_at
    assert found.reason is Reason.PROVIDER_ERROR
    assert at == NOW + DAY
    assert 8 <= attempt <= 12


def test_an_objection_is_no_attempt():
    found = objected(Reason.PRIVATE_ADDRESS, "It is private.", "private-ip")
    assert (found.state, found.event, found.reason) == (State.FAILED, EventType.FAILED, Reason.PRIVATE_ADDRESS)
    assert (found.detail, found.cause, found.burn, found.answered) == ("It is private.", "private-ip", False, False)


def test_a_held_mail_waits_until_then():
    found = held(NOW, "The limit is used up.")
    assert (found.state, found.due_at, found.burn, found.reason) == (State.HELD, NOW, False, None)


def test_a_mistake_of_ours_is_tried_again_and_internal_in_the_end():
    error = ValueError("no\nsuch thing")
    first = broke(error, attempt=1, since=NOW, now=NOW, give_up_after=DAY, dice=lambda: 0)
    assert (first.state, first.event, first.reason) == (State.QUEUED, EventType.DEFERRED, None)
    assert first.due_at == NOW + timedelta(minutes=1)
    last = broke(error, attempt=9, since=NOW - DAY, now=NOW, give_up_after=DAY)
    assert (last.state, last.reason, last.cause) == (State.FAILED, Reason.INTERNAL_ERROR, "mistake")
    assert "no such thing" in last.detail


def test_a_bare_verdict_decides_the_same():
    found = bare(verdict(OUTCOMES[3]))
    assert (found.state, found.reason, found.cause, found.data) == (
        State.FAILED,
        Reason.PROVIDER_ERROR,
        Cause.USER_UNKNOWN,
        {},
    )


@given(st.text(), st.sampled_from(list(Stage)), st.none() | st.integers(400, 599))
def test_no_reply_whatever_it_says_breaks_the_decision(reply, stage, code):
    for make in (TryLater, Refused, Unknown, Unreachable):
        found = verdict(make(reply, code=code, stage=stage))
        assert may(State.SENDING, found.state)
        assert len(found.detail) <= 500
        assert "\n" not in found.detail


def test_the_table_of_pauses_stays_within_a_day():
    assert sum(retry.PAUSES, timedelta(0)) < DAY
