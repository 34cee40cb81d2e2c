"""For tests of what comes back: rows that have left, and things that are said of them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

from tests import make
from undelivered.database import ids
from undelivered.delivery import feedback
from undelivered.delivery.feedback import Did, Effect, Feedback, Said
from undelivered.delivery.models import DailyCountDelta, DeliveryEvent, Notification, Provider
from undelivered.desk.models import Project

_numbers = count(1)


def left(project: Project, recipient: str = "ann@x.example", **values) -> Notification:
    """A notification that the provider accepted an hour ago, unless `at` says otherwise."""
    at = values.pop("at", None) or datetime.now(UTC) - timedelta(hours=1)
    row = make.notification(project, recipient, at=at, **{"state": "sent", "attempts": 1, "finished_at": at, **values})
    line(row, "accepted")
    return row


def line(row: Notification, kind: str) -> None:
    DeliveryEvent.objects.create(
        notification_id=row.id, event_key=f"{kind}-1-{next(_numbers)}", at=ids.created_at(row.id), type=kind, attempt=1
    )


def of_site(project: Project) -> int:
    """The site's provider."""
    return Provider.objects.get_or_create(project=None, rank=0, defaults={"name": "The site's"})[0].pk


def said(row: Notification, what: str, minutes: float = 5, **values) -> Feedback:
    """Something said of a notification so long after it was made."""
    at = values.pop("at", None) or ids.created_at(row.id) + timedelta(minutes=minutes)
    key = values.pop("key", f"{what}-{at.isoformat()}-{values.get('cause', '')}")
    return Feedback(row.id, Said(what), at, key, **values)


def bounce(row: Notification, minutes: float = 5, cause: str = "userunknown", **values) -> Feedback:
    return said(row, "bounced", minutes, cause=cause, **{"detail": "550 5.1.1 No such user", **values})


def hear(*told: Feedback) -> list[Did]:
    return [effect.did for effect in effects(*told)]


def effects(*told: Feedback) -> list[Effect]:
    return feedback.apply(told)


def counted() -> dict[tuple[str, str], int]:
    """What the counts moved by."""
    total: Counter[tuple[str, str]] = Counter()
    for delta in DailyCountDelta.objects.all():
        total[delta.state, delta.reason] += delta.n
    return {what: n for what, n in total.items() if n}
