"""How a notification, and a decision not to send one, look in answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from undelivered.api.fields import Answer
from undelivered.delivery.models import Kind, Notification, NotSent, NotSentCause
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.delivery.suppression import cause_label
from undelivered.desk.models import Project


class NotificationShown(Answer):
    """One mail to one recipient. `reason`, its label, `detail` and `cause` say why it failed or is tried again.

    A `sent` one becomes `delivered` or `failed` by what comes back. `cause` of a delivered one is `feedback` where its
    recipient reported it as spam.
    """

    id: UUID
    project: str
    kind: Kind
    event: str
    name: str
    recipient: str
    recipient_name: str
    issue_key: str | None
    state: State
    reason: Reason | None
    reason_label: str | None
    detail: str
    cause: str | None
    cause_label: str | None
    smtp_code: int | None
    enhanced_code: str | None
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    message_id: str | None
    size: int | None
    resend_of: UUID | None
    resent_as: UUID | None


class NotSentShown(Answer):
    """Someone who is deliberately not mailed, and why."""

    event: str
    name: str
    recipient: str
    recipient_name: str
    cause: NotSentCause
    cause_label: str
    created_at: datetime


class Told(Answer):
    """Who is mailed because of what was done, and who is not."""

    notifications: list[NotificationShown]
    not_sent: list[NotSentShown]


def shown(row: Notification, project: Project) -> NotificationShown:
    reason = Reason(row.reason) if row.reason else None
    return NotificationShown(
        id=row.id,
        project=project.key,
        kind=Kind(row.kind),
        event=row.event,
        name=row.name,
        recipient=row.recipient,
        recipient_name=row.recipient_name,
        issue_key=row.issue_key or None,
        state=State(row.state),
        reason=reason,
        reason_label=str(reason.label) if reason else None,
        detail=row.detail,
        cause=row.cause or None,
        cause_label=cause_label(row.cause) or None,
        smtp_code=row.smtp_code,
        enhanced_code=row.enhanced_code or None,
        attempts=row.attempts,
        next_attempt_at=row.due_at if row.state in (State.QUEUED, State.HELD) else None,
        created_at=row.created_at,
        finished_at=row.finished_at,
        message_id=row.message_id or None,
        size=row.size,
        resend_of=row.resend_of,
        resent_as=row.resent_as,
    )


def not_sent_shown(row: NotSent) -> NotSentShown:
    cause = NotSentCause(row.cause)
    return NotSentShown(
        event=row.event,
        name=row.name,
        recipient=row.recipient,
        recipient_name=row.recipient_name,
        cause=cause,
        cause_label=str(cause.label),
        created_at=row.created_at,
    )


def told(project: Project, notifications: Iterable[Notification], not_sent: Iterable[NotSent]) -> Told:
    return Told(
        notifications=[shown(row, project) for row in notifications], not_sent=[not_sent_shown(row) for row in not_sent]
    )
