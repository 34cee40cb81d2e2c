"""The circuit breaker: a provider that cannot be reached rests, its mails keep their attempts, one incident is shown.

When its pause ends, one mail is the probe; the first mail that gets an answer closes the incident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from undelivered.delivery import providers

PROVIDERS = """
SELECT id, project_id, url, secret, changed_at, paused_until, failures FROM delivery_provider
"""
PAUSE = """
UPDATE delivery_provider SET failures = failures + 1, paused_until = %(until)s, incident = %(incident)s,
    incident_since = coalesce(incident_since, %(now)s)
WHERE id = %(id)s AND changed_at = %(changed_at)s AND (paused_until IS NULL OR paused_until <= %(now)s)
"""
CLOSE = """
UPDATE delivery_provider SET failures = 0, paused_until = NULL, incident = '', incident_since = NULL
WHERE id = %(id)s AND failures > 0
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A provider as the worker knows it. `project_id` None: the site's."""

    id: int
    project_id: int | None
    url: str
    secret: str
    changed_at: datetime
    paused_until: datetime | None
    failures: int

    def paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now

    @property
    def on_probation(self) -> bool:
        """Whether its last answer was an outage: it gets one mail, and no more until that one is through."""
        return self.failures > 0


@dataclass(frozen=True, slots=True)
class Board:
    """Which provider takes which project's mail, and which of them rest."""

    by_project: Mapping[int | None, Known]

    def of(self, project_id: int) -> Known | None:
        return self.by_project.get(project_id) or self.by_project.get(None)

    def scopes(self, now: datetime) -> list[tuple[list[int] | None, list[int], int | None]]:
        """What may be claimed: (only these projects, without these, at most so many) for each claim to be made."""
        own = {project: known for project, known in self.by_project.items() if project is not None}
        site = self.by_project.get(None)
        found: list[tuple[list[int] | None, list[int], int | None]] = []
        healthy = [p for p, known in own.items() if not known.paused(now) and not known.on_probation]
        if site and not site.paused(now):
            if site.on_probation:
                found.append((None, list(own), 1))
            else:
                found.append((None, [p for p in own if p not in healthy], None))
                healthy = []
        if healthy:
            found.append((healthy, [], None))
        found += [([p], [], 1) for p, known in own.items() if known.on_probation and not known.paused(now)]
        return found

    def next_change(self, now: datetime) -> datetime | None:
        """When the first of the pauses ends."""
        ends = [k.paused_until for k in self.by_project.values() if k.paused_until and k.paused_until > now]
        return min(ends, default=None)


async def load(connection: AsyncConnection[Any]) -> Board:
    async with connection.cursor(row_factory=class_row(Known)) as cursor:
        await cursor.execute(PROVIDERS)
        return Board({one.project_id: one for one in await cursor.fetchall()})


async def pause(connection: AsyncConnection[Any], provider: Known, incident: str) -> datetime:
    """An outage was seen: until when the provider rests. Ten mails that see the same outage lengthen it once."""
    now = datetime.now(UTC)
    until = now + timedelta(seconds=providers.pause_s(provider.failures + 1))
    parameters = {
        "id": provider.id,
        "changed_at": provider.changed_at,
        "until": until,
        "incident": incident,
        "now": now,
    }
    await connection.execute(PAUSE, parameters)
    return until


async def close(connection: AsyncConnection[Any], providers_answered: Sequence[Known]) -> None:
    """Mails got an answer: the incidents of their providers are over."""
    for provider in providers_answered:
        if provider.on_probation:
            await connection.execute(CLOSE, {"id": provider.id})
