"""Births of notifications: one QUEUED row per recipient, in the transaction of whatever caused it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from undelivered.database import ids
from undelivered.delivery import counts, wake
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.models import Content, DeliveryEvent, EventType, Kind, Notification, NotSent
from undelivered.delivery.states import State
from undelivered.desk.models import Project, Request

BATCH = 500


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who a notification is for. `personal` is what only this recipient's mail says (see `delivery.personal`)."""

    address: str
    name: str = ""
    customer_id: int | None = None
    personal: Mapping[str, Any] = field(default_factory=dict)


def enqueue(
    *,
    project: Project,
    kind: Kind,
    event: str,
    name: str,
    content: Content,
    to: Sequence[Addressee],
    request: Request | None = None,
    resend_of: UUID | None = None,
    action: UUID | None = None,
) -> list[Notification]:
    """Writes the content, if it is new, and one notification for each of `to`. Workers are woken after the commit.

    `action` is an id that all notifications of one action share, and its decisions not to send (`NotSent.action`).
    """
    if not to:
        return []
    if content._state.adding:
        content.save(force_insert=True)
    made = [
        Notification(
            id=ids.uuid7(),
            project=project,
            kind=kind,
            event=event,
            name=name,
            recipient=who.address,
            recipient_key=(key := canonical(who.address)),
            recipient_domain=domain_of(key),
            recipient_name=who.name,
            customer_id=who.customer_id,
            request=request,
            issue_key=request.issue_key if request else "",
            content_id=content.id,
            personal=dict(who.personal),
            due_at=timezone.now(),
            action=action,
            resend_of=resend_of,
        )
        for who in to
    ]
    insert(made)
    return made


def insert(rows: Sequence[Notification]) -> None:
    """Writes notifications that are QUEUED, the first line of each one's history, and what the counts gain."""
    Notification.objects.bulk_create(rows, batch_size=BATCH)
    DeliveryEvent.objects.bulk_create([_queued(row) for row in rows], batch_size=BATCH)
    counts.add((row.project_id, row.created_at, row.kind, State.QUEUED, "", 1) for row in rows)
    wake.after_commit()


def _queued(row: Notification) -> DeliveryEvent:
    data = {"resend_of": str(row.resend_of)} if row.resend_of else {}
    return DeliveryEvent(
        notification_id=row.id, event_key="0-queued", at=row.created_at, type=EventType.QUEUED, data=data
    )


def not_sent(rows: Sequence[NotSent]) -> None:
    """Remembers decisions that someone is not mailed."""
    NotSent.objects.bulk_create(rows, batch_size=BATCH)
