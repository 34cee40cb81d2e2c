"""The log: its two tabs as queries, and what a row opens to. The failure log is a query on the outbox.

Every query carries both id bounds, so that only the partitions that it needs are read, newest first. Pages are keyset
pages: a cursor is the id of the last row seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from undelivered.database import ids
from undelivered.delivery.addresses import canonical
from undelivered.delivery.filters import ALL, Filters, bounds, is_beginning, kept_since, matching
from undelivered.delivery.models import Content, DeliveryEvent, EventType, Kind, Notification, NotSent
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import Project

PAGE = 25
#: Counts stop there. Addresses that begin alike are not together with their states: there it takes longer to count.
CAP, CAP_ALIKE = 10_000, 1_000
#: So many of the newest rows are looked at for addresses that begin alike before their index is.
FIRST_LOOK = 100
EVER = 10_000  # days


class BadCursor(ValueError):
    """The cursor is none of ours, or points at rows that are no longer kept."""


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Notification]
    next: str | None


@dataclass(frozen=True, slots=True)
class Capped:
    """A count that stops at a cap: "10,000+"."""

    n: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.n:,}+" if self.capped else f"{self.n:,}"


def page(project: Project, filters: Filters, *, cursor: str | None = None, limit: int = PAGE) -> Page:
    """One page of the log, newest first. Raises `BadFilter` and `BadCursor`."""
    before = _read_cursor(cursor) if cursor else None
    rows = _newest(project, filters.checked(), before, limit + 1)
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1].id.hex if more else None)


def _newest(project: Project, filters: Filters, before: UUID | None, limit: int) -> list[Notification]:
    """The newest rows that match. Each kind is asked for alone: an index has ids in order within a kind only."""
    kinds = [filters.kind] if filters.kind else Kind.values
    rows: list[Notification] = []
    for kind in kinds:
        of_kind = replace(filters, kind=kind)
        if is_beginning(filters.recipient):
            rows += _with_ids(_alike(project, of_kind, before, limit))
            continue
        found = matching(project, of_kind, before=before).order_by("-id")
        if filters.recipient and not filters.recipient.startswith("@"):
            # Thousands of rows may be of one address. All that it takes to find the newest of them is in the index.
            rows += _with_ids(list(found.values_list("id", flat=True)[:limit]))
        else:
            rows += found[:limit]
    return sorted(rows, key=lambda row: row.id, reverse=True)[:limit]


def _alike(project: Project, filters: Filters, before: UUID | None, limit: int) -> list[UUID]:
    """The newest rows of addresses that begin alike. Their index has those of a day together, in the order of the
    addresses: so the newest rows of a day are looked at first, which is enough where many begin like that, and then the
    index: of another day, and of all."""
    beginning = canonical(filters.recipient.rstrip("*"))
    oldest, until = bounds(filters, before)
    start = _back(until, 1, oldest)
    newest = matching(project, replace(filters, recipient=""), before=until).filter(id__gte=start).order_by("-id")
    seen = list(newest.values_list("id", "recipient_key")[:FIRST_LOOK])
    there = [id for id, key in seen if key.startswith(beginning)][:limit]
    # Where a day has few rows, all the days before have not many more; where none of so many begins like that, nor do
    # many others.
    until, days = (seen[-1][0], 1 if there else EVER) if len(seen) == FIRST_LOOK else (start, EVER)
    while len(there) < limit and until > oldest:
        start = _back(until, days, oldest)
        found = matching(project, filters, before=until).filter(id__gte=start).order_by("-id")
        there += found.values_list("id", flat=True)[: limit - len(there)]
        until, days = start, EVER
    return there


def _back(id: UUID, days: int, oldest: UUID) -> UUID:
    return max(ids.lowest(ids.created_at(id) - timedelta(days=days)), oldest)


def _with_ids(wanted: Sequence[UUID]) -> list[Notification]:
    if not wanted:
        return []
    return list(Notification.objects.filter(id__in=wanted, id__gte=min(wanted), id__lte=max(wanted)))


def _read_cursor(cursor: str) -> UUID:
    try:
        before = UUID(hex=cursor)
    except ValueError:
        raise BadCursor("This cursor is none of ours. Start from the first page.") from None
    if before.version != 7 or ids.created_at(before) < kept_since():
        raise BadCursor("This cursor points at rows that are no longer kept. Start from the first page.")
    return before


def count(project: Project, filters: Filters, cap: int = CAP) -> Capped:
    """How many rows match, counted up to `cap`."""
    filters = filters.checked()
    if is_beginning(filters.recipient):
        cap = min(cap, CAP_ALIKE)
        if not (filters.name or filters.reason or filters.issue_key):
            return _capped(_count_alike(project, filters, cap + 1), cap)
    return _capped(matching(project, filters).values("id")[: cap + 1].count(), cap)


def _capped(n: int, cap: int) -> Capped:
    return Capped(min(n, cap), n > cap)


# The index by recipient has all that is asked for. Without the OFFSET, which does nothing else, PostgreSQL would look
# up the address of each failed row.
COUNT_ALIKE = """
SELECT count(*) FROM (SELECT FROM (
    SELECT kind, state FROM delivery_notification
    WHERE project_id = %(project)s AND recipient_key LIKE %(pattern)s AND id >= %(low)s AND id < %(high)s
    OFFSET 0) alike
    WHERE kind = ANY(%(kinds)s) AND state = ANY(%(states)s) LIMIT %(most)s) found
"""


def _count_alike(project: Project, filters: Filters, most: int) -> int:
    low, high = bounds(filters, None)
    parameters: dict[str, Any] = {
        "project": project.pk,
        "pattern": re.sub(r"([\\%_])", r"\\\1", canonical(filters.recipient.rstrip("*"))) + "%",
        "low": low,
        "high": high,
        "kinds": [filters.kind] if filters.kind else list(Kind.values),
        "states": list(State) if filters.state == ALL else [filters.state],
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ALIKE, parameters)
        return int(cursor.fetchone()[0])


def ids_matching(project: Project, filters: Filters, limit: int = 1000) -> list[UUID]:
    return list(matching(project, filters.checked()).order_by("-id").values_list("id", flat=True)[:limit])


def names(project: Project, kind: str) -> list[str]:
    """The notification names that the newest rows of a tab have, for the filter."""
    newest = matching(project, Filters(kind=kind, state=ALL)).order_by("-id").values("name")[:2000]
    return sorted({row["name"] for row in newest})


def get(id: UUID) -> Notification | None:
    """A notification, with its project; None if there is none, or it is no longer kept."""
    if id.version != 7 or ids.created_at(id) < kept_since():
        return None
    return Notification.objects.filter(id=id).select_related("project").first()


def events(id: UUID) -> list[DeliveryEvent]:
    """A notification's history, oldest first."""
    return list(DeliveryEvent.objects.filter(notification_id=id).order_by("at", "event_key"))


def bounced(rows: Iterable[Notification]) -> set[UUID]:
    """Those of the rows that failed because they came back, after they had been accepted."""
    failed = [row.id for row in rows if row.state == State.FAILED and row.reason != Reason.SUPPRESSED]
    if not failed:
        return set()
    within = DeliveryEvent.objects.filter(notification_id__gte=min(failed), notification_id__lte=max(failed))
    found = within.filter(notification_id__in=failed, type=EventType.BOUNCED)
    return set(found.values_list("notification_id", flat=True))


def content(notification: Notification) -> Content | None:
    """What it says; None if that is no longer kept."""
    return Content.objects.filter(id=notification.content_id).first()


def for_request(project: Project, issue_key: str, limit: int = 200) -> tuple[list[Notification], list[NotSent]]:
    """Who was notified about a request, and who was not: both newest first."""
    bounds: dict[str, Any] = {"id__gte": ids.lowest(kept_since()), "id__lt": ids.lowest(_soon())}
    told = Notification.objects.filter(project=project, issue_key=issue_key, **bounds).order_by("-id")[:limit]
    not_told = NotSent.objects.filter(project=project, issue_key=issue_key, **bounds).order_by("-id")[:limit]
    return list(told), list(not_told)


def to_address(project: Project, address: str, limit: int = 10) -> list[Notification]:
    """The newest notifications to an address, whatever their kind."""
    return list(
        Notification.objects.filter(
            project=project,
            recipient_key=canonical(address),
            id__gte=ids.lowest(kept_since()),
            id__lt=ids.lowest(_soon()),
        ).order_by("-id")[:limit]
    )


def latest_invitations(project: Project, addresses: Sequence[str]) -> dict[str, Notification]:
    """The newest invitation to each address, by its canonical form."""
    rows = Notification.objects.filter(
        project=project,
        kind=Kind.INVITATION,
        recipient_key__in=[canonical(address) for address in addresses],
        id__gte=ids.lowest(kept_since()),
        id__lt=ids.lowest(_soon()),
    ).order_by("id")
    return {row.recipient_key: row for row in rows}


def _soon() -> datetime:
    # A clock of another machine may be a little ahead.
    return datetime.now(UTC) + timedelta(minutes=5)
