"""Daily limits: of the site (its plan) and of each project, counted in the site's days, never exceeded.

A batch reserves what it may send before it sends: one conditional UPDATE a project, in the order of their ids, and the
site's last, so that workers never wait for each other in a circle. Retries are not counted again; resends are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from psycopg import AsyncConnection

from undelivered.delivery import counts
from undelivered.delivery.models import DailyUse
from undelivered.desk.models import Project

NO_LIMIT = 2_000_000_000

RESERVE = """
WITH old AS (SELECT id, used FROM delivery_dailyuse
    WHERE project_id IS NOT DISTINCT FROM %(project)s AND day = %(day)s FOR UPDATE)
UPDATE delivery_dailyuse d SET used = old.used + least(%(wanted)s, greatest(%(limit)s - old.used, 0))
FROM old WHERE d.id = old.id RETURNING d.used - old.used
"""
MAKE = "INSERT INTO delivery_dailyuse (project_id, day, used) VALUES (%(project)s, %(day)s, 0) ON CONFLICT DO NOTHING"
RETURN = "UPDATE delivery_dailyuse SET used = used - %(n)s WHERE project_id = %(project)s AND day = %(day)s"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a batch may send: how many mails of each project, and the projects that got less because of the site."""

    day: date
    mails: dict[int, int]
    short_by_site: frozenset[int]


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used of today's limits, and when they reset."""

    used: int
    limit: int | None
    resets_at: datetime
    zone: str
    site_used: int
    site_limit: int | None

    @property
    def reached(self) -> bool:
        return (self.limit is not None and self.used >= self.limit) or (
            self.site_limit is not None and self.site_used >= self.site_limit
        )

    @property
    def tightest(self) -> tuple[int, int] | None:
        """(used, limit) of the limit that is nearer to being used up; None where there is no limit."""
        known = [(u, n) for u, n in ((self.used, self.limit), (self.site_used, self.site_limit)) if n is not None]
        return min(known, key=lambda pair: pair[1] - pair[0]) if known else None


def today(now: datetime | None = None) -> date:
    return counts.day_of(now or datetime.now(UTC))


def resets_at(now: datetime | None = None) -> datetime:
    """The next midnight in the site's zone."""
    return begins(today(now) + timedelta(days=1))


def begins(day: date) -> datetime:
    """The midnight, in the site's zone, with which a day begins."""
    return _begins(day, counts.zone())


@lru_cache(maxsize=64)
def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def usage(project: Project) -> Usage:
    """Today's use, for pages and the API."""
    rows = DailyUse.objects.filter(Q(project=project) | Q(project=None), day=today())
    used: dict[int | None, int] = dict(rows.values_list("project_id", "used"))
    return Usage(
        used=used.get(project.pk, 0),
        limit=project.daily_limit,
        resets_at=resets_at(),
        zone=settings.TIME_ZONE,
        site_used=used.get(None, 0),
        site_limit=settings.ENV.daily_limit,
    )


async def reserve(
    connection: AsyncConnection[Any], wanted: Mapping[int, int], limits: Mapping[int, int | None], site: int | None
) -> Granted:
    """Reserves up to `wanted[project]` mails each, in one transaction. `site` is the limit of all together."""
    day, got, short = today(), {}, set()
    async with connection.transaction():
        for project in sorted(wanted):
            limit = limits.get(project)
            got[project] = await _take(connection, project, day, wanted[project], limit)
        granted = await _take(connection, None, day, sum(got.values()), site) if any(got.values()) else 0
        for project in sorted(got, reverse=True):  # what the site does not grant goes back
            back = min(got[project], sum(got.values()) - granted)
            if back > 0:
                await connection.execute(RETURN, {"n": back, "project": project, "day": day})
                got[project] -= back
                short.add(project)
    return Granted(day, got, frozenset(short))


async def _take(
    connection: AsyncConnection[Any], project: int | None, day: date, wanted: int, limit: int | None
) -> int:
    parameters = {"project": project, "day": day, "wanted": wanted, "limit": NO_LIMIT if limit is None else limit}
    row = await (await connection.execute(RESERVE, parameters)).fetchone()
    if row is None:
        await connection.execute(MAKE, parameters)
        row = await (await connection.execute(RESERVE, parameters)).fetchone()
    return int(row[0]) if row else 0
