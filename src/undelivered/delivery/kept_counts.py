"""The counts of a project in the kept period: for its tabs, its cards and its chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection

from undelivered.delivery import counts
from undelivered.delivery.models import Kind
from undelivered.delivery.reasons import Reason
from undelivered.delivery.states import State
from undelivered.desk.models import Project


@dataclass(frozen=True, slots=True)
class Day:
    """The failures of one day of the site, by reason."""

    day: date
    by_reason: dict[Reason, int]

    @property
    def total(self) -> int:
        return sum(self.by_reason.values())


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
