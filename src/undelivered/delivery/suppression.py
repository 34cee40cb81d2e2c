"""The suppression list: who is on it, who puts an address there by hand, and who takes it off again.

Which failures put an address on it is decided by `blocking` and learned by `learning`. An entry holds for a project, or
for the whole site: then each project that has to do with the address sees it, and counts its own mail alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from undelivered.bounces import FACTS, Cause, Suppress
from undelivered.database import ids
from undelivered.delivery import counts
from undelivered.delivery.addresses import canonical
from undelivered.delivery.blocking import rule as rule
from undelivered.delivery.models import Notification, Strike, Suppression
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project, ProjectCustomer

MANUAL = "manual"
#: A notification that was skipped may have waited for so long when its address was blocked.
_WAITED = timedelta(days=3)


class NeedsConfirmation(Exception):
    """The person complained: only someone who says that they agreed with the customer may lift it."""


class OfTheSite(ValueError):
    """It holds for the whole site and is more than a dead mailbox: only a site admin may lift it."""


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


def in_force(now: datetime | None = None) -> Q:
    return Q(until=None) | Q(until__gt=now or timezone.now())


def find(project: Project, address: str) -> Suppression | None:
    """Why an address is not mailed in a project: its own entry, or the whole site's."""
    return found_for(project, [address]).get(canonical(address))


def found_for(project: Project, addresses: Iterable[str]) -> dict[str, Suppression]:
    """The entries in force for many addresses, by their canonical form."""
    keys = {canonical(address) for address in addresses}
    rows = Suppression.objects.filter(in_force(), Q(project=project) | Q(project=None), address_key__in=keys)
    # The strongest last, so that it is the one that stays; among equals the project's own.
    return {row.address_key: row for row in _without_others_mail(project, sorted(rows, key=_strength))}


def _strength(entry: Suppression) -> tuple[bool, bool, bool]:
    return rule(entry.cause) is Suppress.COMPLAINT, entry.until is None, entry.project_id is not None


def get(project: Project, pk: int) -> Suppression | None:
    """An entry that a project may see."""
    found = _without_others_mail(project, _its_business(project, list(_all(project).filter(pk=pk))))
    return found[0] if found else None


def listing(
    project: Project, *, q: str = "", cause: str = "", before: int | None = None, limit: int = 25
) -> list[Suppression]:
    """Entries in force, newest first. `q`: an address, the beginning of one, or `@domain`."""
    found = _all(project).select_related("created_by").order_by("-id")
    if cause:
        found = found.filter(cause=cause)
    q = q.replace("\x00", "").strip()
    if q.startswith("@"):
        found = found.filter(address_key__endswith=canonical(f"a{q}")[1:])
    elif q:
        found = found.filter(address_key__startswith=canonical(q))
    if before is not None:
        found = found.filter(id__lt=before)
    # Most are the project's business, and a page is soon full. Else PostgreSQL looks through all that it has mailed.
    newest = list(found[: 2 * limit])
    entries = _its_business(project, newest)[:limit]
    if len(entries) < limit and len(newest) == 2 * limit:
        entries += found.filter(_known_to(project), id__lt=newest[-1].pk)[: limit - len(entries)]
    return _without_others_mail(project, entries)


def causes_listed(project: Project) -> list[str]:
    """The causes that the entries in force have, for a filter."""
    return sorted(_all(project).order_by().values_list("cause", flat=True).distinct())


def _all(project: Project) -> QuerySet[Suppression]:
    return Suppression.objects.filter(in_force(), Q(project=project) | Q(project=None))


def _known_to(project: Project) -> Q:
    """What a project may see: its own entries, and the site's on its customers and on whom it has mailed.

    Which other addresses the site's other projects have is none of its business.
    """
    customers = ProjectCustomer.objects.filter(project=project, customer__address_key=OuterRef("address_key"))
    mailed = _mailed(project).filter(recipient_key=OuterRef("address_key"))
    return Q(project=project) | Q(Exists(customers)) | Q(Exists(mailed))


def _its_business(project: Project, entries: Sequence[Suppression]) -> list[Suppression]:
    """The same, of entries that were read."""
    keys = [one.address_key for one in entries if one.project_id is None]
    if not keys:
        return list(entries)
    customers = ProjectCustomer.objects.filter(project=project, customer__address_key__in=keys)
    known = set(customers.values_list("customer__address_key", flat=True))
    known.update(_mailed(project).filter(recipient_key__in=keys).values_list("recipient_key", flat=True))
    return [one for one in entries if one.project_id is not None or one.address_key in known]


def _mailed(project: Project) -> QuerySet[Notification]:
    now = timezone.now()
    oldest, newest = ids.lowest(now - timedelta(days=settings.ENV.keep_days)), ids.lowest(now + timedelta(days=1))
    return Notification.objects.filter(id__gte=oldest, id__lt=newest, project=project)


def _without_others_mail(project: Project, entries: list[Suppression]) -> list[Suppression]:
    """An entry of the whole site may have come from another project's mail: that one is not named."""
    named = [one.notification_id for one in entries if one.project_id is None and one.notification_id]
    if named:
        rows = Notification.objects.filter(id__in=named, id__gte=min(named), id__lte=max(named), project=project)
        own = set(rows.values_list("id", flat=True))
        for one in entries:
            if one.project_id is None and one.notification_id not in own:
                one.notification_id = None
    return entries


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
def lift(entry: Suppression, *, by: By, confirmed: bool = False, project: Project | None = None) -> int:
    """Takes an entry off the list; how many notifications were skipped while it was there. History is not rewritten.

    `project`: who asks, of an entry of the whole site; only its own mail is counted, and its audit log says so.
    Raises `NeedsConfirmation` for a complaint, unless the caller has one, and `OfTheSite` for what is none of a
    project's business.
    """
    asking = project or entry.project
    if project and stays(entry) and not (by.person and by.person.is_site_admin):
        raise OfTheSite(f"{entry.address} is blocked for the whole site. A site admin can lift that.")
    if rule(entry.cause) is Suppress.COMPLAINT and not confirmed:
        raise NeedsConfirmation(
            f"{entry.address} reported a mail as spam. Lift this only if the customer asked for mails again."
        )
    missed = len(skipped(entry, project=asking))
    gone, _ = Suppression.objects.filter(pk=entry.pk).delete()
    if not gone:  # someone else was quicker
        return missed
    if entry.project_id is not None:
        Strike.objects.filter(project_id=entry.project_id, address_key=entry.address_key).delete()
    detail = {"cause": entry.cause, "since": entry.since.isoformat(), "skipped": missed}
    if entry.project_id is None:
        detail["site_wide"] = True
    audit.record("suppression.lifted", by=by, project=asking, target=entry.address, **detail)
    return missed


def stays(entry: Suppression) -> bool:
    """Whether no project may lift it: of the whole site's entries it may lift dead mailboxes only."""
    return entry.project_id is None and rule(entry.cause) is not Suppress.AT_ONCE


def skipped(entry: Suppression, limit: int = 1000, *, project: Project | None = None) -> list[UUID]:
    """Notifications that were not sent because of an entry, and not sent again since; newest first.

    `project`: whose, of an entry of the whole site; without one, everybody's.
    """
    now = timezone.now()
    whose = entry.project_id or (project.pk if project else None)
    projects = [whose] if whose else list(Project.objects.values_list("pk", flat=True))  # the index begins with it
    # Those that waited already when the address was blocked are older than the entry; they stopped after it.
    oldest = max(entry.since - _WAITED, now - timedelta(days=settings.ENV.keep_days))
    rows = Notification.objects.filter(
        id__gte=ids.lowest(oldest),
        id__lt=ids.lowest(now + timedelta(days=1)),
        finished_at__gte=entry.since,
        recipient_key=entry.address_key,
        state=State.FAILED,
        reason=Reason.SUPPRESSED,
        cause="",  # else it was on the provider's own list
        resent_as=None,
        project_id__in=projects,
    )
    return list(rows.order_by("-id").values_list("id", flat=True)[:limit])


#: For each entry: how many of a project's notifications were skipped because of it, up to a limit.
SKIPPED = """
SELECT g.entry, count(*)
FROM unnest(%(entries)s::bigint[], %(keys)s::text[], %(sinces)s::timestamptz[]) AS g (entry, key, since)
CROSS JOIN LATERAL (SELECT 1 FROM delivery_notification n
    WHERE n.project_id = %(project)s AND n.recipient_key = g.key AND n.id >= %(low)s AND n.id < %(high)s
        AND n.finished_at >= g.since AND n.state = 'failed' AND n.reason = 'suppressed' AND n.cause = ''
        AND n.resent_as IS NULL LIMIT %(most)s) AS one
GROUP BY 1
"""


def skipped_counts(project: Project, entries: Sequence[Suppression], most: int = 100) -> dict[int, int]:
    """As `skipped`, for many entries at once: a project's numbers by entry, up to `most` each."""
    if not entries:
        return {}
    now = timezone.now()
    oldest = max(min(one.since for one in entries) - _WAITED, now - timedelta(days=settings.ENV.keep_days))
    values: dict[str, Any] = {
        "entries": [one.pk for one in entries],
        "keys": [one.address_key for one in entries],
        "sinces": [one.since for one in entries],
        "project": project.pk,
        "low": ids.lowest(oldest),
        "high": ids.lowest(now + timedelta(days=1)),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(SKIPPED, values)
        return dict(cursor.fetchall())


def said(cause: str, since: datetime, until: datetime | None) -> str:
    """Why an address is blocked, in a sentence for the log."""
    when = since.astimezone(counts.zone())
    ends = f" until {until.astimezone(counts.zone()):%-d %B %Y}" if until else ""
    return f"Blocked since {when:%-d %B %Y, %H:%M}{ends}: {cause_label(cause).lower()}."
