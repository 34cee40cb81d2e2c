"""What comes back about a notification that has left: what is said, and what it changed.

A bounce, a receipt or a complaint is a `Feedback`, whichever door it came through; `apply` makes of it the state of the
right row, a line of its history and, where the cause says so, a suppression.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


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
    OTHER_RECIPIENT = "other_recipient"  # it is about somebody else than the notification's recipient


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
