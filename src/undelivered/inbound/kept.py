"""What has come in, as pages show it: newest first, one by one, and how much of it is nobody's.

A project sees what is about its own mail. What nothing tells whose it is, site admins see. Every query carries both id
bounds, and none but `raw` reads the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db.models import BinaryField, Func, IntegerField, Q, QuerySet, Value

from undelivered.database import ids
from undelivered.delivery.addresses import canonical
from undelivered.delivery.failures import BadCursor, Capped
from undelivered.desk.models import Project
from undelivered.inbound.models import Arrival, Door, Made

PAGE = 25
CAP = 1000
#: What a person should look at, where it is nobody's.
TO_LOOK_AT = (Made.UNMATCHED, Made.BROKEN)


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: any. `recipient`: an address, the beginning of one, or `@domain`. Values that cannot be find nothing."""

    made: str = ""
    door: str = ""
    recipient: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.made or self.door or self.recipient)


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Arrival]
    next: str | None


def page(project: Project | None, filters: Filters, *, cursor: str = "", limit: int = PAGE) -> Page:
    """A page of a project's arrivals, or of those that are nobody's. Raises `BadCursor`."""
    found = _kept(_read_cursor(cursor) if cursor else None).filter(project_id=project.pk if project else None)
    if filters.made:
        found = found.filter(state=filters.made)
    if filters.door:
        found = found.filter(door=filters.door)
    rows = list(_about(found, filters.recipient).order_by("-id")[: limit + 1])
    return Page(rows[:limit], rows[limit - 1].id.hex if len(rows) > limit else None)


def _about(found: QuerySet[Arrival], recipient: str) -> QuerySet[Arrival]:
    """By a recipient as it was told: not in its canonical form, but whatever its case."""
    recipient = recipient.strip()
    if recipient.startswith("@"):
        domain = canonical(f"a{recipient}")[1:]
        return found.filter(Q(recipient__iendswith=recipient) | Q(recipient__iendswith=domain))
    return found.filter(recipient__istartswith=recipient.rstrip("*")) if recipient else found


def get(project: Project | None, id: UUID) -> Arrival | None:
    """One arrival of a project, or of those that are nobody's."""
    if id.version != 7 or ids.created_at(id) < _since():
        return None
    return _kept().filter(project_id=project.pk if project else None, id=id).first()


def raw(id: UUID, most: int) -> tuple[bytes, int]:
    """The beginning of what came in, and how many bytes of it are kept."""
    part: Any = Func("raw", Value(1), Value(most), function="substring", output_field=BinaryField())
    size: Any = Func("raw", function="octet_length", output_field=IntegerField())
    row = Arrival.objects.filter(id=id).values_list(part, size).first()
    return (bytes(cast("bytes", row[0])), int(row[1])) if row else (b"", 0)


def nobodys() -> Capped:
    """How many arrivals nobody's admin sees and a site admin should look at, counted up to a cap."""
    found = _kept().filter(project_id=None, state__in=TO_LOOK_AT)
    n = found.order_by("-id").values("id")[: CAP + 1].count()
    return Capped(min(n, CAP), n > CAP)


def _kept(before: UUID | None = None) -> QuerySet[Arrival]:
    high = ids.lowest(datetime.now(UTC) + timedelta(minutes=5))  # a clock of another machine may be a little ahead
    bounded = Arrival.objects.filter(id__gte=ids.lowest(_since()), id__lt=min(high, before or high))
    return bounded.defer("raw")


def _since() -> datetime:
    return datetime.now(UTC) - timedelta(days=settings.ENV.keep_days)


def _read_cursor(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise BadCursor("This cursor is none of ours. Start from the first page.") from None


MADE = {made.value: str(made.label) for made in Made}
DOORS = {door.value: str(door.label) for door in Door}
