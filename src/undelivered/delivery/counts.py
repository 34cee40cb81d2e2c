"""Counts of notifications by day, state and reason: appended as deltas, folded each minute, kept longer than the rows.

A day is the site's, and a notification belongs to the day on which it was made, whatever happens to it later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from undelivered.delivery.models import DailyCountDelta

#: project id, when the notification was made, kind, state, reason, how many more (or fewer)
Change = tuple[int, datetime, str, str, str, int]

FOLD = """
WITH taken AS (DELETE FROM delivery_dailycountdelta WHERE id IN
        (SELECT id FROM delivery_dailycountdelta ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING project_id, day, kind, state, reason, n),
summed AS (SELECT project_id, day, kind, state, reason, sum(n) AS n FROM taken
    WHERE project_id IN (SELECT id FROM desk_project) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5),
folded AS (INSERT INTO delivery_dailycount (project_id, day, kind, state, reason, n)
    SELECT project_id, day, kind, state, reason, n FROM summed
    ON CONFLICT (project_id, day, kind, state, reason) DO UPDATE SET n = delivery_dailycount.n + excluded.n)
SELECT count(*) FROM taken
"""


def zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def day_of(moment: datetime) -> date:
    """The site's day that a moment belongs to."""
    return moment.astimezone(zone()).date()


def summed(changes: Iterable[Change]) -> list[tuple[int, date, str, str, str, int]]:
    """The changes, one row for what is alike, without those that cancel each other out."""
    total: Counter[tuple[int, date, str, str, str]] = Counter()
    for project, made, kind, state, reason, n in changes:
        total[project, day_of(made), kind, state, reason] += n
    return [(*key, n) for key, n in total.items() if n]


def add(changes: Iterable[Change]) -> None:
    """Appends changes, in the caller's transaction."""
    DailyCountDelta.objects.bulk_create(
        DailyCountDelta(project_id=p, day=d, kind=k, state=s, reason=r, n=n) for p, d, k, s, r, n in summed(changes)
    )


def fold(batch: int = 10_000) -> int:
    """Folds what was appended into the counts; how many deltas. Any number of programs may do it at once."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD, [batch])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
