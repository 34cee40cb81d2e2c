"""Who was notified of what on a request, who was not, and why: the panel, the banner and the marks below comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from undelivered.delivery import explain
from undelivered.delivery.models import Notification, NotSent, NotSentCause
from undelivered.delivery.states import State
from undelivered.desk.models import Comment

ARRIVED = frozenset({State.SENT, State.DELIVERED})
UNDER_WAY = frozenset({State.QUEUED, State.SENDING})

#: State -> (tone, icon, word). The tones are classes of the stylesheet.
_LOOKS: dict[str, tuple[str, str, str]] = {
    State.QUEUED: ("waiting", "clock", "Queued"),
    State.SENDING: ("waiting", "send", "Sending"),
    State.SENT: ("good", "check", "Sent"),
    State.DELIVERED: ("good", "check", "Delivered"),
    State.FAILED: ("failed", "close", "Failed"),
    State.HELD: ("retrying", "pause", "Held"),
    State.CANCELLED: ("none", "minus", "Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One person of a group: told, or not, with the words for it."""

    who: str
    address: str
    tone: str
    icon: str
    word: str
    why: str = ""
    at: datetime | None = None
    notification: Notification | None = None


@dataclass(slots=True)
class Group:
    """What one action told people, and whom it did not tell."""

    at: datetime
    names: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def name(self) -> str:
        return " and ".join(self.names)


@dataclass(frozen=True, slots=True)
class Missed:
    """A person who did not get the newest mails about this request: `count` of them in a row."""

    who: str
    count: int
    why: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class Mark:
    """Below a comment: whom its mail reached, or did not reach and why."""

    tone: str
    text: str
    notification: Notification | None = None


def groups(notifications: Iterable[Notification], not_sents: Iterable[NotSent]) -> list[Group]:
    """Newest action first: what it told people, then whom it did not tell."""
    rows: list[Notification | NotSent] = [*notifications, *not_sents]
    found: dict[UUID, Group] = {}
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        group = found.setdefault(row.action or row.id, Group(row.created_at))
        if row.name not in group.names:
            group.names.append(row.name)
        if isinstance(row, Notification):
            group.lines.append(line(row))
        elif row.cause != NotSentCause.MERGED:  # told in the same mail as something else
            group.lines.append(not_told(row))
    for group in found.values():
        group.lines.sort(key=lambda line: line.notification is None)
    return list(found.values())


def line(row: Notification) -> Line:
    tone, icon, word = ("retrying", "retry", "Retrying") if row.retrying else _LOOKS[row.state]
    if explain.complained(row):
        tone, icon, word = "complained", "flag", "Reported as spam"
    if row.state == State.FAILED and row.resent_as:
        tone, icon, word = "none", "retry", "Failed, sent again"
    why = explain.details(row).first if row.state == State.FAILED or row.retrying else ""
    at = row.due_at if row.retrying or row.state == State.HELD else row.finished_at
    return Line(row.recipient_name or row.recipient, row.recipient, tone, icon, word, why, at, row)


def not_told(row: NotSent) -> Line:
    who = row.recipient_name or row.recipient or "Nobody"
    return Line(who, row.recipient, "none", "minus", "Not mailed", NotSentCause(row.cause).label)


def missed(notifications: Sequence[Notification]) -> list[Missed]:
    """Who did not get the newest mails, with how many in a row."""
    by_person: dict[str, list[Notification]] = {}
    for row in sorted(notifications, key=lambda row: row.id, reverse=True):
        by_person.setdefault(row.recipient_key, []).append(row)
    found = []
    for rows in by_person.values():
        lost = _lost_in_a_row(rows)
        if lost:
            newest = lost[0]
            why = explain.details(newest).first
            found.append(Missed(newest.recipient_name or newest.recipient, len(lost), why, newest))
    return found


def _lost_in_a_row(newest_first: list[Notification]) -> list[Notification]:
    lost = []
    for row in newest_first:
        if row.state in UNDER_WAY or row.resent_as or row.state == State.CANCELLED:
            continue  # nobody knows yet, or a newer row knows
        if row.state != State.FAILED:
            break
        lost.append(row)
    return lost


def marks(comments: Iterable[Comment], notifications: Sequence[Notification]) -> dict[int, list[Mark]]:
    """Comment -> its marks, from the mails that its action made and what became of them after resends."""
    newest = {row.id: row for row in notifications}
    written = {comment.action: comment.pk for comment in comments if comment.action and comment.public}
    of_comment: dict[int, dict[str, Notification]] = {}
    for row in sorted(notifications, key=lambda row: row.id):
        if row.action in written:
            of_comment.setdefault(written[row.action], {})[row.recipient_key] = _latest(row, newest)
    return {pk: _marks(list(rows.values())) for pk, rows in of_comment.items()}


def _latest(row: Notification, known: dict[UUID, Notification]) -> Notification:
    """What became of a notification after its resends."""
    seen = set()
    while row.resent_as and row.resent_as in known and row.id not in seen:
        seen.add(row.id)
        row = known[row.resent_as]
    return row


def _marks(rows: list[Notification]) -> list[Mark]:
    reached = [row.recipient_name or row.recipient for row in rows if row.state in ARRIVED]
    waiting = [row for row in rows if row.state in UNDER_WAY or row.state == State.HELD]
    found = [Mark("good", f"Reached {names(reached)}")] if reached else []
    if waiting:
        verb = "Trying again to reach" if any(row.retrying for row in waiting) else "On its way to"
        found.append(Mark("waiting", f"{verb} {names([row.recipient_name or row.recipient for row in waiting])}"))
    for row in rows:
        if row.state == State.FAILED:
            why = explain.details(row).first.rstrip(".")
            found.append(Mark("failed", f"Did not reach {row.recipient_name or row.recipient}: {_lower(why)}", row))
    return found


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def names(people: Sequence[str]) -> str:
    """`Ann, Bob and Cy`; `Ann, Bob, Cy and 4 others`."""
    people = list(dict.fromkeys(people))
    if len(people) > 5:
        return f"{', '.join(people[:4])} and {len(people) - 4} others"
    return " and ".join(filter(None, (", ".join(people[:-1]), *people[-1:])))


def under_way(notifications: Iterable[Notification]) -> bool:
    """Whether something new will be known in a moment: the page then looks again by itself."""
    now = timezone.now()
    return any(
        row.state in UNDER_WAY and not row.retrying and now - row.created_at < timedelta(minutes=2)
        for row in notifications
    )
