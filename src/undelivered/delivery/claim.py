"""Claims: QUEUED rows that are due become SENDING and belong to one worker. Hot SQL lives here and in `record` only.

A claim is fenced: every outcome must name the worker and the attempt that the claim wrote. The lease belongs to the
worker (one heartbeat row), not to the mail, because a provider may legally take ten minutes after the final dot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import args_row

from undelivered.database import ids

#: Rows older than what is kept and newer than tomorrow do not exist: these bounds let the planner skip other days.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One notification in a worker's hands: what sending it takes."""

    id: UUID
    project_id: int
    kind: str
    recipient: str
    recipient_key: str
    recipient_name: str
    customer_id: int | None
    request_id: int | None
    content_id: UUID
    attempts: int
    worker: int
    counted_on: date | None
    personal: Mapping[str, Any] = field(default_factory=dict)

    @property
    def created_at(self) -> datetime:
        return ids.created_at(self.id)


_RETURNED = (
    "n.id, n.project_id, n.kind, n.recipient, n.recipient_key, n.recipient_name, n.customer_id, n.request_id, "
    "n.content_id, n.attempts, n.worker, n.counted_on, n.personal"
)

CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM delivery_notification
    WHERE state = 'queued' AND due_at <= %(now)s AND id >= %(low)s AND id < %(high)s
        AND (%(only)s::bigint[] IS NULL OR project_id = ANY(%(only)s)) AND project_id <> ALL(%(without)s::bigint[])
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE delivery_notification n SET state = 'sending', worker = %(worker)s, attempts = n.attempts + 1, due_at = NULL
FROM due WHERE n.id = due.id AND n.id >= %(low)s AND n.id < %(high)s
RETURNING {_RETURNED}
"""  # noqa: S608

GIVE_BACK = """
WITH gone AS (
    UPDATE delivery_notification SET state = 'queued', worker = NULL, due_at = %(now)s
    WHERE state = 'sending' AND id >= %(low)s AND id < %(high)s
        AND (worker = %(worker)s AND id <> ALL(%(held)s::uuid[])
            OR %(worker)s::bigint IS NULL AND NOT EXISTS (SELECT 1 FROM delivery_worker w
                WHERE w.id = delivery_notification.worker AND w.seen_at > now() - %(seen_within)s::interval))
    RETURNING id, attempts)
INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data)
SELECT id, 'returned-' || attempts || '-' || extract(epoch FROM %(now)s::timestamptz), %(now)s, 'returned', attempts,
    '{}' FROM gone ON CONFLICT DO NOTHING RETURNING notification_id
"""

# No attempt was made, and no line of history is written: a mail may wait many times for its turn.
PUT_BACK = """
UPDATE delivery_notification n SET state = 'queued', worker = NULL, attempts = n.attempts - 1, due_at = v.due_at
FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[]) AS v (id, attempts, due_at)
WHERE n.id = v.id AND n.id >= %s AND n.id <= %s AND n.state = 'sending' AND n.worker = %s AND n.attempts = v.attempts
"""

RELEASE = """
WITH freed AS (
    UPDATE delivery_notification SET state = 'queued', due_at = %(now)s
    WHERE state = 'held' AND due_at <= %(now)s AND id >= %(low)s AND id < %(high)s RETURNING id, project_id, kind),
told AS (
    INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data)
    SELECT id, 'released-' || extract(epoch FROM %(now)s::timestamptz), %(now)s, 'released', 0, '{}' FROM freed
    ON CONFLICT DO NOTHING)
SELECT id, project_id, kind FROM freed
"""


def bounds(keep_days: int, now: datetime | None = None) -> dict[str, UUID]:
    """`low` and `high`: the ids that can exist at all, as plan-time values."""
    now = now or datetime.now(UTC)
    return {"low": ids.lowest(now - timedelta(days=keep_days + 2)), "high": ids.lowest(now + _AHEAD)}


async def claim(
    connection: AsyncConnection[Any],
    worker: int,
    limit: int,
    *,
    keep_days: int,
    only: Sequence[int] | None = None,
    without: Sequence[int] = (),
) -> list[Claimed]:
    """Up to `limit` rows that are due, oldest first. `only` and `without` are ids of projects."""
    parameters = {
        **bounds(keep_days),
        "now": datetime.now(UTC),
        "worker": worker,
        "limit": limit,
        "only": None if only is None else list(only),
        "without": list(without),
    }
    async with connection.cursor(row_factory=args_row(Claimed), binary=True) as cursor:
        await cursor.execute(CLAIM, parameters)
        return sorted(await cursor.fetchall(), key=lambda row: row.id)


async def give_back(
    connection: AsyncConnection[Any],
    *,
    keep_days: int,
    worker: int | None = None,
    held: Sequence[UUID] = (),
    seen_within: timedelta = timedelta(0),
) -> int:
    """Rows are QUEUED again: those of one worker but for the ones that it holds, else those of every worker that was
    not seen within that time, by the database's clock. How many."""
    parameters = {
        **bounds(keep_days),
        "now": datetime.now(UTC),
        "seen_within": seen_within,
        "worker": worker,
        "held": list(held),
    }
    return len(await (await connection.execute(GIVE_BACK, parameters)).fetchall())


async def put_back(connection: AsyncConnection[Any], worker: int, rows: Sequence[tuple[Claimed, datetime]]) -> int:
    """Claimed rows are QUEUED again, each until its due time, as if they had not been claimed. How many."""
    by_day: dict[date, list[tuple[Claimed, datetime]]] = {}
    for row, due in sorted(rows, key=lambda pair: pair[0].id):
        by_day.setdefault(ids.day_of(row.id), []).append((row, due))
    done = 0
    for some in by_day.values():
        columns = [row.id for row, _ in some], [row.attempts for row, _ in some], [due for _, due in some]
        done += (await connection.execute(PUT_BACK, [*columns, some[0][0].id, some[-1][0].id, worker])).rowcount
    return done


async def release_held(connection: AsyncConnection[Any], *, keep_days: int) -> list[tuple[UUID, int, str]]:
    """HELD rows whose day has come are QUEUED; (id, project, kind) of each, for the counts."""
    cursor = await connection.execute(RELEASE, {**bounds(keep_days), "now": datetime.now(UTC)})
    return cast("list[tuple[UUID, int, str]]", await cursor.fetchall())
