"""How the engine fares: queue, today's mail, workers, providers, limits, throughput. For metrics and the System page.

Every query is bounded: by both ids, by a partial index and a ceiling, or by the day; none takes longer
because more mail is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from undelivered.delivery import limits
from undelivered.delivery.claim import bounds
from undelivered.delivery.house import SEEN_WITHIN
from undelivered.delivery.models import Provider, Throughput, Worker
from undelivered.desk.models import Project

#: So many rows of a kind are counted one by one; beyond, the counts that workers keep are believed.
CEILING = 10_000
SLOT = timedelta(minutes=5)

_KEPT = "id >= %(low)s AND id < %(high)s"
# The index is by project: as `claim.WAITING` walks from one to the next.
_OF_EACH = f"""
waiting CROSS JOIN LATERAL (SELECT FROM delivery_notification n
    WHERE state = 'queued' AND n.project_id = waiting.project_id AND n.due_at {{}} %(now)s AND {_KEPT}
    LIMIT {CEILING + 1}) one
"""
_STATES = {
    "due": _OF_EACH.format("<="),
    "later": _OF_EACH.format(">"),
    "sending": f"delivery_notification WHERE state = 'sending' AND {_KEPT}",
    "held": f"delivery_notification WHERE state = 'held' AND {_KEPT}",
}
_COUNTS = ", ".join(
    f"(SELECT count(*) FROM (SELECT FROM {which} LIMIT {CEILING + 1}) {name})"  # noqa: S608
    for name, which in _STATES.items()
)
QUEUE = f"""
WITH RECURSIVE waiting AS (
    SELECT 0::bigint AS project_id, NULL::timestamptz AS due_at
    UNION ALL
    SELECT following.* FROM waiting CROSS JOIN LATERAL (
        SELECT project_id, due_at FROM delivery_notification
        WHERE state = 'queued' AND project_id > waiting.project_id AND {_KEPT}
        ORDER BY project_id, due_at LIMIT 1) following)
SELECT {_COUNTS}, (SELECT min(due_at) FROM waiting WHERE due_at <= %(now)s)
"""  # noqa: S608
_COUNTED = """
SELECT {columns}, sum(n)::bigint FROM (
    SELECT kind, state, reason, n FROM delivery_dailycount WHERE day >= %(since)s {where}
    UNION ALL
    SELECT kind, state, reason, n FROM delivery_dailycountdelta WHERE day >= %(since)s {where}) c
GROUP BY {columns}
"""
TODAY = _COUNTED.format(columns="kind, state, reason", where="")
WAITING = _COUNTED.format(columns="state", where="AND state IN ('queued', 'held')")


@dataclass(frozen=True, slots=True)
class Queue:
    """`due` waits for a worker, `later` for its next try, `held` for the next day; `sending` is in a worker's hands."""

    due: int
    later: int
    sending: int
    held: int
    oldest_due_s: float  # 0 where nothing is due


@dataclass(frozen=True, slots=True)
class Alive:
    """A worker's row, and what follows from it."""

    row: Worker
    alive: bool
    seen_s: float  # seconds since its last heartbeat
    skew_s: float | None  # how far its machine's clock is ahead of the database's

    @property
    def stats(self) -> dict[str, Any]:
        return dict(self.row.stats)


@dataclass(frozen=True, slots=True)
class Limit:
    """A daily limit and what is used of it. `project` is a key, empty for the site's."""

    project: str
    used: int
    limit: int | None


def queue(now: datetime | None = None) -> Queue:
    now = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, {"now": now, **bounds(settings.ENV.keep_days)})
        *counted, oldest = cursor.fetchone()
    found = dict(zip(_STATES, counted, strict=True))
    if max(counted) > CEILING:
        found = _beyond(found, oldest or now)
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return Queue(**found, oldest_due_s=age)


def _beyond(found: dict[str, int], oldest: datetime) -> dict[str, int]:
    """The counts know how many wait in all; what is more than the ceiling shares it.

    Nothing that waits is much older than what has been due for longest: it was tried for so many hours at most.
    """
    since = timezone.localdate(oldest - timedelta(hours=settings.ENV.retry_hours)) - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"since": since})
        waiting = {state: int(n) for state, n in cursor.fetchall()}
    rest = waiting.get("queued", 0) - found["sending"]
    grown = dict(found)
    if found["due"] > CEILING:
        grown["due"] = max(found["due"], rest - found["later"])
    elif found["later"] > CEILING:
        grown["later"] = max(found["later"], rest - found["due"])
    grown["held"] = max(found["held"], waiting.get("held", 0)) if found["held"] > CEILING else found["held"]
    return grown


def today() -> Counter[tuple[str, str, str]]:
    """Notifications made today, by kind, state and reason."""
    with connection.cursor() as cursor:
        cursor.execute(TODAY, {"since": timezone.localdate()})
        return Counter({(kind, state, reason): int(n) for kind, state, reason, n in cursor.fetchall() if n > 0})


def workers() -> list[Alive]:
    """Every worker that was seen of late, by the database's clock; those alive first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    found = []
    for row in Worker.objects.order_by("host", "id")[:1000]:
        seen = max(0.0, (now - row.seen_at).total_seconds())
        clock = row.stats.get("clock")
        skew = clock - row.seen_at.timestamp() if clock else None
        found.append(Alive(row, seen < SEEN_WITHIN.total_seconds(), seen, skew))
    return sorted(found, key=lambda one: not one.alive)


def providers() -> list[Provider]:
    """The site's providers first, then those of projects that are not archived; each with its fallback behind it."""
    found = Provider.objects.select_related("project").order_by("project__key", "rank")
    site = [one for one in found if one.project is None]
    return site + [one for one in found if one.project is not None and one.project.archived_at is None]


def daily_limits() -> list[Limit]:
    """Of the site, and of every project that has one or has sent mail today."""
    projects = {pk: (key, limit) for pk, key, limit in Project.objects.values_list("pk", "key", "daily_limit")}
    with connection.cursor() as cursor:
        cursor.execute("SELECT project_id, used FROM delivery_dailyuse WHERE day = %s", [limits.today()])
        used: dict[int | None, int] = dict(cursor.fetchall())
    found = [Limit("", used.get(None, 0), settings.ENV.daily_limit)]
    found += [
        Limit(key, used.get(pk, 0), limit)
        for pk, (key, limit) in projects.items()
        if limit is not None or used.get(pk, 0)
    ]
    return found


def throughput(since: datetime) -> list[Throughput]:
    """The slots since then that something was done in, oldest first."""
    return list(Throughput.objects.filter(slot__gte=since).order_by("slot"))
