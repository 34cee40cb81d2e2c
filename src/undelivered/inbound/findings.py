"""What an arrival says, once it is read: each thing with the notification that it is about and what names it."""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.delivery.feedback import Feedback
from undelivered.inbound.models import Evidence


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an arrival says: a feedback and what names its notification, or `why` nothing follows from it.

    `unmatched`: it is about a mail, and nothing tells which.
    """

    feedback: Feedback | None = None
    evidence: Evidence | None = None
    why: str = ""
    unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """An arrival as it was read. `kind`: of the bounce library, or the provider's word for an event."""

    kind: str
    findings: tuple[Finding, ...] = ()
    recipient: str = ""
    cause: str = ""
