"""The circuit breaker: a provider that cannot be reached rests, its mails keep their attempts, one incident is shown.

When its pause ends, one mail of each worker is the probe; the first mail that gets an answer closes the incident. Until
then its mail goes to its fallback if it has one, else it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from psycopg import AsyncConnection
from psycopg.rows import class_row

from undelivered.delivery import providers
from undelivered.delivery.models import ReturnPath

PROVIDERS = """
SELECT id, project_id, url, secret, changed_at, paused_until, failures, paced_until, return_path, rehearsal, rank, name
FROM delivery_provider ORDER BY rank
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
    rank: int = providers.FIRST
    name: str = ""

    def rests(self, now: datetime) -> bool:
        """Whether it gets no mail now."""
        return self.paused_until is not None and self.paused_until > now

    @property
    def on_probation(self) -> bool:
        """Whether its last answer was an outage: it gets one mail, and no more until that one is through."""
        return self.failures > 0


@dataclass(frozen=True, slots=True)
class Board:
    """Who takes which project's mail: by owner (None: the site), the first provider and then its fallback."""

    owners: Mapping[int | None, tuple[Known, ...]]

    @classmethod
    def of(cls, providers: Iterable[Known]) -> Self:
        owners: dict[int | None, tuple[Known, ...]] = {}
        for one in sorted(providers, key=lambda one: one.rank):
            owners[one.project_id] = (*owners.get(one.project_id, ()), one)
        return cls(owners)

    @property
    def all(self) -> list[Known]:
        return [one for those in self.owners.values() for one in those]

    def chain(self, project: int) -> tuple[Known, ...]:
        """A project's own providers, else the site's: never one after the other."""
        return self.owners.get(project) or self.owners.get(None, ())

    def takers(self, project: int, now: datetime) -> list[Known]:
        """Who may be handed a project's mail now: whoever is tried after an outage, and then the first that works."""
        found = []
        for known in self.chain(project):
            if not known.rests(now):
                found.append(known)
            if not known.on_probation:
                break
        return found

    def stand_in(self, provider: Known) -> Known | None:
        """Who takes its mail while it is out of order."""
        others = (one for one in self.owners.get(provider.project_id, ()) if one.id != provider.id)
        return next((one for one in others if not one.on_probation), None)

    def map(self, change: Callable[[Known], Known]) -> Board:
        return Board({owner: tuple(change(one) for one in those) for owner, those in self.owners.items()})

    def next_change(self, now: datetime) -> datetime | None:
        """When the first of the pauses ends."""
        ends = [one.paused_until for one in self.all if one.paused_until and one.paused_until > now]
        return min(ends, default=None)


async def load(connection: AsyncConnection[Any]) -> Board:
    async with connection.cursor(row_factory=class_row(Known)) as cursor:
        await cursor.execute(PROVIDERS)
        return Board.of(await cursor.fetchall())


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
