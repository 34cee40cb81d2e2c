"""What the log can be asked for, and the rows that are named by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from undelivered.database import ids
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Kind, Notification
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk import issue_keys
from undelivered.desk.models import Project

ALL = "all"


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


def kept_since(now: datetime | None = None) -> datetime:
    """The moment before which nothing is shown, even where its partition is not dropped yet."""
    return (now or datetime.now(UTC)) - timedelta(days=settings.ENV.keep_days)


def matching(project: Project, filters: Filters, *, before: UUID | None = None) -> QuerySet[Notification]:
    """The rows that filters (checked ones) name, within both id bounds, unordered."""
    low, high = bounds(filters, before)
    found = Notification.objects.filter(project=project, id__gte=low, id__lt=high)
    exact = {"kind": filters.kind, "reason": filters.reason, "name": filters.name, "issue_key": filters.issue_key}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if filters.state != ALL:
        found = found.filter(state=filters.state)
    if filters.reason:
        found = found.filter(state=State.FAILED)  # nothing else has a reason, and the index is that of failed rows
    return _to(found, filters.recipient)


def bounds(filters: Filters, before: UUID | None) -> tuple[UUID, UUID]:
    """The lowest id that may match, and the one that all are below."""
    now = datetime.now(UTC)
    low = ids.lowest(max(filters.since or kept_since(now), kept_since(now)))
    high = ids.lowest(min(filters.until or now + timedelta(minutes=5), now + timedelta(minutes=5)))
    return low, high if before is None else min(high, before)


def _to(found: QuerySet[Notification], recipient: str) -> QuerySet[Notification]:
    if not recipient:
        return found
    if recipient.startswith("@"):
        return found.filter(recipient_domain=canonical(f"a{recipient}").rpartition("@")[2])
    if is_beginning(recipient):
        return found.filter(recipient_key__startswith=canonical(recipient.rstrip("*")))
    return found.filter(recipient_key=canonical(recipient))


def is_beginning(recipient: str) -> bool:
    """Whether it is the beginning of addresses, as `ann*`."""
    return recipient.endswith("*") or (recipient != "" and "@" not in recipient)
