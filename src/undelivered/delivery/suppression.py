"""The suppression list: which failures put an address on it, who takes it off again.

The rule is decided by cause, in one table (`bounces.FACTS[cause].suppress`):

| cause                                                     | the address is blocked                             |
|-----------------------------------------------------------|----------------------------------------------------|
| mailbox or domain does not exist, has moved, takes no mail | at once, until lifted                              |
| complaint                                                 | at once, until lifted with a confirmation          |
| mailbox full, disabled, filtered                          | after 3 failures on different days, for 7 days, growing |
| spam, policy, reputation, rate, network, our own mistakes | never                                              |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg import AsyncConnection

from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.database import ids
from undelivered.delivery import counts
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Notification, Strike, Suppression
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project

MANUAL = "manual"
STRIKES = 3
#: A failure counts together with those before it if it comes so soon after them, or after the end of their block.
STRIKES_WITHIN = timedelta(days=30)
FIRST_BLOCK = timedelta(days=7)
#: A block that repeats lasts longer each time: 7, 14, 28 days, and at most this.
LONGEST_BLOCK = timedelta(days=56)


class NeedsConfirmation(Exception):
    """The person complained: only someone who says that they agreed with the customer may lift it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A failure that may suppress its recipient's address."""

    notification_id: UUID
    project_id: int
    address: str
    address_key: str
    cause: str
    detail: str


def rule(cause: str) -> Suppress:
    """What the table says of a cause; causes that are not the bounce library's never suppress."""
    try:
        return FACTS[Cause(cause)].suppress
    except ValueError:
        return Suppress.NEVER


def cause_label(cause: str) -> str:
    """A cause in plain words."""
    if cause == MANUAL:
        return "Added by hand"
    try:
        return FACTS[Cause(cause)].title
    except ValueError:
        return _OWN_CAUSES.get(cause, cause.replace("_", " ").capitalize())


_OWN_CAUSES = {
    "": "",
    "template": "Template does not render",
    "login_refused": "Provider refused our login",
    "provider_unreachable": "Provider cannot be reached",
    "mistake": "Mistake of Undelivered",
    "content": "No longer kept",
    "mime": "Mail cannot be written",
}

ADD = """
INSERT INTO delivery_suppression (project_id, address, address_key, cause, detail, since, until, notification_id)
VALUES (%(project_id)s, %(address)s, %(address_key)s, %(cause)s, %(detail)s, %(now)s, %(until)s, %(notification_id)s)
ON CONFLICT (project_id, address_key) DO UPDATE SET cause = excluded.cause, detail = excluded.detail,
    since = excluded.since, until = excluded.until, notification_id = excluded.notification_id, created_by_id = NULL
WHERE delivery_suppression.until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > delivery_suppression.until)
RETURNING notification_id
"""
STRIKE = """
INSERT INTO delivery_strike (project_id, address_key, cause, day)
VALUES (%(project_id)s, %(address_key)s, %(cause)s, %(day)s) ON CONFLICT DO NOTHING
"""
DAYS_STRUCK = """
SELECT DISTINCT day FROM delivery_strike
WHERE project_id = %(project_id)s AND address_key = %(address_key)s AND day <= %(day)s ORDER BY day
"""


async def learn(connection: AsyncConnection[Any], failures: Sequence[Evidence]) -> set[UUID]:
    """Adds to the list what the failures prove, in the caller's transaction; the notifications that did."""
    now = datetime.now(UTC)
    proved = set()
    for one in sorted(failures, key=lambda f: (f.project_id, f.address_key)):  # one order for all workers
        parameters = {
            "project_id": one.project_id,
            "address": one.address,
            "address_key": one.address_key,
            "cause": one.cause,
            "detail": one.detail,
            "notification_id": one.notification_id,
            "now": now,
            "until": None,
            "day": counts.day_of(now),
        }
        if rule(one.cause) is Suppress.AFTER_REPEATS:
            await connection.execute(STRIKE, parameters)
            rows = await (await connection.execute(DAYS_STRUCK, parameters)).fetchall()
            struck = in_a_row([row[0] for row in rows])
            if struck < STRIKES:
                continue
            parameters["until"] = now + block_for(struck)
        cursor = await connection.execute(ADD, parameters)
        if await cursor.fetchone():
            proved.add(one.notification_id)
    return proved


def in_a_row(days: Sequence[date]) -> int:
    """How many of these days, oldest first, belong to the same trouble as the last one."""
    struck, remembered_until = 0, date.min
    for day in days:
        struck = struck + 1 if day <= remembered_until else 1
        blocked = block_for(struck) if struck >= STRIKES else timedelta(0)
        remembered_until = day + blocked + STRIKES_WITHIN
    return struck


def block_for(days_struck: int) -> timedelta:
    """How long an address is blocked after failures on so many days: it doubles with every further day."""
    doubled = min(max(0, days_struck - STRIKES), 10)
    return min(FIRST_BLOCK * int(2**doubled), LONGEST_BLOCK)


def in_force(now: datetime | None = None) -> Q:
    return Q(until=None) | Q(until__gt=now or timezone.now())


def find(project: Project, address: str) -> Suppression | None:
    """Why an address is not mailed in a project: its own entry, or the whole site's."""
    return found_for(project, [address]).get(canonical(address))


def found_for(project: Project, addresses: Iterable[str]) -> dict[str, Suppression]:
    """The entries in force for many addresses, by their canonical form."""
    keys = {canonical(address) for address in addresses}
    rows = Suppression.objects.filter(in_force(), Q(project=project) | Q(project=None), address_key__in=keys)
    # The site's first, so that the project's own one is the one that stays.
    return {row.address_key: row for row in sorted(rows, key=lambda row: row.project_id is not None)}


def listing(
    project: Project, *, q: str = "", cause: str = "", before: int | None = None, limit: int = 25
) -> list[Suppression]:
    """Entries in force, newest first. `q`: an address, the beginning of one, or `@domain`."""
    found = _listed(project).select_related("created_by")
    if cause:
        found = found.filter(cause=cause)
    q = q.replace("\x00", "").strip()
    if q.startswith("@"):
        found = found.filter(address_key__endswith=canonical(f"a{q}")[1:])
    elif q:
        found = found.filter(address_key__startswith=canonical(q))
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found.order_by("-id")[:limit])


def causes_listed(project: Project) -> list[str]:
    """The causes that the entries in force have, for a filter."""
    return sorted(_listed(project).order_by().values_list("cause", flat=True).distinct())


def _listed(project: Project) -> QuerySet[Suppression]:
    return Suppression.objects.filter(in_force(), Q(project=project) | Q(project=None))


@transaction.atomic
def add(
    project: Project, address: str, *, by: By, cause: str = MANUAL, detail: str = "", until: datetime | None = None
) -> Suppression:
    """Puts an address on the project's list, or changes why it is there. A complaint stays what it is."""
    key = canonical(address)
    there = Suppression.objects.select_for_update().filter(in_force(), project=project, address_key=key).first()
    if there and rule(there.cause) is Suppress.COMPLAINT:
        return there
    entry, _ = Suppression.objects.update_or_create(
        project=project,
        address_key=key,
        defaults={
            "address": address.strip(),
            "cause": cause,
            "detail": detail,
            "since": timezone.now(),
            "until": until,
            "notification_id": None,
            "created_by": by.person,
        },
    )
    audit.record("suppression.added", by=by, project=project, target=entry.address, cause=cause, note=detail)
    return entry


@transaction.atomic
def lift(entry: Suppression, *, by: By, confirmed: bool = False) -> int:
    """Takes an entry off the list; how many notifications were skipped while it was there. History is not rewritten.

    Raises `NeedsConfirmation` for a complaint, unless the caller has one.
    """
    if rule(entry.cause) is Suppress.COMPLAINT and not confirmed:
        raise NeedsConfirmation(
            f"{entry.address} reported a mail as spam. Lift this only if the customer asked for mails again."
        )
    missed = len(skipped(entry))
    gone, _ = Suppression.objects.filter(pk=entry.pk).delete()
    if not gone:  # someone else was quicker
        return missed
    if entry.project_id is not None:
        Strike.objects.filter(project_id=entry.project_id, address_key=entry.address_key).delete()
    detail = {"cause": entry.cause, "since": entry.since.isoformat(), "skipped": missed}
    audit.record("suppression.lifted", by=by, project=entry.project, target=entry.address, **detail)
    return missed


def skipped(entry: Suppression, limit: int = 1000) -> list[UUID]:
    """Notifications that were not sent because of an entry, and not sent again since; newest first."""
    now = timezone.now()
    # Those that waited already when the address was blocked are older than the entry; they stopped after it.
    oldest = max(entry.since - timedelta(days=3), now - timedelta(days=settings.ENV.keep_days))
    rows = Notification.objects.filter(
        id__gte=ids.lowest(oldest),
        id__lt=ids.lowest(now + timedelta(days=1)),
        finished_at__gte=entry.since,
        recipient_key=entry.address_key,
        state=State.FAILED,
        reason=Reason.SUPPRESSED,
        resent_as=None,
    )
    if entry.project_id is not None:
        rows = rows.filter(project_id=entry.project_id)
    return list(rows.order_by("-id").values_list("id", flat=True)[:limit])


def said(cause: str, since: datetime, until: datetime | None) -> str:
    """Why an address is blocked, in a sentence for the log."""
    when = since.astimezone(counts.zone())
    ends = f" until {until.astimezone(counts.zone()):%-d %B %Y}" if until else ""
    return f"Blocked since {when:%-d %B %Y, %H:%M}{ends}: {cause_label(cause).lower()}."
