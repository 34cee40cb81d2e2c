"""What an arrival says, once it is read: each thing with the notification that it is about and what names it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from undelivered.delivery.feedback import Feedback
from undelivered.inbound.models import Evidence


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an arrival says: a feedback and what names its notification, or `why` nothing follows from it.

    `unmatched`: it is about a mail, and nothing tells which. `about`: the notification, where no feedback names it.
    `otherwise`: what it means where the recipient that it names is not the notification's own: that one forwards.
    """

    feedback: Feedback | None = None
    evidence: Evidence | None = None
    why: str = ""
    unmatched: bool = False
    about: UUID | None = None
    otherwise: Feedback | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """An arrival as it was read. `kind`: of the bounce library, or the provider's word for an event."""

    kind: str
    findings: tuple[Finding, ...] = ()
    recipient: str = ""
    cause: str = ""
