"""The circuit breaker: a provider that cannot be reached rests, its mails keep their attempts, one incident is shown.

When its pause ends, one mail of each worker is the probe; the first mail that gets an answer closes the incident.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from undelivered.delivery import providers
from undelivered.delivery.models import ReturnPath

PROVIDERS = """
SELECT id, project_id, url, secret, changed_at, paused_until, failures, paced_until, return_path, rehearsal
FROM delivery_provider
WHERE rank = 0
"""
PAUSE = """
UPDATE delivery_provider SET failures = failures + 1, paused_until = %(until)s, incident = %(incident)s,
    incident_since = coalesce(incident_since, %(now)s)
WHERE id = %(id)s AND changed_at = %(changed_at)s AND (paused_until IS NULL OR paused_until <= %(now)s)
"""
CLOSE = """
UPDATE delivery_provider SET failures = 0, paused_until = NULL, incident = '', incident_since = NULL
WHERE id = ANY(%s) AND failures > 0
"""
#: Mails of one provider that a worker has in hand at most: a slow one leaves hands to the others.
MOST_OF_ONE = 200


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
    paced_until: datetime | None = None
    return_path: str = ReturnPath.LOGIN
    rehearsal: bool = False

    def rests(self, now: datetime, in_hand: int = 0) -> bool:
        """Whether it gets no more mail now: it is paused, its probe is still out, or it has enough in hand."""
        paused = self.paused_until is not None and self.paused_until > now
        return paused or in_hand >= (1 if self.on_probation else MOST_OF_ONE)

    @property
    def on_probation(self) -> bool:
        """Whether its last answer was an outage: it gets one mail, and no more until that one is through."""
        return self.failures > 0


class Scope(NamedTuple):
    """What one claim takes: `only` these projects (None: all), `without` these, at most so many."""

    only: list[int] | None
    without: list[int]
    most: int | None


@dataclass(frozen=True, slots=True)
class Board:
    """Which provider takes which project's mail, and which of them rest."""

    by_project: Mapping[int | None, Known]

    def of(self, project_id: int) -> Known | None:
        return self.by_project.get(project_id) or self.by_project.get(None)

    def scopes(self, now: datetime, in_hand: Mapping[int, int]) -> list[Scope]:
        """The claims to be made. `in_hand`: mails on their way, by provider. Probes go first: one mail each."""
        own = {project: known for project, known in self.by_project.items() if project is not None}
        awake = {p: known for p, known in own.items() if not known.rests(now, in_hand.get(known.id, 0))}
        found = [Scope([p], [], 1) for p, known in awake.items() if known.on_probation]
        healthy = [p for p, known in awake.items() if not known.on_probation]
        site = self.by_project.get(None)
        if site and site.rests(now, in_hand.get(site.id, 0)):
            site = None
        if site and site.on_probation:
            found.append(Scope(None, list(own), 1))
        elif site:  # one claim for all that are well, so that the oldest mail goes first
            return [*found, Scope(None, [p for p in own if p not in healthy], None)]
        return [*found, Scope(healthy, [], None)] if healthy else found

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


async def close(connection: AsyncConnection[Any], answered: Collection[int]) -> None:
    """Mails got an answer: the incidents of their providers are over."""
    if answered:
        await connection.execute(CLOSE, [list(answered)])
