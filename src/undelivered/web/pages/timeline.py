"""A notification's history as people read it: each line says what happened, and keeps the technical details at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import TextChoices

from undelivered.delivery.models import DeliveryEvent, EventType
from undelivered.delivery.suppression import cause_label
from undelivered.inbound.models import Door, Evidence
from undelivered.web import times

#: Type of event -> (tone, a class of the stylesheet; icon; what happened). `{...}` come from the event.
LOOKS: dict[str, tuple[str, str, str]] = {
    EventType.QUEUED: ("queued", "clock", "Made, and waiting to be sent."),
    EventType.ATTEMPT: ("wait", "provider", "Attempt {attempt}. The provider could not be used; it is tried again."),
    EventType.DEFERRED: ("wait", "retry", "Attempt {attempt}. Not taken for now."),
    EventType.ACCEPTED: ("good", "check", "Attempt {attempt}. The provider took the mail and passes it on."),
    EventType.REFUSED: ("bad", "provider", "Attempt {attempt}. Refused for good."),
    EventType.UNCERTAIN: (
        "wait",
        "unknown",
        "Attempt {attempt}. The connection was lost after the mail was handed over.",
    ),
    EventType.FAILED: ("bad", "close", ""),
    EventType.HELD: ("wait", "pause", "The daily limit is used up."),
    EventType.RELEASED: ("queued", "send", "Sent after all."),
    EventType.DELIVERED: ("good", "check", "The recipient's server took the mail."),
    EventType.BOUNCED: ("bad", "provider", "The mail came back."),
    EventType.COMPLAINED: ("block", "flag", "The recipient reported the mail as spam."),
    EventType.SUPPRESSED: ("block", "suppressed", "{address} is not mailed until somebody takes it off the list."),
    EventType.RESENT: ("queued", "retry", "Sent again as a new notification."),
    EventType.CANCELLED: ("none", "minus", "Taken back before it was sent."),
    EventType.RETURNED: ("none", "retry", "The program that was sending it stopped; another one takes over."),
}

#: The same for what others say of a mail that left, where that differs: by type, or by that and `action` (RFC 3464).
SAID_LATER: dict[str | tuple[str, str], tuple[str, str, str]] = {
    EventType.DEFERRED: ("wait", "clock", "Another server has the mail and is still trying."),
    (EventType.DELIVERED, "relayed"): ("good", "check", "Passed on to a server that tells nothing more."),
    (EventType.DELIVERED, "expanded"): ("good", "check", "Delivered, and passed on to several others from there."),
}
DELAYED = "Delayed"

#: What is said of `stage`, the step of the SMTP conversation that decided.
STAGES: dict[str, str] = {
    "connect": "opening the connection",
    "ehlo": "saying who we are (EHLO)",
    "starttls": "switching to TLS (STARTTLS)",
    "auth": "logging in (AUTH)",
    "mail": "naming the sender (MAIL FROM)",
    "rcpt": "naming the recipient (RCPT TO)",
    "data": "sending the mail (DATA)",
    "after-dot": "after the whole mail was sent",
}


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the dialogue: `who` is `us`, `them` or `note`."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    tone: str
    icon: str
    title: str
    at: datetime
    text: str
    facts: tuple[Fact, ...]
    dialogue: tuple[Said, ...]
    other: str  # the id of the notification that it was sent again as
    arrival: str  # the id of what came in and said so
    open: bool

    @property
    def has_details(self) -> bool:
        return bool(self.facts or self.dialogue)


def entries(events: Sequence[DeliveryEvent]) -> list[Entry]:
    """Newest first. The newest one that has technical details shows them."""
    found: list[Entry] = []
    for event in reversed(events):
        opened = not any(entry.open for entry in found)
        found.append(_entry(event, opened=opened))
    return found


def _entry(event: DeliveryEvent, *, opened: bool) -> Entry:
    data: dict[str, Any] = event.data or {}
    tone, icon, text = _look(event, data)
    facts, dialogue = _facts(event.type, data), _dialogue(data)
    return Entry(
        tone=tone,
        icon=icon,
        title=_title(event, data),
        at=event.at,
        text=_text(event, text, data),
        facts=facts,
        dialogue=dialogue,
        other=str(data.get("as") or data.get("resend_of") or ""),
        arrival=_id(data.get("arrival")),
        open=opened and bool(facts or dialogue),
    )


def _look(event: DeliveryEvent, data: dict[str, Any]) -> tuple[str, str, str]:
    known = LOOKS.get(event.type, ("none", "info", ""))
    if not data.get("source"):
        return known
    return SAID_LATER.get((event.type, str(data.get("action"))), SAID_LATER.get(event.type, known))


def _title(event: DeliveryEvent, data: dict[str, Any]) -> str:
    if event.type == EventType.DEFERRED and data.get("source"):
        return DELAYED
    return EventType(event.type).label if event.type in EventType.values else event.type


def _id(value: Any) -> str:
    """An id that can be linked to; what is none is left out."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        return ""


def _text(event: DeliveryEvent, text: str, data: dict[str, Any]) -> str:
    """What happened, whose words they are, and when it goes on."""
    parts = [text.format(attempt=event.attempt, address=data.get("address", "The address"))] if text else []
    detail, reply = str(data.get("detail") or ""), str(data.get("reply") or "")
    if event.type == EventType.QUEUED and data.get("resend_of"):
        parts = ["Queued again: an earlier notification was resent."]
    if detail and detail not in reply:
        parts.append(detail)
    elif data.get("reply") and not data.get("code") and not data.get("source"):
        parts.append(reply.splitlines()[0] if reply else "")
    if due := data.get("next_attempt_at"):
        parts.append(f"Next try {times.short(datetime.fromisoformat(due))}.")
    if by := data.get("by"):
        parts.append(f"By {by}.")
    return " ".join(part for part in parts if part)


def _facts(kind: str, data: dict[str, Any]) -> tuple[Fact, ...]:
    code, duration = data.get("code"), data.get("duration_ms")
    later = bool(data.get("source"))  # said by others, and not in a conversation of ours
    class_of = {2: "accepted", 4: "temporary", 5: "permanent"}.get(int(code) // 100, "") if code else ""
    rows = (
        ("Reply", data.get("reply"), True),
        ("Code", f"{code}, {class_of}".rstrip(", ") if code else "", False),
        ("Enhanced code", data.get("enhanced"), False),
        ("Cause", cause_label(str(data["cause"])) if data.get("cause") and kind != EventType.SUPPRESSED else "", False),
        ("Provider", data.get("provider"), False),
        ("Host", data.get("host"), False),
        (
            "TLS",
            data.get("tls") or ("none, the mail was sent unencrypted" if data.get("host") and not later else ""),
            False,
        ),
        ("Step", STAGES.get(str(data.get("stage")), "") if code else "", False),
        ("Duration", f"{duration:,} ms" if duration is not None and data.get("host") else "", False),
        ("Reporting server", data.get("reporting_mta") if data.get("reporting_mta") != data.get("host") else "", False),
        ("It names", data.get("forwarded_to"), False),
        ("Came by", _label(Door, data.get("source")), False),
        ("Evidence", _evidence(data), False),
    )
    return tuple(Fact(label, str(value), mono) for label, value, mono in rows if value)


def _evidence(data: dict[str, Any]) -> str:
    """What named the notification, and whether it can be believed."""
    found = _label(Evidence, data.get("evidence"))
    return f"{found}, which is not signed" if found and data.get("unverified") else found


def _label(choices: type[TextChoices], value: Any) -> str:
    return str(choices(value).label) if value in choices.values else str(value or "")


def _dialogue(data: dict[str, Any]) -> tuple[Said, ...]:
    lines = data.get("dialogue") or []
    return tuple(_said(str(line)) for line in lines)


def _said(line: str) -> Said:
    if line.startswith("→ "):
        return Said("us", line[2:])
    return Said("note" if line.startswith("(") else "them", line)
