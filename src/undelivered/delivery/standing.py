"""What a notification's row says after all that was heard of it, and what of that speaks against its address.

Pure, and a function of the set: in which order things were heard, and how often, makes no difference.

- What is verified decides; what is not decides only where nothing verified speaks.
- Between a receipt and a bounce, time decides: the later one holds, at equal times the bounce.
- Between bounces, the one that tells most: a dead address before one that fails for now, before what says nothing.
- A complaint proves delivery, but not against a receipt or a bounce. A notice of delay changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from undelivered.bounces import Cause, Suppress
from undelivered.delivery.blocking import rule
from undelivered.delivery.models import EventType
from undelivered.delivery.retry import SAYS_NOTHING, reason_of
from undelivered.delivery.states import State

RECEIPT, BOUNCE, COMPLAINT = EventType.DELIVERED.value, EventType.BOUNCED.value, EventType.COMPLAINED.value
#: The lines that decide what a row says.
TELLING = frozenset({RECEIPT, BOUNCE, COMPLAINT})


@dataclass(frozen=True, slots=True)
class Heard:
    """A line of the history that came from outside. `key` and `at` as stored."""

    key: str
    type: str
    at: datetime
    verified: bool = True
    cause: str = ""
    detail: str = ""
    code: int | None = None
    enhanced: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a row says of its fate."""

    state: str
    reason: str = ""
    detail: str = ""
    cause: str = ""
    code: int | None = None
    enhanced: str = ""
    finished_at: datetime | None = None


_TELLS = {Suppress.COMPLAINT: 0, Suppress.AT_ONCE: 0, Suppress.AFTER_REPEATS: 1, Suppress.NEVER: 2}


def stands(row: Standing, heard: Collection[Heard]) -> Standing:
    """What the row says, given what it said before and all that was ever heard of it."""
    one = decider(heard)
    if one is None:
        return row
    code = one.code if one.code and 200 <= one.code < 600 else None
    if one.type == BOUNCE:
        reason = reason_of(one.cause, one.enhanced, one.detail)
        return Standing(State.FAILED.value, reason.value, one.detail, one.cause, code, one.enhanced, one.at)
    cause = Cause.FEEDBACK.value if any(other.type == COMPLAINT for other in heard) else ""
    return Standing(State.DELIVERED.value, "", one.detail, cause, code, one.enhanced, one.at)


def decider(heard: Collection[Heard]) -> Heard | None:
    """The line that decides where a notification stands; None: nobody has said anything of it."""
    telling = [one for one in heard if one.type in TELLING]
    if len(telling) < 2:  # nearly always
        return telling[0] if telling else None
    said = [one for one in telling if one.type != COMPLAINT]
    said = [one for one in said if one.verified] or said
    last_receipt = max((one.at for one in said if one.type == RECEIPT), default=None)
    bounces = [one for one in said if one.type == BOUNCE and (last_receipt is None or one.at >= last_receipt)]
    if bounces:
        return min(bounces, key=_most_telling)
    last_bounce = max((one.at for one in said if one.type == BOUNCE), default=None)
    receipts = [one for one in said if last_bounce is None or one.at > last_bounce]
    return min(receipts or telling, key=_first)


def _most_telling(one: Heard) -> tuple[int, bool, datetime, str]:
    return _TELLS[rule(one.cause)], one.cause in SAYS_NOTHING, one.at, one.key


def _first(one: Heard) -> tuple[datetime, str]:
    return one.at, one.key


def against(row: Standing, heard: Collection[Heard]) -> list[Heard]:
    """What speaks against the recipient's address, as the row stands: a failure, a complaint, or both.

    Only what is verified does. A row that was refused at sending speaks for itself, under the key "".
    """
    one = decider(heard)
    found = []
    if one is None and row.state == State.FAILED and row.finished_at:
        found.append(Heard("", BOUNCE, row.finished_at, True, row.cause, row.detail))
    elif one is not None and one.type == BOUNCE and one.verified:
        found.append(one)
    found += [replace(one, cause=Cause.FEEDBACK.value) for one in heard if one.type == COMPLAINT and one.verified]
    complaints = [one for one in found if rule(one.cause) is Suppress.COMPLAINT]
    failures = [one for one in found if rule(one.cause) in (Suppress.AT_ONCE, Suppress.AFTER_REPEATS)]
    return failures + sorted(complaints, key=_first)[:1]
