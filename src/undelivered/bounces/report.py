"""What the library answers with: a Report of a mail, its Results one per recipient, and a Decision of one reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from undelivered.bounces.reasons import Cause, Suppress

# Feedback types that are no complaint of the recipient: technical reports, and "this was no spam" (RFC 5965, RFC 6591).
_NO_COMPLAINT = frozenset({"auth-failure", "dmarc", "dkim", "spf", "not-spam"})


class Kind(StrEnum):
    """What sort of mail came back."""

    FAILURE = "failure"  # at least one recipient did not get the mail
    DELAY = "delay"  # still being tried
    RECEIPT = "receipt"  # delivered, relayed or expanded; or read (RFC 8098)
    COMPLAINT = "complaint"  # a feedback report (RFC 5965)
    AUTO_REPLY = "auto_reply"  # out of office and the like (RFC 3834)
    CHALLENGE = "challenge"  # "prove that you are human first"
    AUTH_REPORT = "auth_report"  # a DMARC, SPF or TLS report; about our domain, not about one mail's delivery
    OTHER = "other"  # nothing that came back: a mail like any other


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reply means, and why we think so."""

    cause: Cause
    permanent: bool | None = None  # None: nothing says
    reply_code: str = ""
    status: str = ""  # enhanced status code, RFC 3463
    decided_by: str = ""  # "<rule>: <words or code that matched>"


@dataclass(frozen=True, slots=True)
class Result:
    """What is said about one recipient."""

    recipient: str
    cause: Cause
    permanent: bool | None = None
    status: str = ""
    reply_code: str = ""
    action: str = ""  # RFC 3464: failed, delayed, delivered, relayed, expanded
    diagnostic: str = ""
    decided_by: str = ""
    command: str = ""  # the SMTP command that was answered, where told
    remote_host: str = ""
    original_recipient: str = ""
    feedback_type: str = ""

    @property
    def suppress(self) -> Suppress:
        """What this does to the address. A feedback report suppresses only if a person complained."""
        if self.cause is Cause.FEEDBACK and self.feedback_type in _NO_COMPLAINT:
            return Suppress.NEVER
        return self.cause.facts.suppress

    @property
    def hard(self) -> bool:
        return self.cause.facts.hard

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipient": self.recipient,
            "status": self.status,
            "replycode": self.reply_code,
            "reason": self.cause.value,
            "permanent": self.permanent,
            "hardbounce": self.hard,
            "diagnostic": self.diagnostic,
            "decided_by": self.decided_by,
            "action": self.action,
            "command": self.command,
            "remote_host": self.remote_host,
            "original_recipient": self.original_recipient,
            "feedbacktype": self.feedback_type,
        }


@dataclass(frozen=True, slots=True)
class Original:
    """What names the mail that was sent, as far as it was returned."""

    message_id: str = ""
    envelope_id: str = ""  # Original-Envelope-Id, RFC 3464 2.2.1
    sender: str = ""  # the envelope sender the report came to, where told
    subject: str = ""
    to: str = ""
    x_headers: dict[str, str] = field(default_factory=dict)  # X- headers whose name ends in -ID, lower-cased names


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail that came in is and says."""

    kind: Kind
    results: tuple[Result, ...] = ()
    original: Original = Original()
    envelope_to: tuple[str, ...] = ()  # where the report itself was sent to: our return path
    reporting_mta: str = ""
    decided_by: str = ""  # how the kind was found: "rfc3464", "dialect qmail", ...

    @property
    def is_bounce(self) -> bool:
        return self.kind in (Kind.FAILURE, Kind.DELAY)

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "results": [r.as_dict() for r in self.results],
            "message_id": self.original.message_id,
            "envelope_id": self.original.envelope_id,
            "original_to": self.original.to,
            "x_headers": self.original.x_headers,
            "envelope_to": list(self.envelope_to),
            "reporting_mta": self.reporting_mta,
            "decided_by": self.decided_by,
        }
