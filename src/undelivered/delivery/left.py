"""Notifications that something came back about: found, locked if they have left, and moved by what was heard.

Rows are locked in the order of their ids, so that programs that read at once wait for each other instead of blocking
each other. What is still a worker's is looked at and left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from undelivered.database import ids
from undelivered.database.arrays import array
from undelivered.database.statements import Statements
from undelivered.delivery import counts
from undelivered.delivery.lines import by_day
from undelivered.delivery.standing import Standing
from undelivered.delivery.states import State, may

_READ = (
    "id, project_id, kind, recipient, recipient_key, provider_id, attempts, "
    "state, reason, detail, cause, smtp_code, enhanced_code, finished_at"
)
_WHICH = "FROM delivery_notification WHERE id = ANY(%s) AND id >= %s AND id <= %s"
LOCK = f"SELECT {_READ} {_WHICH} AND state IN ('sent', 'delivered', 'failed') ORDER BY id FOR UPDATE"
LOOK = f"SELECT {_READ} {_WHICH}"

WRITTEN = (
    ("state", "text"),
    ("reason", "text"),
    ("detail", "text"),
    ("cause", "text"),
    ("smtp_code", "smallint"),
    ("enhanced_code", "text"),
    ("finished_at", "timestamptz"),
)
GIVEN = (
    ("id", "uuid"),
    ("old_state", "text"),
    ("old_reason", "text"),
    *WRITTEN,
    ("project_id", "bigint"),
    ("kind", "text"),
    ("made_at", "timestamptz"),
)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in GIVEN)
_NAMES = ", ".join(name for name, _ in GIVEN)
MOVE = f"""
WITH given AS MATERIALIZED (SELECT * FROM unnest({_ARRAYS}) AS g ({_NAMES})),
moved AS (
    UPDATE delivery_notification n SET {", ".join(f"{name} = g.{name}" for name, _ in WRITTEN)}
    FROM given g
    WHERE n.id = g.id AND n.id >= %s AND n.id <= %s AND n.state = g.old_state AND n.reason = g.old_reason
    RETURNING n.id)
INSERT INTO delivery_dailycountdelta (project_id, day, kind, state, reason, n)
SELECT project_id, (made_at AT TIME ZONE %s)::date, kind, c.state, c.reason, sum(c.n)
FROM given JOIN moved USING (id)
    CROSS JOIN LATERAL (VALUES (old_state, old_reason, -1), (given.state, given.reason, 1)) AS c (state, reason, n)
GROUP BY 1, 2, 3, 4, 5 HAVING sum(c.n) <> 0
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Found:
    """A notification as its row has it. `locked`: it has left, as far as the state tells, and nobody else moves it."""

    id: UUID
    project_id: int
    kind: str
    recipient: str
    recipient_key: str
    provider_id: int | None
    attempts: int
    standing: Standing
    locked: bool = True


def find(wanted: Collection[UUID]) -> Statements[dict[UUID, Found]]:
    """Those that are kept."""
    now = datetime.now(UTC)
    low, high = ids.lowest(now - timedelta(days=settings.ENV.keep_days + 2)), ids.lowest(now + timedelta(days=1))
    found: dict[UUID, Found] = {}
    for some in by_day(id for id in wanted if low <= id < high):
        rows = yield LOCK, [array("uuid", some), some[0], some[-1]]
        found.update((row[0], _found(row)) for row in rows)
        if rest := [id for id in some if id not in found]:
            rows = yield LOOK, [array("uuid", rest), rest[0], rest[-1]]
            found.update((row[0], replace(_found(row), locked=False)) for row in rows)
    return found


def _found(row: tuple[Any, ...]) -> Found:
    id, project, kind, recipient, key, provider, attempts, *standing = row
    return Found(id, project, kind, recipient, key, provider, attempts, Standing(*standing))


def move(changes: Iterable[tuple[Found, Standing]]) -> Statements[None]:
    """Writes what the rows say now, and the counts that follow."""
    changed = {found.id: (found, new) for found, new in changes if new != found.standing}
    for some in by_day(changed):
        rows = [_given(*changed[id]) for id in some]
        arrays = [array(kind, column) for (_, kind), column in zip(GIVEN, zip(*rows, strict=True), strict=True)]
        yield MOVE, [*arrays, some[0], some[-1], counts.zone().key]


def _given(found: Found, new: Standing) -> Sequence[Any]:
    """In the order of `GIVEN`."""
    old = found.standing
    assert new.state == old.state or may(State(old.state), State(new.state)), (old.state, new.state)
    said = (new.state, new.reason, new.detail, new.cause, new.code, new.enhanced, new.finished_at)
    return found.id, old.state, old.reason, *said, found.project_id, found.kind, ids.created_at(found.id)
