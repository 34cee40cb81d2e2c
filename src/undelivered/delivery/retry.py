"""Decides what an attempt's outcome makes of a notification. Pure: no clock, no database, no dice but the given one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import random
from typing import Any

from undelivered import bounces
from undelivered.bounces import Cause
from undelivered.delivery.models import EventType
from undelivered.delivery.outcomes import Accepted, Conversation, Outcome, Refused, Unknown, Unreachable
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State

#: Pauses after the first, second ... temporary failure; the last one repeats.
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240, 480))
JITTER = 0.1
#: A decision by one of these says nothing: "Unknown error", if the refusal is permanent.
SAYS_NOTHING: frozenset[str] = frozenset({"", Cause.ON_HOLD, Cause.UNDEFINED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a notification: its new state with all that the row shows, and one line of history.

    `burn` is False where no attempt counts against the mail. `due_at` is set for QUEUED and HELD. `answered`: the
    provider took part, so that it is not out of order.
    """

    state: State
    event: EventType
    reason: Reason | None = None
    detail: str = ""
    cause: str = ""
    code: int | None = None
    enhanced: str = ""
    due_at: datetime | None = None
    burn: bool = True
    answered: bool = False
    data: dict[str, Any] = field(default_factory=dict)


def pause(attempt: int, dice: Callable[[], float] = random) -> timedelta:
    """How long to wait after the `attempt`-th temporary failure, with jitter of up to a tenth."""
    return PAUSES[min(attempt, len(PAUSES)) - 1] * (1 + JITTER * dice())


def decide(
    outcome: Outcome,
    *,
    attempt: int,
    since: datetime,
    now: datetime,
    give_up_after: timedelta,
    provider_due: datetime | None = None,
    recipient: str = "",
    dice: Callable[[], float] = random,
) -> Verdict:
    """The verdict on the `attempt`-th try of a mail that could leave `since` then.

    `provider_due`: when the pause of its provider ends, after an outage.
    """
    seen = {**_seen(outcome), "answered": not isinstance(outcome, Unreachable)}
    if isinstance(outcome, Accepted):
        return Verdict(State.SENT, EventType.ACCEPTED, detail=one_line(outcome.reply), **seen)
    decision = bounces.classify(outcome.reply, command=outcome.stage.value, recipient=recipient)
    words: dict[str, Any] = {**seen, "cause": decision.cause.value, "detail": one_line(outcome.reply)}
    if isinstance(outcome, Refused):
        reason = reason_of(decision.cause, outcome.enhanced or "", outcome.reply)
        return Verdict(State.FAILED, EventType.REFUSED, reason=reason, **words)
    if isinstance(outcome, Unknown) and outcome.final:
        return Verdict(State.FAILED, EventType.REFUSED, reason=Reason.UNKNOWN_ERROR, **{**words, "cause": ""})
    given_up = now - since >= give_up_after
    if isinstance(outcome, Unreachable):
        return _outage(outcome, words, given_up, max(provider_due or now, now + timedelta(seconds=1)))
    lost = isinstance(outcome, Unknown)
    if lost:
        words["cause"] = ""
    if given_up:
        reason = Reason.UNKNOWN_ERROR if lost else Reason.PROVIDER_ERROR
        return Verdict(State.FAILED, EventType.FAILED, reason=reason, **words)
    event = EventType.UNCERTAIN if lost else EventType.DEFERRED
    due = _next_try(attempt, since, now, give_up_after, dice)
    words["data"] = {**words["data"], "next_attempt_at": due.isoformat()}
    return Verdict(State.QUEUED, event, due_at=due, **words)


def _outage(outcome: Unreachable, words: dict[str, Any], given_up: bool, due: datetime) -> Verdict:
    """The provider's trouble: no attempt of this mail is burned, until its time is up."""
    words["cause"] = "login_refused" if outcome.our_fault else "provider_unreachable"
    if given_up:
        return Verdict(State.FAILED, EventType.FAILED, reason=Reason.INTERNAL_ERROR, **words)
    return Verdict(State.QUEUED, EventType.ATTEMPT, due_at=due, burn=False, **words)


def broke(
    error: Exception,
    *,
    attempt: int,
    since: datetime,
    now: datetime,
    give_up_after: timedelta,
    dice: Callable[[], float] = random,
) -> Verdict:
    """The verdict after a mistake of ours while sending: temporary at first, an internal error at last."""
    detail = one_line(f"Undelivered made a mistake while sending: {error or type(error).__name__}")
    words: dict[str, Any] = {"cause": "mistake", "detail": detail}
    if now - since >= give_up_after:
        return Verdict(State.FAILED, EventType.FAILED, Reason.INTERNAL_ERROR, data={"detail": detail}, **words)
    due = _next_try(attempt, since, now, give_up_after, dice)
    data = {"detail": detail, "next_attempt_at": due.isoformat()}
    return Verdict(State.QUEUED, EventType.DEFERRED, due_at=due, data=data, **words)


def objected(reason: Reason, detail: str, cause: str = "") -> Verdict:
    """The verdict on a mail that a check held back: no attempt was made."""
    data = {"detail": detail}
    return Verdict(State.FAILED, EventType.FAILED, reason=reason, detail=detail, cause=cause, burn=False, data=data)


def held(until: datetime, detail: str) -> Verdict:
    """The verdict on a mail over the daily limit, in a project that holds such mail."""
    data = {"detail": detail, "next_attempt_at": until.isoformat()}
    return Verdict(State.HELD, EventType.HELD, detail=detail, due_at=until, burn=False, data=data)


def bare(verdict: Verdict) -> Verdict:
    """The verdict without the words that the database may refuse."""
    return replace(verdict, detail="The details could not be stored.", data={})


def _next_try(
    attempt: int, since: datetime, now: datetime, give_up_after: timedelta, dice: Callable[[], float]
) -> datetime:
    """The last try falls on the end of the time, not after it."""
    return min(now + pause(attempt, dice), max(since + give_up_after, now + PAUSES[0]))


def reason_of(cause: str, enhanced: str, words: str) -> Reason:
    """Why a mail failed that was refused, at the door or later. `words`: the other side's."""
    if cause == Cause.SUPPRESSED:  # on the provider's own list
        return Reason.SUPPRESSED
    # Words or an enhanced code of the provider are an error of the provider; a bare "550" is nothing to act on.
    if cause in SAYS_NOTHING and not enhanced and len(words.split()) <= 1:
        return Reason.UNKNOWN_ERROR
    return Reason.PROVIDER_ERROR


def _seen(outcome: Conversation) -> dict[str, Any]:
    """What an attempt saw, for the row and for its line of history."""
    data: dict[str, Any] = {
        "reply": outcome.reply,
        "code": outcome.code,
        "enhanced": outcome.enhanced,
        "host": outcome.host,
        "tls": outcome.tls,
        "duration_ms": outcome.duration_ms,
        "stage": outcome.stage.value,
    }
    if not isinstance(outcome, Accepted):  # of those that went well, which are nearly all, the reply says enough
        data["dialogue"] = list(outcome.dialogue)
    return {"code": outcome.code, "enhanced": outcome.enhanced or "", "data": data}


def one_line(reply: str) -> str:
    """The other side's words as a row shows them."""
    return " ".join(reply.split())[:500]
