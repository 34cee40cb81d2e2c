"""A finding: what a reader saw about one recipient, and how it becomes a Result.

Readers only collect: addresses, codes, the words said. What it means is decided here, in one place, from all evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from undelivered.bounces import replies
from undelivered.bounces import status as codes
from undelivered.bounces.reasons import Cause
from undelivered.bounces.report import Result

MAX_DIAGNOSTIC = 2000
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")


@dataclass(slots=True)
class Finding:
    """One recipient of a notice and the evidence about it, the best evidence first."""

    recipient: str
    said: list[str] = field(default_factory=list)
    status: str = ""
    reply_code: str = ""
    action: str = ""
    command: str = ""
    remote_host: str = ""
    original_recipient: str = ""
    cause: Cause | None = None  # known from the dialect, whatever the words say
    fallback: Cause | None = None  # if the words say nothing
    rule: str = ""
    feedback_type: str = ""
    permanent: bool | None = None

    def as_result(self) -> Result:
        said = [_one_line(text) for text in self.said]
        said = [text for text in said if text]
        decision = replies.weigh(
            said, command=self.command, host=self.remote_host, recipient=self.recipient, status=self.status
        )
        cause, why = decision.cause, decision.decided_by
        if self.cause is not None:
            cause, why = self.cause, self.rule
        elif cause in (Cause.ON_HOLD, Cause.UNDEFINED) and self.fallback is not None:
            cause, why = self.fallback, self.rule
        elif cause is Cause.DELIVERED and self.action in ("failed", "delayed"):
            cause, why = Cause.ON_HOLD, "codes of success in a report of failure"
        elif cause in (Cause.ON_HOLD, Cause.UNDEFINED) and self.action == "delayed":
            cause, why = Cause.EXPIRED, "action: delayed"
        status = decision.status or self.status
        reply_code = self.reply_code or decision.reply_code
        return Result(
            recipient=self.recipient,
            cause=cause,
            permanent=self._permanence(status, reply_code, cause),
            status=status,
            reply_code=reply_code,
            action=self.action if self.action in _ACTIONS else "",
            diagnostic=(said[0] if said else "")[:MAX_DIAGNOSTIC],
            decided_by=why,
            command=self.command,
            remote_host=self.remote_host,
            original_recipient=self.original_recipient,
            feedback_type=self.feedback_type,
        )

    def _permanence(self, status: str, reply_code: str, cause: Cause) -> bool | None:
        if cause in (Cause.VACATION, Cause.DELIVERED, Cause.FEEDBACK):
            return None
        if self.action == "delayed":
            return False
        if self.permanent is not None:
            return self.permanent
        said = codes.permanence(status, reply_code)
        if said is not None:
            return said
        return True if self.action == "failed" else cause.facts.permanent


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text[: MAX_DIAGNOSTIC * 4]).strip()[: MAX_DIAGNOSTIC * 2]
