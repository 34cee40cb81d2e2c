"""The log: its two tabs as queries, and what a row opens to. The failure log is a query on the outbox.

Every query carries both id bounds, so that only the partitions that it needs are read, newest first. Pages are keyset
pages: a cursor is the id of the last row seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from undelivered.database import ids
from undelivered.delivery import counts
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Content, DeliveryEvent, EventType, Kind, Notification, NotSent
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk import issue_keys
from undelivered.desk.models import Project

PAGE = 25
#: Counts stop there. Addresses that begin alike are not together with their states: there it takes longer to count.
CAP, CAP_ALIKE = 10_000, 1_000
#: So many of the newest rows are looked at for addresses that begin alike before their index is.
FIRST_LOOK = 400
ALL = "all"


class BadCursor(ValueError):
    """The cursor is none of ours, or points at rows that are no longer kept."""


class BadFilter(ValueError):
    """A filter has a value that cannot be; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Filters:
    """What the log shows. `state`: a state, or `all`. `recipient`: an address, `beginning*`, or `@domain`."""

    kind: str = Kind.REQUEST.value
    state: str = State.FAILED.value
    reason: str = ""
    name: str = ""
    recipient: str = ""
    issue_key: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def checked(self) -> Filters:
        """The filters in their canonical form. Raises `BadFilter`."""
        for field, value, known in (
            ("kind", self.kind, {"", *Kind.values}),
            ("state", self.state, {ALL, *State.values}),
            ("reason", self.reason, {"", *Reason.values}),
        ):
            if value not in known:
                raise BadFilter(field, f"{value!r} is not one of {', '.join(sorted(known - {''}))}.")
        key = self.issue_key.strip()
        if key and not issue_keys.parse(key):
            raise BadFilter("issue_key", f"{key[:40]!r} is not an issue key such as IT-12.")
        if self.since and self.until and self.since >= self.until:
            raise BadFilter("until", "The end of the period is not after its beginning.")
        for field in ("name", "recipient"):
            if "\x00" in getattr(self, field):
                raise BadFilter(field, "A NUL character cannot be searched for.")
        return replace(self, issue_key=key.upper(), recipient=self.recipient.strip(), name=self.name.strip())


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


@dataclass(frozen=True, slots=True)
class Day:
    """The failures of one day of the site, by reason."""

    day: date
    by_reason: dict[Reason, int]

    @property
    def total(self) -> int:
        return sum(self.by_reason.values())


def kept_since(now: datetime | None = None) -> datetime:
    """The moment before which nothing is shown, even where its partition is not dropped yet."""
    return (now or datetime.now(UTC)) - timedelta(days=settings.ENV.keep_days)


def matching(project: Project, filters: Filters, *, before: UUID | None = None) -> QuerySet[Notification]:
    """The rows that filters (checked ones) name, within both id bounds, unordered."""
    now = datetime.now(UTC)
    low = ids.lowest(max(filters.since or kept_since(now), kept_since(now)))
    high = ids.lowest(min(filters.until or now + timedelta(minutes=5), now + timedelta(minutes=5)))
    if before is not None:
        high = min(high, before)
    found = Notification.objects.filter(project=project, id__gte=low, id__lt=high)
    exact = {"kind": filters.kind, "reason": filters.reason, "name": filters.name, "issue_key": filters.issue_key}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if filters.state != ALL:
        found = found.filter(state=filters.state)
    if filters.reason:
        found = found.filter(state=State.FAILED)  # nothing else has a reason, and the index is that of failed rows
    return _to(found, filters.recipient)


def _to(found: QuerySet[Notification], recipient: str) -> QuerySet[Notification]:
    if not recipient:
        return found
    if recipient.startswith("@"):
        return found.filter(recipient_domain=canonical(f"a{recipient}").rpartition("@")[2])
    if _is_beginning(recipient):
        return found.filter(recipient_key__startswith=canonical(recipient.rstrip("*")))
    return found.filter(recipient_key=canonical(recipient))


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
        if _is_beginning(filters.recipient):
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
    addresses: so the newest of all rows are looked at first, which is enough where many begin like that, and then the
    index, from today back in steps that double."""
    beginning = canonical(filters.recipient.rstrip("*"))
    newest = matching(project, replace(filters, recipient=""), before=before).order_by("-id")
    seen = list(newest.values_list("id", "recipient_key")[:FIRST_LOOK])
    ids_found = [id for id, key in seen if key.startswith(beginning)][:limit]
    if len(seen) < FIRST_LOOK:
        return ids_found
    oldest = max(filters.since or kept_since(), kept_since())
    until, days = seen[-1][0], 1
    while len(ids_found) < limit and ids.created_at(until) > oldest:
        start = max(ids.lowest(ids.created_at(until) - timedelta(days=days)), ids.lowest(oldest))
        found = matching(project, filters, before=until).filter(id__gte=start).order_by("-id")
        ids_found += found.values_list("id", flat=True)[: limit - len(ids_found)]
        until, days = start, days * 2
    return ids_found


def _is_beginning(recipient: str) -> bool:
    """Whether it is the beginning of addresses, as `ann*`."""
    return recipient.endswith("*") or (recipient != "" and "@" not in recipient)


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
    cap = min(cap, CAP_ALIKE) if _is_beginning(filters.recipient) else cap
    n = matching(project, filters).values("id")[: cap + 1].count()
    return Capped(min(n, cap), n > cap)


def ids_matching(project: Project, filters: Filters, limit: int = 1000) -> list[UUID]:
    return list(matching(project, filters.checked()).order_by("-id").values_list("id", flat=True)[:limit])


def names(project: Project, kind: str) -> list[str]:
    """The notification names that the newest rows of a tab have, for the filter."""
    newest = matching(project, Filters(kind=kind, state=ALL)).order_by("-id").values("name")[:2000]
    return sorted({row["name"] for row in newest})


SUMS = """
SELECT kind, day, state, reason, sum(n) FROM (
    SELECT kind, day, state, reason, n FROM delivery_dailycount WHERE project_id = %(project)s AND day >= %(since)s
    UNION ALL
    SELECT kind, day, state, reason, n FROM delivery_dailycountdelta WHERE project_id = %(project)s AND day >= %(since)s
) c GROUP BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a project in the kept period: (kind, day, state, reason) -> how many."""

    rows: dict[tuple[str, date, str, str], int]
    since: date
    until: date

    def failed(self, kind: str) -> int:
        return sum(n for (k, _, state, _), n in self.rows.items() if k == kind and state == State.FAILED)

    def total(self, kind: str) -> int:
        return sum(n for (k, _, _, _), n in self.rows.items() if k == kind)

    def by_reason(self, kind: str) -> dict[Reason, int]:
        found = dict.fromkeys(Reason, 0)
        for (k, _, state, reason), n in self.rows.items():
            if k == kind and state == State.FAILED and reason:
                found[Reason(reason)] += n
        return found

    def chart(self, kind: str) -> list[Day]:
        """One `Day` for each kept day, oldest first, without a gap."""
        days: dict[date, dict[Reason, int]] = {
            self.since + timedelta(days=i): {} for i in range((self.until - self.since).days + 1)
        }
        for (k, day, state, reason), n in self.rows.items():
            if k == kind and state == State.FAILED and reason and day in days and n:
                days[day][Reason(reason)] = days[day].get(Reason(reason), 0) + n
        return [Day(day, by_reason) for day, by_reason in days.items()]


def kept_counts(project: Project) -> Counts:
    """All counts that a project's pages need, in one query."""
    today = counts.day_of(datetime.now(UTC))
    since = today - timedelta(days=settings.ENV.keep_days - 1)
    with connection.cursor() as cursor:
        cursor.execute(SUMS, {"project": project.pk, "since": since})
        rows = {(kind, day, state, reason): int(n) for kind, day, state, reason, n in cursor.fetchall() if n}
    return Counts(rows, since, today)


def tab_counts(project: Project) -> dict[str, int]:
    """How many notifications of each tab failed in the kept period."""
    found = kept_counts(project)
    return {kind: found.failed(kind) for kind in (Kind.INVITATION.value, Kind.REQUEST.value)}


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
