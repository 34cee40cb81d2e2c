"""What comes back about a notification that has left: what is said, and what it changed.

A bounce, a receipt or a complaint is a `Feedback`, whichever door it came through; `apply` makes of it the state of the
right row, a line of its history and, where the cause says so, a suppression. The same again changes nothing, and the
order makes no difference: what a row says is worked out from all that was heard of it (`standing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from undelivered.bounces import Suppress
from undelivered.database import ids
from undelivered.database.statements import Statements, run
from undelivered.database.texts import writable
from undelivered.delivery import learning, left, lines
from undelivered.delivery.addresses import canonical
from undelivered.delivery.blocking import rule
from undelivered.delivery.evidence import Evidence
from undelivered.delivery.left import Found
from undelivered.delivery.lines import Line
from undelivered.delivery.models import EventType
from undelivered.delivery.outcomes import REPLY_LIMIT
from undelivered.delivery.retry import one_line
from undelivered.delivery.standing import BOUNCE, COMPLAINT, RECEIPT, TELLING, Heard, Standing, against, stands
from undelivered.delivery.states import State


class Said(StrEnum):
    """What somebody says became of a mail that left."""

    DELIVERED = "delivered"  # it is in the mailbox, or where the recipient's server passes it on to
    DELAYED = "delayed"  # it is still being tried, by somebody else
    BOUNCED = "bounced"  # it will not arrive
    COMPLAINED = "complained"  # it arrived, and the recipient reported it as unwanted


class Did(StrEnum):
    """What followed from a feedback."""

    CHANGED = "changed"  # the notification has another state now
    NOTED = "noted"  # a line of history, no other state
    KNOWN = "known"  # the same was said before
    EARLY = "early"  # the notification has not left yet, as far as its row knows: ask again later
    GONE = "gone"  # the notification is no longer kept
    NOT_SENT = "not_sent"  # it never left: what is said cannot be about it
    OTHER_RECIPIENT = "other_recipient"  # it is about somebody else than the notification's recipient, or says not whom


@dataclass(frozen=True, slots=True)
class Feedback:
    """`at`: when it happened. `key`: names this piece of evidence; the same key again is the same line of history.

    `recipient`: whom it is about; empty where the evidence names nobody, which then means the notification's own.
    `verified`: the evidence is signed. What is not may mark the row if it names the recipient, and never suppresses.
    `cause`: of the bounce library. `data`: for the technical details: `source`, `arrival`, `reply`, `host` ...
    """

    notification_id: UUID
    said: Said
    at: datetime
    key: str
    recipient: str = ""
    verified: bool = True
    cause: str = ""
    detail: str = ""
    code: int | None = None
    enhanced: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a feedback did. `project_id`: None where the notification is gone. `suppressed`: it blocked the address."""

    did: Did
    project_id: int | None = None
    suppressed: bool = False


LINE_OF = {
    Said.DELIVERED: RECEIPT,
    Said.DELAYED: EventType.DEFERRED.value,
    Said.BOUNCED: BOUNCE,
    Said.COMPLAINED: COMPLAINT,
}
#: A clock may be wrong by this much; what claims to be from later than that happened now.
AHEAD = timedelta(hours=1)
KEY_LIMIT = 200
#: What a line says beside its data; nothing in the data may pass for it.
_OWN = ("cause", "detail", "code", "enhanced", "unverified")


def apply(feedback: Sequence[Feedback]) -> list[Effect]:
    """What each did, in order; all of it in the caller's transaction, on Django's connection."""
    return run(_applied([_meant(one) for one in feedback])) if feedback else []


def _meant(one: Feedback) -> Feedback:
    """Who says "it bounced, because the recipient complained" says that it arrived."""
    complained = one.said is Said.BOUNCED and rule(one.cause) is Suppress.COMPLAINT
    return replace(one, said=Said.COMPLAINED) if complained else one


@dataclass(slots=True)
class _Case:
    """A notification, all that was heard of it, how it stands by that, and the lines that are new."""

    found: Found
    heard: dict[str, Heard]
    standing: Standing
    new: list[Line] = field(default_factory=list)

    def hear(self, line: Line, one: Feedback) -> None:
        said = {name: line.data.get(name) or "" for name in ("cause", "detail", "enhanced")}
        self.heard[line.key] = Heard(line.key, line.type, line.at, one.verified, code=line.data.get("code"), **said)
        self.standing = stands(self.found.standing, self.heard.values())
        self.new.append(line)

    def against(self) -> dict[Evidence, str]:
        """The evidence against its recipient, and the line that it comes from."""
        found = self.found
        whose = (found.id, found.project_id, found.recipient, found.recipient_key)
        return {
            Evidence(*whose, one.cause, one.detail, one.at, found.provider_id): one.key
            for one in against(self.standing, self.heard.values())
        }


def _applied(feedback: Sequence[Feedback]) -> Statements[list[Effect]]:
    found = yield from left.find({one.notification_id for one in feedback})
    heard = yield from lines.read(found)
    cases = {id: _Case(one, {line.key: line for line in heard.get(id, ())}, one.standing) for id, one in found.items()}
    before = {id: case.against() for id, case in cases.items()}
    now = datetime.now(UTC)
    effects = [_hear(cases.get(one.notification_id), one, now) for one in feedback]
    new = {id: case for id, case in cases.items() if case.new}
    if not new:
        return effects
    yield from left.move((case.found, case.standing) for case in new.values())
    yield from lines.write([line for case in new.values() for line in case.new])
    after = {id: case.against() for id, case in new.items()}
    added = {one for id in new for one in after[id].keys() - before[id].keys()}
    withdrawn = {one for id in new for one in before[id].keys() - after[id].keys()}
    blocking = yield from learning.learn(added, withdrawn)
    made_by = {(one.notification_id, after[one.notification_id][one]) for one in added & blocking}
    return [
        replace(effect, suppressed=effect.did in _WRITTEN and (one.notification_id, key_of(one)) in made_by)
        for one, effect in zip(feedback, effects, strict=True)
    ]


_WRITTEN = frozenset({Did.CHANGED, Did.NOTED})
_UNDER_WAY = frozenset({State.QUEUED, State.HELD})


def _hear(case: _Case | None, one: Feedback, now: datetime) -> Effect:
    if case is None:
        return Effect(Did.GONE)
    whose = case.found.project_id
    if not _is_about(case.found, one):
        return Effect(Did.OTHER_RECIPIENT, whose)
    if why := _why_not(case, one):
        return Effect(why, whose)
    if (key := key_of(one)) in case.heard:
        return Effect(Did.KNOWN, whose)
    old = case.standing.state
    case.hear(_line(one, key, now), one)
    return Effect(Did.CHANGED if case.standing.state != old else Did.NOTED, whose)


def _is_about(found: Found, one: Feedback) -> bool:
    if one.recipient:
        return canonical(_text(one.recipient)) == found.recipient_key
    return one.verified


def _why_not(case: _Case, one: Feedback) -> Did | None:
    """Why the notification cannot have come to where somebody else says something of it."""
    found, state = case.found, case.found.standing.state
    if not found.locked:
        never = state == State.CANCELLED or (state in _UNDER_WAY and found.attempts == 0)
        return Did.NOT_SENT if never else Did.EARLY
    if state != State.FAILED:
        return None
    said = {line.type for line in case.heard.values()}
    if said.isdisjoint((EventType.REFUSED, EventType.FAILED)) and not said.isdisjoint(TELLING):
        return None  # it failed later, by what was heard
    # It failed at sending. After an attempt whose outcome is unknown it may have left all the same.
    return None if EventType.UNCERTAIN in said and one.verified else Did.NOT_SENT


def key_of(one: Feedback) -> str:
    """The key of its line of history. Those of providers may be long."""
    key = _text(one.key)
    return key if 0 < len(key) <= KEY_LIMIT else f"{one.said.value}-{sha256(key.encode()).hexdigest()}"


def _line(one: Feedback, key: str, now: datetime) -> Line:
    own = {"cause": _text(one.cause), "detail": one_line(_text(one.detail)), "code": one.code}
    own |= {"enhanced": _text(one.enhanced), "unverified": not one.verified}
    data = {name: value for name, value in _storable(one.data).items() if name not in _OWN}
    data |= {name: value for name, value in own.items() if value}
    # Nothing comes back before it was made, and nobody knows what is to come.
    at = max(one.at, ids.created_at(one.notification_id))
    return Line(one.notification_id, key, at if at <= now + AHEAD else now, LINE_OF[one.said], data=data)


def _text(text: str) -> str:
    """What PostgreSQL can store."""
    return writable(text[:REPLY_LIMIT])


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(str(name)): _storable(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float)) else _text(str(value))
