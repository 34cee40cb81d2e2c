"""Sending again, taking back, letting go: what people do to notifications. A resend is a new row that points at the old.

Resending lifts what blocks the address: a dead mailbox everywhere, a complaint never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from undelivered.bounces import Suppress
from undelivered.database import ids
from undelivered.delivery import counts, suppression, wake
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.enqueue import insert
from undelivered.delivery.failures import kept_since
from undelivered.delivery.models import Content, DeliveryEvent, EventType, Notification, Suppression
from undelivered.delivery.states import State, may
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project

#: What is resent by one click at most; more is a job for "Load more" and another click.
MOST = 1000
RESENDABLE = frozenset({State.FAILED, State.SENT, State.DELIVERED, State.CANCELLED})


@dataclass(slots=True)
class Resent:
    """`new` are the notifications made, `lifted` the entries taken off the suppression list, `refused` says why not."""

    new: list[Notification] = field(default_factory=list)
    lifted: list[Suppression] = field(default_factory=list)
    refused: dict[UUID, str] = field(default_factory=dict)


@transaction.atomic
def resend(
    project: Project,
    wanted: Sequence[UUID],
    *,
    by: By,
    contents: Mapping[UUID, Content] | None = None,
    addresses: Mapping[UUID, str] | None = None,
) -> Resent:
    """Sends notifications of a project again. `contents`: new words for some, `addresses`: corrected ones for some.

    What is not the project's, not kept, still under way, or was resent already is refused with a sentence.
    """
    done = Resent(refused=dict.fromkeys(wanted, "There is no such notification, or it is no longer kept."))
    within = [id for id in wanted[:MOST] if id.version == 7 and ids.created_at(id) >= kept_since()]
    if not within:
        return done
    rows = (
        Notification.objects.select_for_update(of=("self",))
        .filter(project=project, id__in=within, id__gte=min(within), id__lte=max(within))
        .order_by("id")
    )
    for old in rows:
        if why := _why_not(old):
            done.refused[old.id] = why
            continue
        new = _again(old, (contents or {}).get(old.id), (addresses or {}).get(old.id, old.recipient))
        blocks = _blocks(project, new.recipient_key)
        if any(suppression.rule(block.cause) is Suppress.COMPLAINT for block in blocks):
            done.refused[old.id] = f"{new.recipient} reported a mail as spam. Lift that on the suppression list first."
            continue
        for block in blocks:
            suppression.lift(block, by=by)
        done.lifted += blocks
        done.new.append(new)
        del done.refused[old.id]
    _write(project, done, by)
    return done


def _why_not(old: Notification) -> str:
    if old.resent_as is not None:
        return "This notification was resent already."
    if old.state not in RESENDABLE:
        return "This notification is still under way."
    return ""


def _again(old: Notification, content: Content | None, address: str) -> Notification:
    if content is not None and content._state.adding:
        content.save(force_insert=True)
    key = canonical(address)
    return Notification(
        id=ids.uuid7(),
        project_id=old.project_id,
        kind=old.kind,
        event=old.event,
        name=old.name,
        recipient=address,
        recipient_key=key,
        recipient_domain=domain_of(key),
        recipient_name=old.recipient_name,
        customer_id=old.customer_id,
        request_id=old.request_id,
        issue_key=old.issue_key,
        content_id=content.id if content else _kept_content(old),
        personal=old.personal,
        resend_of=old.id,
    )


def _kept_content(old: Notification) -> UUID:
    """What it says, copied to today: a content is kept for as long as the day on which it was made."""
    words = Content.objects.filter(id=old.content_id).first()
    if words is None:
        return old.content_id
    if ids.day_of(words.id) == datetime.now(UTC).date():
        return words.id
    words.id, words._state.adding = ids.uuid7(), True
    words.save(force_insert=True)
    return words.id


def _blocks(project: Project, address_key: str) -> list[Suppression]:
    return list(
        Suppression.objects.filter(
            Q(project=project) | Q(project=None), suppression.in_force(), address_key=address_key
        ).order_by("id")
    )


def _write(project: Project, done: Resent, by: By) -> None:
    if not done.new:
        return
    insert(done.new)
    now = datetime.now(UTC)
    pairs = [(new.resend_of, new) for new in done.new if new.resend_of]
    for old, new in pairs:
        Notification.objects.filter(id=old).update(resent_as=new.id)
        audit.record("notification.resent", by=by, project=project, target=new.recipient, old=str(old), new=str(new.id))
    lines = [
        DeliveryEvent(
            notification_id=old,
            event_key=f"resent-{new.id}",
            at=now,
            type=EventType.RESENT,
            data={"as": str(new.id), "by": by.shown, "to": new.recipient},
        )
        for old, new in pairs
    ]
    DeliveryEvent.objects.bulk_create(lines, ignore_conflicts=True)


@transaction.atomic
def cancel(project: Project, wanted: Sequence[UUID], *, by: By) -> int:
    """Takes back notifications that wait (queued, retrying or held); how many. What is under way stays."""
    return _move(project, wanted, State.CANCELLED, EventType.CANCELLED, "notification.cancelled", by)


@transaction.atomic
def release_held(project: Project, *, by: By, wanted: Sequence[UUID] | None = None) -> int:
    """Sends the held ones now, if the limit allows by now; how many were let go."""
    if wanted is None:
        rows = Notification.objects.filter(project=project, state=State.HELD, id__gte=ids.lowest(kept_since()))
        wanted = list(rows.order_by("id").values_list("id", flat=True)[:MOST])
    return _move(project, wanted, State.QUEUED, EventType.RELEASED, "notification.released", by)


def _move(project: Project, wanted: Sequence[UUID], new: State, event: EventType, action: str, by: By) -> int:
    """Moves waiting rows, conditionally: a worker that claims one at the same moment wins."""
    if not wanted:
        return 0
    movable = [state for state in (State.QUEUED, State.HELD) if may(state, new)]
    rows = list(
        Notification.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(project=project, id__in=wanted, id__gte=min(wanted), id__lte=max(wanted), state__in=movable)
        .order_by("id")
    )
    now = datetime.now(UTC)
    changes: list[counts.Change] = []
    for row in rows:
        Notification.objects.filter(id=row.id).update(state=new, due_at=now if new is State.QUEUED else None)
        changes.append((row.project_id, row.created_at, row.kind, row.state, "", -1))
        changes.append((row.project_id, row.created_at, row.kind, new.value, "", 1))
        audit.record(action, by=by, project=project, target=row.recipient, notification=str(row.id))
    counts.add(changes)
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            notification_id=row.id,
            event_key=f"{event.value}-{now.timestamp():.3f}",
            at=now,
            type=event,
            data={"by": by.shown},
        )
        for row in rows
    )
    wake.after_commit()
    return len(rows)
