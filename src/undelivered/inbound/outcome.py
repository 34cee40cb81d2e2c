"""What was made of an arrival, from what it says and what followed: its state, a sentence for people, and the details.

`Outcome.result` has an entry for each thing that the arrival says: `said`, `did`, `notification`, `evidence`,
`recipient`, `cause`, `suppressed`, `why`, `key`; what there is nothing to say about is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from undelivered.bounces import Cause
from undelivered.delivery.feedback import Did, Effect, Feedback, Said
from undelivered.inbound.findings import Finding, Reading
from undelivered.inbound.models import Made

MOST_DETAIL = 1000
CHANGED = {
    Said.DELIVERED: "The notification was delivered.",
    Said.DELAYED: "The notification is delayed: another server is still trying.",
    Said.BOUNCED: "The notification failed: {cause}.",
    Said.COMPLAINED: "The recipient reported the notification as unwanted.",
}
NOTED = {
    Said.DELIVERED: "That it was delivered is noted with the notification, whose state stays as it is.",
    Said.DELAYED: "The notification is delayed: another server is still trying.",
    Said.BOUNCED: "That it came back ({cause}) is noted with the notification, whose state stays as it is.",
    Said.COMPLAINED: "The recipient reported the notification as unwanted.",
}
OTHERWISE = {
    Did.KNOWN: "The same was said before.",
    Did.EARLY: "The notification has not left yet.",
    Did.GONE: "The notification is no longer kept.",
    Did.NOT_SENT: "The notification never left, so nothing can have come back.",
    Did.OTHER_RECIPIENT: "It is about {recipient}; the notification went to another address.",
}
TITLES = {cause.value: cause.facts.title for cause in Cause}
SUPPRESSED = "The address is on the suppression list now."
NOT_WAITED_FOR = "It is no longer waited for."
DID_SOMETHING = frozenset({Did.CHANGED, Did.NOTED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The columns of an arrival that was read."""

    state: Made
    detail: str
    project_id: int | None = None
    notification_id: UUID | None = None
    kind: str = ""
    evidence: str = ""
    recipient: str = ""
    cause: str = ""
    result: list[dict[str, Any]] = field(default_factory=list)
    early: bool = False  # it is to be read again


def outcome(
    reading: Reading,
    followed: Sequence[tuple[Feedback | None, Effect | None]],
    project_id: int | None,
    before: Sequence[dict[str, Any]] = (),
) -> Outcome:
    """`followed`: for each finding the feedback that was applied, and its effect. `before`: an earlier reading's."""
    done = {entry.get("key"): entry for entry in before if entry.get("did") in DID_SOMETHING}
    entries, sentences = [], []
    for finding, (feedback, effect) in zip(reading.findings, followed, strict=True):
        entry = _entry(finding, feedback, effect)
        entries.append(done.get(entry.get("key"), entry) if entry.get("did") == Did.KNOWN else entry)
        sentences.append(_sentence(finding, feedback, effect))
    first = next((feedback.notification_id for feedback, _ in followed if feedback), None)
    return Outcome(
        state=_state(reading, entries),
        detail=" ".join(dict.fromkeys(sentences))[:MOST_DETAIL],
        project_id=next((effect.project_id for _, effect in followed if effect and effect.project_id), project_id),
        notification_id=first or next((finding.about for finding in reading.findings if finding.about), None),
        kind=str(reading.kind),
        evidence=next((finding.evidence.value for finding in reading.findings if finding.evidence), ""),
        recipient=reading.recipient,
        cause=reading.cause,
        result=entries,
        early=any(effect is not None and effect.did is Did.EARLY for _, effect in followed),
    )


def _state(reading: Reading, entries: Sequence[dict[str, Any]]) -> Made:
    if any(entry.get("did") in DID_SOMETHING for entry in entries):
        return Made.APPLIED
    return Made.UNMATCHED if any(finding.unmatched for finding in reading.findings) else Made.IGNORED


def _entry(finding: Finding, feedback: Feedback | None, effect: Effect | None) -> dict[str, Any]:
    known: dict[str, Any] = {"evidence": finding.evidence.value if finding.evidence else "", "why": finding.why}
    if feedback is not None and effect is not None:
        known |= {
            "said": feedback.said.value,
            "did": effect.did.value,
            "notification": str(feedback.notification_id),
            "recipient": feedback.recipient,
            "cause": feedback.cause,
            "suppressed": effect.suppressed,
            "key": feedback.key,
        }
    return {name: value for name, value in known.items() if value}


def _sentence(finding: Finding, feedback: Feedback | None, effect: Effect | None) -> str:
    if feedback is None or effect is None:
        return finding.why
    sentences = {Did.CHANGED: CHANGED, Did.NOTED: NOTED}.get(effect.did)
    text = sentences[feedback.said] if sentences else OTHERWISE[effect.did]
    said = text.format(cause=_title(feedback.cause), recipient=feedback.recipient)
    return f"{said} {SUPPRESSED}" if effect.suppressed else said


def _title(cause: str) -> str:
    """As it stands within a sentence."""
    title = TITLES.get(cause, "no reason was given")
    return title[:1].lower() + title[1:]
