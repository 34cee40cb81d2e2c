"""What came in, in words: of what kind it is, by which door, what it says, what followed, and its source as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from undelivered.delivery.addresses import canonical
from undelivered.delivery.feedback import Did, Said
from undelivered.delivery.models import Notification
from undelivered.delivery.suppression import cause_label
from undelivered.delivery.transports import esps
from undelivered.inbound.models import Arrival, Door, Evidence, Made, Mailbox

#: `Arrival.kind` of a mail -> (icon, what it is).
KINDS: dict[str, tuple[str, str]] = {
    "failure": ("provider", "Bounce"),
    "delay": ("clock", "Notice of delay"),
    "receipt": ("check", "Receipt"),
    "complaint": ("flag", "Complaint"),
    "auto_reply": ("retry", "Automatic answer"),
    "challenge": ("lock", "Request to confirm"),
    "auth_report": ("audit", "Authentication report"),
    "other": ("requests", "Another mail"),
    "probe": ("pulse", "Provider's test"),
}
#: What a provider's event says -> the same. Every provider calls it otherwise: its own word stands in the details.
_EVENTS: dict[str, tuple[str, str]] = {
    Said.BOUNCED: ("provider", "Bounce"),
    Said.COMPLAINED: ("flag", "Complaint"),
    Said.DELIVERED: ("check", "Delivery"),
    Said.DELAYED: ("clock", "Delay"),
}
#: What was made of it -> a badge, where it changed nothing.
_MADE: dict[str, tuple[str, str]] = {
    Made.NEW: ("queued", "Not read yet"),
    Made.APPLIED: ("sent", "Noted"),
    Made.IGNORED: ("skipped", "Ignored"),
    Made.UNMATCHED: ("unmatched", "Unmatched"),
    Made.BROKEN: ("failed", "Unreadable"),
}
#: What it said -> a badge, where something followed.
_SAID: dict[str, tuple[str, str]] = {
    Said.BOUNCED: ("failed", "Bounced"),
    Said.COMPLAINED: ("complained", "Reported as spam"),
    Said.DELIVERED: ("delivered", "Delivered"),
    Said.DELAYED: ("retrying", "Delayed"),
}
_FOLLOWED: dict[str, str] = {
    Did.CHANGED: "The notification's state changed.",
    Did.NOTED: "Noted in the notification's history; its state stays as it was.",
    Did.KNOWN: "The same was said before: nothing changed.",
    Did.EARLY: "The notification has not left yet: it is looked at again.",
    Did.GONE: "The notification is no longer kept.",
    Did.NOT_SENT: "The notification never left, so this cannot be about it.",
    Did.OTHER_RECIPIENT: "The notification went to another address: nothing changed.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an arrival says, and what followed."""

    badge: tuple[str, str]
    sentence: str
    notification: Notification | None
    names: str  # whom it names, where that is not the notification's recipient
    evidence: str
    cause: str
    suppressed: bool


def what_came(arrival: Arrival) -> tuple[str, str]:
    """(icon, words) for the kind of thing that came in."""
    if not arrival.kind:
        return ("clock", "Not read yet") if arrival.state == Made.NEW else ("unknown", "Unreadable")
    if arrival.door != Door.WEBHOOK:
        return KINDS.get(arrival.kind, ("info", _capital(arrival.kind)))
    said = next((str(entry["said"]) for entry in arrival.result if entry.get("said")), "")
    return _EVENTS.get(said) or ("info", _capital(arrival.kind))


def _capital(word: str) -> str:
    """Another program's word, at the beginning of a line."""
    return word[:1].upper() + word[1:].replace("_", " ")


def origin(arrival: Arrival, boxes: Mapping[int, Mailbox]) -> str:
    """By which door, and from whom: `Postmark's webhook`, `SMTP, from mx.example.net`."""
    about, door = arrival.about, Door(arrival.door)
    if door is Door.WEBHOOK:
        return f"{_esp(str(about.get('esp', '')))}'s webhook"
    if door is Door.MAILBOX:
        box = boxes.get(about.get("mailbox", 0))
        if box is None:
            return "A mailbox that was removed"
        return f"Mailbox {box.name or (box.url if box.project_id else 'of the site')}"
    peer = about.get("helo") or about.get("peer")
    return f"{door.label}, from {peer}" if peer else str(door.label)


def _esp(name: str) -> str:
    return esps.find(name).label if name in esps.names() else name or "A provider"


def badge(arrival: Arrival) -> tuple[str, str]:
    """The most telling of what followed."""
    said = {entry.get("said") for entry in arrival.result if entry.get("did") in (Did.CHANGED, Did.NOTED)}
    if arrival.state == Made.APPLIED:
        return next((look for name, look in _SAID.items() if name in said), _MADE[Made.APPLIED])
    return _MADE[arrival.state]


def finding(arrival: Arrival, entry: Mapping[str, Any], known: Mapping[UUID, Notification]) -> Finding:
    """`known`: the project's notifications that the arrival is about."""
    id, did = about(entry), entry.get("did", "")
    nothing = ("skipped", "Nothing changed") if did else _MADE[arrival.state]
    evidence = entry.get("evidence", "")
    row = known.get(id) if id else None
    named = entry.get("recipient") or arrival.recipient
    return Finding(
        badge=_SAID.get(entry.get("said", ""), nothing) if did in (Did.CHANGED, Did.NOTED) else nothing,
        sentence=entry.get("why") or _FOLLOWED.get(did, ""),
        notification=row,
        names="" if row and canonical(named) == row.recipient_key else named,
        evidence=str(Evidence(evidence).label) if evidence in Evidence.values else "",
        cause=cause_label(entry.get("cause", "")),
        suppressed=bool(entry.get("suppressed")),
    )


def about(entry: Mapping[str, Any]) -> UUID | None:
    """The notification that an entry of `Arrival.result` names."""
    try:
        return UUID(str(entry.get("notification", "")))
    except ValueError:
        return None


def facts(arrival: Arrival) -> list[tuple[str, str]]:
    """What is known beside the bytes."""
    about = arrival.about
    known = (
        ("Envelope sender", "<>" if about.get("from") == "" else about.get("from")),
        ("Envelope recipient", about.get("to")),
        ("Sending server", about.get("peer")),
        ("Called itself", about.get("helo")),
        ("Protocol", about.get("protocol")),
        ("The provider's word", arrival.kind if arrival.door == Door.WEBHOOK else ""),
        ("Tries", arrival.tries or ""),
    )
    return [(label, str(value)) for label, value in known if value]


def as_text(raw: bytes, *, whole: bool, is_event: bool) -> str:
    """The bytes as text: a mail's source, or an event's JSON in lines. What is no text shows as marks."""
    text = raw.decode("utf-8", "replace")
    if is_event and whole:
        with suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return "".join(sign if sign.isprintable() or sign in "\n\t" else _mark(sign) for sign in text)


def _mark(sign: str) -> str:
    return "" if sign == "\r" else "\ufffd"
