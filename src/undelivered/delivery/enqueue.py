"""Births of notifications: one QUEUED row per recipient, in the transaction of whatever caused it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.base import ModelState
from django.utils import timezone

from undelivered.database import ids
from undelivered.delivery import counts, wake
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.group_commit import Group
from undelivered.delivery.models import Content, Kind, Notification, NotSent
from undelivered.delivery.store import NewContent, NewNotification, store
from undelivered.desk.models import Project, Request

BATCH = 500
#: So many mails are worth a statement of their own.
FEW = 50


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
    pattern = Notification(
        project=project,
        kind=kind,
        event=event,
        name=name,
        request=request,
        issue_key=request.issue_key if request else "",
        content_id=content.id,
        action=action,
        resend_of=resend_of,
    )
    made = [_for(who, pattern) for who in to]
    insert(made, [content] if content._state.adding else [])
    for one in (content, *made):
        one._state.adding, one._state.db = False, "default"
    return made


def _for(who: Addressee, pattern: Notification) -> Notification:
    """The pattern, to one recipient. Copied as it is: Django takes ten times as long to make one of thirty values."""
    made = Notification.__new__(Notification)
    vars(made).update(vars(pattern), _state=ModelState(), id=ids.uuid7(), due_at=timezone.now())
    made._state.fields_cache = pattern._state.fields_cache.copy()  # its project and its request
    made.recipient, made.recipient_name, made.customer_id = who.address, who.name, who.customer_id
    made.recipient_key = canonical(who.address)
    made.recipient_domain = domain_of(made.recipient_key)
    made.personal = dict(who.personal)
    return made


def insert(
    rows: Sequence[Notification] | Sequence[NewNotification], contents: Sequence[Content] | Sequence[NewContent] = ()
) -> None:
    """Writes notifications that are QUEUED, with contents that are new. Workers are woken after the commit."""
    store(contents, rows, counts.zone())
    wake.after_commit()


Each = tuple[NewContent, NewNotification]


def insert_each(mails: Sequence[Each]) -> None:
    """The same for mails that have words of their own. A few of them, where no transaction is open, are stored together
    with those of other threads."""
    if connection.in_atomic_block or len(mails) > FEW:
        _store_each(mails)
        wake.after_commit()
    else:
        _group.put(mails)
        wake.now()


def _store_each(mails: Sequence[Each]) -> None:
    contents, rows = zip(*mails, strict=True)
    store(contents, rows, counts.zone())


_group = Group(_store_each)


def not_sent(rows: Sequence[NotSent]) -> None:
    """Remembers decisions that someone is not mailed."""
    NotSent.objects.bulk_create(rows, batch_size=BATCH)
