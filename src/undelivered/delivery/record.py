"""Writes what became of claimed notifications: one transaction a batch, a line of history each, fenced by the claim.

A row whose claim is no longer the writer's (a stalled worker, a lease that ran out) is left alone, and so is its
history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from pydantic_core import to_json

from undelivered.bounces import Suppress
from undelivered.database import ids, statements
from undelivered.database.arrays import array
from undelivered.delivery import counts, learning
from undelivered.delivery.blocking import rule
from undelivered.delivery.claim import Claimed
from undelivered.delivery.evidence import Evidence
from undelivered.delivery.models import EventType
from undelivered.delivery.retry import Verdict
from undelivered.delivery.states import FINAL, State, may

#: (column, type) of what a verdict writes to the row, what the row is found by, its line of history, and its count.
COLUMNS = (
    ("attempts", "smallint"),
    ("state", "text"),
    ("reason", "text"),
    ("detail", "text"),
    ("cause", "text"),
    ("smtp_code", "smallint"),
    ("enhanced_code", "text"),
    ("due_at", "timestamptz"),
    ("counted_on", "date"),
    ("provider_id", "bigint"),
    ("message_id", "text"),
    ("size", "int"),
    ("finished_at", "timestamptz"),
)
FOUND_BY = (("id", "uuid"), ("fence", "smallint"))
EVENT = (
    ("event_key", "text"),
    ("at", "timestamptz"),
    ("type", "text"),
    ("attempt", "smallint"),
    ("data", "jsonb"),
)
COUNT = (("project_id", "bigint"), ("kind", "text"), ("made_at", "timestamptz"))
GIVEN = (*FOUND_BY, *COLUMNS, *EVENT, *COUNT)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in GIVEN)
_NAMES = ", ".join(name for name, _ in GIVEN)
_SET = ", ".join(f"{name} = g.{name}" for name, _ in COLUMNS)
_EVENT = ", ".join(name for name, _ in EVENT)

WRITE = f"""
WITH given AS MATERIALIZED (SELECT * FROM unnest({_ARRAYS}) AS g ({_NAMES})),
kept AS (
    UPDATE delivery_notification n SET {_SET}, worker = NULL
    FROM given g
    WHERE n.id = g.id AND n.id >= %s AND n.id <= %s AND n.state = 'sending' AND n.worker = %s AND n.attempts = g.fence
    RETURNING n.id),
told AS (
    INSERT INTO delivery_deliveryevent (notification_id, {_EVENT})
    SELECT id, {_EVENT} FROM given JOIN kept USING (id)
    ON CONFLICT DO NOTHING),
counted AS (
    INSERT INTO delivery_dailycountdelta (project_id, day, kind, state, reason, n)
    SELECT project_id, (made_at AT TIME ZONE %s)::date, kind, moved.state, moved.reason, sum(moved.n)
    FROM given JOIN kept USING (id)
        CROSS JOIN LATERAL (VALUES ('queued', '', -1), (given.state, given.reason, 1)) AS moved (state, reason, n)
    WHERE given.state <> 'queued' GROUP BY 1, 2, 3, 4, 5)
SELECT id FROM kept
"""  # noqa: S608
COUNTS = """
INSERT INTO delivery_dailycountdelta (project_id, day, kind, state, reason, n)
SELECT * FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::text[], %s::text[], %s::int[])
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A claimed notification and the verdict on it, with what sending found out."""

    row: Claimed
    verdict: Verdict
    at: datetime
    counted_on: date | None = None
    provider_id: int | None = None
    message_id: str = ""
    size: int | None = None


async def record(connection: AsyncConnection[Any], worker: int, results: Sequence[Result]) -> int:
    """Writes a batch in one transaction; how many rows were still the worker's to write."""
    by_day: defaultdict[date, list[Result]] = defaultdict(list)
    for result in results:
        assert may(State.SENDING, result.verdict.state), result.verdict.state
        by_day[ids.day_of(result.row.id)].append(result)
    may_suppress = {result.row.id: result for result in results if _suppresses(result)}
    if len(by_day) == 1 and not may_suppress:  # one statement is a transaction
        return len(await _write(connection, worker, list(results)))
    written: set[UUID] = set()
    async with connection.transaction():
        for day in sorted(by_day):
            written |= await _write(connection, worker, by_day[day])
        evidence = [_evidence(result) for id, result in may_suppress.items() if id in written]
        await statements.run_on(connection, learning.learn(evidence))
    return len(written)


async def _write(connection: AsyncConnection[Any], worker: int, results: list[Result]) -> set[UUID]:
    """The rows of one day: bounded by the batch's lowest and highest id, so that one partition is touched."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(WRITE, parameters(worker, results))
        return {row[0] for row in await cursor.fetchall()}


def parameters(worker: int, results: list[Result]) -> list[Any]:
    """Those of `WRITE`."""
    results.sort(key=lambda result: result.row.id)
    columns = zip(*map(_values, results), strict=True)
    arrays = [array(kind, column) for (_, kind), column in zip(GIVEN, columns, strict=True)]
    return [*arrays, results[0].row.id, results[-1].row.id, worker, counts.zone().key]


def _values(result: Result) -> tuple[Any, ...]:
    """In the order of `GIVEN`."""
    row, verdict = result.row, result.verdict
    return (
        row.id,
        row.attempts,
        row.attempts if verdict.burn else row.attempts - 1,
        verdict.state.value,
        verdict.reason.value if verdict.reason else "",
        verdict.detail,
        verdict.cause,
        verdict.code,
        verdict.enhanced,
        verdict.due_at,
        result.counted_on or row.counted_on,
        result.provider_id,
        result.message_id,
        result.size,
        result.at if verdict.state in FINAL else None,
        *_line(result, verdict.event, verdict.data),
        row.project_id,
        row.kind,
        row.created_at,
    )


def _line(result: Result, event: EventType, data: dict[str, Any]) -> tuple[Any, ...]:
    """In the order of `EVENT`."""
    # The moment is part of the key: an attempt that was not counted has the number of the one after it.
    key = f"{event.value}-{result.row.attempts}-{result.at.timestamp():.3f}"
    attempt = result.row.attempts if result.provider_id else 0  # 0: it was held back before
    return key, result.at, event.value, attempt, to_json(data)


async def add_counts(connection: AsyncConnection[Any], changes: list[counts.Change]) -> None:
    """The worker's form of `counts.add`."""
    if rows := counts.summed(changes):
        await connection.execute(COUNTS, [list(column) for column in zip(*rows, strict=True)])


def _suppresses(result: Result) -> bool:
    return result.verdict.state is State.FAILED and rule(result.verdict.cause) is not Suppress.NEVER


def _evidence(result: Result) -> Evidence:
    row, verdict = result.row, result.verdict
    whose = (row.id, row.project_id, row.recipient, row.recipient_key)
    return Evidence(*whose, verdict.cause, verdict.detail, result.at, result.provider_id)
