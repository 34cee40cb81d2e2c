"""Daily limits: of the site (its plan) and of each project, counted in the site's days, never exceeded.

A batch reserves what it may send before it sends, by one statement that takes the projects in the order of their ids,
and the site last: workers never wait for each other in a circle. Retries are not counted again; resends are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

# One statement is a transaction. `held` locks the rows, in one order, and sees what others have committed by then. What
# the site does not grant is taken from the last projects.
RESERVE = """
WITH held AS (SELECT id, project_id, used FROM delivery_dailyuse
    WHERE day = %(day)s AND (project_id = ANY(%(projects)s::bigint[]) OR project_id IS NULL)
    ORDER BY project_id NULLS LAST FOR UPDATE),
site AS (SELECT id, greatest(%(site)s - used, 0) AS free FROM held WHERE project_id IS NULL),
asked AS (SELECT held.id, project_id, least(wanted, greatest(most - used, 0)) AS n
    FROM held JOIN unnest(%(projects)s::bigint[], %(wanted)s::int[], %(limits)s::int[]) AS w (project_id, wanted, most)
    USING (project_id)),
granted AS (SELECT asked.id, project_id, asked.n AS allowed,
    greatest(0, least(asked.n, free - sum(asked.n) OVER (ORDER BY project_id) + asked.n))::int AS n FROM asked, site),
used AS (UPDATE delivery_dailyuse d SET used = d.used + more.n
    FROM (SELECT id, n FROM granted UNION ALL SELECT site.id, (SELECT sum(n) FROM granted) FROM site) AS more
    WHERE d.id = more.id AND more.n > 0)
SELECT project_id, n, n < allowed FROM granted
"""
MAKE = """
INSERT INTO delivery_dailyuse (project_id, day, used)
SELECT project_id, %(day)s, 0 FROM unnest(%(projects)s::bigint[] || NULL::bigint) AS w (project_id)
ON CONFLICT DO NOTHING
"""


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
    """Reserves up to `wanted[project]` mails each. `site` is the limit of all together."""
    projects = sorted(wanted)
    day = today()
    parameters: dict[str, Any] = {
        "day": day,
        "projects": projects,
        "wanted": [wanted[project] for project in projects],
        "limits": [_most(limits.get(project)) for project in projects],
        "site": _most(site),
    }
    rows = await (await connection.execute(RESERVE, parameters)).fetchall()
    if len(rows) < len(projects):  # the first mails of the day
        await connection.execute(MAKE, parameters)
        rows += await (await connection.execute(RESERVE, _but_for(parameters, {row[0] for row in rows}))).fetchall()
    mails = dict.fromkeys(projects, 0) | {project: n for project, n, _ in rows}
    return Granted(day, mails, frozenset(project for project, _, short in rows if short))


def _but_for(parameters: dict[str, Any], done: Collection[int]) -> dict[str, Any]:
    """The same for the other projects."""
    left = [place for place, project in enumerate(parameters["projects"]) if project not in done]
    return parameters | {name: [parameters[name][n] for n in left] for name in ("projects", "wanted", "limits")}


def _most(limit: int | None) -> int:
    return NO_LIMIT if limit is None else limit
