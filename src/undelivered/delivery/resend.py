"""Sending again, taking back, letting go: what people do to notifications. A resend is a new row that names the old.

Resending lifts what blocks the address: a dead mailbox everywhere, a complaint never.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Collate

from undelivered.bounces import Cause, Suppress
from undelivered.database import ids
from undelivered.delivery import counts, provider_lift, suppression, wake
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.enqueue import insert
from undelivered.delivery.filters import kept_since
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
    done = Resent(refused=_at_first(wanted))
    rows = _locked(project, wanted[:MOST])
    to = {old.id: (addresses or {}).get(old.id, old.recipient) for old in rows}
    blocks = _blocks(project, [canonical(address) for address in to.values()])
    copies: dict[UUID, UUID] = {}
    lifted: set[str] = set()
    listed: dict[UUID, str] = {}  # the provider may have the address on a list of its own
    for old in rows:
        key = canonical(to[old.id])
        if why := _why_not(old) or _stays_blocked(to[old.id], blocks[key]):
            done.refused[old.id] = why
            continue
        for block in blocks.pop(key, []):
            suppression.lift(block, by=by, project=project)
            done.lifted.append(block)
            lifted.add(key)
        content = (contents or {}).get(old.id)
        done.new.append(_again(old, _saved(content) if content else _kept(old, copies), to[old.id]))
        if key in lifted or old.cause == Cause.SUPPRESSED:
            listed[done.new[-1].id] = to[old.id]
        del done.refused[old.id]
    _write(project, done, by)
    provider_lift.ask_first(project, listed, by=by)
    return done


def _at_first(wanted: Sequence[UUID]) -> dict[UUID, str]:
    """Why each is refused, until it is found and nothing speaks against it."""
    refused = dict.fromkeys(wanted, "There is no such notification, or it is no longer kept.")
    return refused | dict.fromkeys(wanted[MOST:], f"Only {MOST:,} notifications are resent at once.")


def _locked(project: Project, wanted: Sequence[UUID]) -> list[Notification]:
    within = [id for id in wanted if id.version == 7 and ids.created_at(id) >= kept_since()]
    if not within:
        return []
    return list(
        Notification.objects.select_for_update(of=("self",))
        .filter(project=project, id__in=within, id__gte=min(within), id__lte=max(within))
        .order_by("id")
    )


def _why_not(old: Notification) -> str:
    if old.resent_as is not None:
        return "This notification was resent already."
    if old.state not in RESENDABLE:
        return "This notification is still under way."
    return ""


def _stays_blocked(address: str, blocks: Sequence[Suppression]) -> str:
    """Why a resend does not lift what blocks an address. A dead mailbox is lifted, the whole site's, too."""
    if any(suppression.rule(block.cause) is Suppress.COMPLAINT for block in blocks):
        return f"{address} reported a mail as spam. Lift that on the suppression list first."
    if any(suppression.stays(block) for block in blocks):
        return f"{address} is blocked for the whole site. A site admin can lift that."
    return ""


def _again(old: Notification, content_id: UUID, address: str) -> Notification:
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
        content_id=content_id,
        personal=old.personal,
        resend_of=old.id,
    )


def _saved(content: Content) -> UUID:
    if content._state.adding:
        content.save(force_insert=True)
    return content.id


def _kept(old: Notification, copies: dict[UUID, UUID]) -> UUID:
    """What it says, copied to today, once for all: a content is kept for as long as the day on which it was made."""
    if old.content_id not in copies:
        words = Content.objects.filter(id=old.content_id).first()
        if words is not None and ids.day_of(words.id) != datetime.now(UTC).date():
            words.id, words._state.adding = ids.uuid7(), True
        copies[old.content_id] = _saved(words) if words else old.content_id
    return copies[old.content_id]


def _blocks(project: Project, keys: Sequence[str]) -> defaultdict[str, list[Suppression]]:
    """The entries in force for addresses, the project's and the site's; in an order that others keep, too."""
    whose = Q(project=project) | Q(project=None)
    found: defaultdict[str, list[Suppression]] = defaultdict(list)
    rows = Suppression.objects.select_for_update(of=("self",)).filter(whose, suppression.in_force())
    for block in rows.filter(address_key__in=keys).order_by(Collate("address_key", "C"), "id"):
        found[block.address_key].append(block)
    return found


def _write(project: Project, done: Resent, by: By) -> None:
    if not done.new:
        return
    action = ids.uuid7()
    for new in done.new:
        new.action = action
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
        low, high = ids.lowest(kept_since()), ids.lowest(datetime.now(UTC) + timedelta(minutes=5))
        rows = Notification.objects.filter(project=project, state=State.HELD, id__gte=low, id__lt=high)
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
        moved = {"due_at": now} if new is State.QUEUED else {"due_at": None, "finished_at": now}
        Notification.objects.filter(id=row.id).update(state=new, **moved)
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
