"""Claims: QUEUED rows that are due become SENDING and belong to one worker. Hot SQL lives here and in `record` only.

A claim is fenced: every outcome must name the worker and the attempt that the claim wrote. The lease belongs to the
worker (one heartbeat row), not to the mail, because a provider may legally take ten minutes after the final dot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, cast
from uuid import UUID

from psycopg import AsyncClientCursor, AsyncConnection
from psycopg.rows import args_row
from psycopg.types.numeric import Int8

from undelivered.database import ids
from undelivered.database.arrays import array

#: Rows older than what is kept and newer than tomorrow do not exist: these bounds let the planner skip other days.
_AHEAD = timedelta(days=1)
#: No project's id is higher.
LAST = 2**63 - 1


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


# A walk over the index of what is due, from project to project: however much one of them has waiting, it is one step.
WAITING = """
WITH RECURSIVE walk AS (
    SELECT %(after)s::bigint AS project_id, NULL::timestamptz AS due_at, 0 AS step
    UNION ALL
    SELECT following.project_id, following.due_at, walk.step + 1 FROM walk CROSS JOIN LATERAL (
        SELECT project_id, due_at FROM delivery_notification
        WHERE state = 'queued' AND project_id > walk.project_id AND project_id <= %(until)s
            AND id >= %(low)s AND id < %(high)s
        ORDER BY project_id, due_at LIMIT 1) following
    WHERE walk.step < %(steps)s)
SELECT project_id, due_at <= %(now)s FROM walk WHERE step > 0
"""

# In the order of `Claimed`.
PICK = """
SELECT one.* FROM unnest(%(projects)s::bigint[], %(shares)s::int[]) AS turn (project_id, share)
    CROSS JOIN LATERAL (
        SELECT id, project_id, kind, recipient, recipient_key, recipient_name, customer_id, request_id, content_id,
            attempts + 1, %(worker)s::bigint, counted_on, personal
        FROM delivery_notification
        WHERE state = 'queued' AND project_id = turn.project_id AND due_at <= %(now)s
            AND id >= %(low)s AND id < %(high)s
        ORDER BY due_at, id LIMIT turn.share FOR UPDATE SKIP LOCKED) one
"""

TAKE = """
UPDATE delivery_notification SET state = 'sending', worker = %s, attempts = attempts + 1, due_at = NULL
WHERE id = ANY(%s::uuid[]) AND id >= %s AND id <= %s
"""

#: How `WAITING` and `PICK` are planned: once a connection and not for each batch, which takes longer than to run them.
#: The days that their bounds leave out are then left out as they begin. The plan may have been made while a day was
#: empty, so that it must not depend on how much there is: only `notification_turn` has the order that they ask for.
PLANNED = """
SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off
"""

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
UPDATE delivery_notification n SET state = 'queued', worker = NULL, attempts = n.attempts - 1, due_at = v.due_at,
    counted_on = v.counted_on
FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[], %s::date[]) AS v (id, attempts, due_at, counted_on)
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


async def waiting(
    connection: AsyncConnection[Any], steps: int, *, keep_days: int, after: int = 0, until: int = LAST
) -> list[tuple[int, bool]]:
    """The next projects that have mail queued, in the order of their ids, and whether some of it is due."""
    parameters = {
        **bounds(keep_days),
        "now": datetime.now(UTC),
        "after": Int8(after),
        "until": Int8(until),
        "steps": steps,
    }
    cursor = await connection.execute(WAITING, parameters, prepare=True)
    return cast("list[tuple[int, bool]]", await cursor.fetchall())


async def claim(
    connection: AsyncConnection[Any], worker: int, shares: Mapping[int, int], *, keep_days: int
) -> list[Claimed]:
    """Rows that are due: of each of these projects up to its share, those that are due for longest."""
    parameters = {
        **bounds(keep_days),
        "now": datetime.now(UTC),
        "worker": Int8(worker),
        "projects": array("bigint", shares),
        "shares": array("int", shares.values()),
    }
    async with connection.transaction():
        async with connection.cursor(row_factory=args_row(Claimed), binary=True) as cursor:
            await cursor.execute(PICK, parameters, prepare=True)
            rows = sorted(await cursor.fetchall(), key=lambda row: row.id)
        # Written out, so that it is planned with its values: they lead to one day each.
        async with AsyncClientCursor(connection) as cursor:
            for _, some in groupby((row.id for row in rows), ids.day_of):
                those = list(some)
                await cursor.execute(TAKE, [worker, f"{{{','.join(map(str, those))}}}", those[0], those[-1]])
    return rows


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
    """Claimed rows are QUEUED again, each until its due time, as if they had not been claimed. How many.

    What they use of a day's limit stays theirs.
    """
    by_day: dict[date, list[tuple[Claimed, datetime]]] = {}
    for row, due in sorted(rows, key=lambda pair: pair[0].id):
        by_day.setdefault(ids.day_of(row.id), []).append((row, due))
    done = 0
    for some in by_day.values():
        values = [(row.id, row.attempts, due, row.counted_on) for row, due in some]
        columns = [list(column) for column in zip(*values, strict=True)]
        done += (await connection.execute(PUT_BACK, [*columns, some[0][0].id, some[-1][0].id, worker])).rowcount
    return done


async def release_held(connection: AsyncConnection[Any], *, keep_days: int) -> list[tuple[UUID, int, str]]:
    """HELD rows whose day has come are QUEUED; (id, project, kind) of each, for the counts."""
    cursor = await connection.execute(RELEASE, {**bounds(keep_days), "now": datetime.now(UTC)})
    return cast("list[tuple[UUID, int, str]]", await cursor.fetchall())
