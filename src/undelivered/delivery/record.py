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
from psycopg.types.json import Jsonb

from undelivered.bounces import Suppress
from undelivered.database import ids
from undelivered.delivery import counts, suppression
from undelivered.delivery.claim import Claimed
from undelivered.delivery.models import EventType
from undelivered.delivery.retry import Verdict
from undelivered.delivery.states import FINAL, State, may
from undelivered.delivery.suppression import Evidence

#: (column, type) of what a verdict writes, in the order of `_values`.
COLUMNS = (
    ("id", "uuid"),
    ("fence", "int"),
    ("attempts", "int"),
    ("state", "text"),
    ("reason", "text"),
    ("detail", "text"),
    ("cause", "text"),
    ("smtp_code", "int"),
    ("enhanced_code", "text"),
    ("due_at", "timestamptz"),
    ("counted_on", "date"),
    ("provider_id", "bigint"),
    ("message_id", "text"),
    ("size", "int"),
    ("finished_at", "timestamptz"),
)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in COLUMNS)
_NAMES = ", ".join(name for name, _ in COLUMNS)
_SET = ", ".join(f"{name} = v.{name}" for name, _ in COLUMNS if name not in {"id", "fence"})

WRITE = f"""
UPDATE delivery_notification n SET {_SET}, worker = NULL
FROM unnest({_ARRAYS}) AS v ({_NAMES})
WHERE n.id = v.id AND n.id >= %s AND n.id <= %s AND n.state = 'sending' AND n.worker = %s AND n.attempts = v.fence
RETURNING n.id
"""  # noqa: S608
EVENTS = """
INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::int[], %s::jsonb[])
ON CONFLICT DO NOTHING
"""
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
    written: list[Result] = []
    async with connection.transaction():
        for day in sorted(by_day):
            kept = await _write(connection, worker, by_day[day])
            written += [result for result in by_day[day] if result.row.id in kept]
        if written:
            proved = await suppression.learn(connection, [_evidence(r) for r in written if _suppresses(r)])
            await _events(connection, written, proved)
            await _counts(connection, written)
    return len(written)


async def _write(connection: AsyncConnection[Any], worker: int, results: list[Result]) -> set[UUID]:
    """The rows of one day: bounded by the batch's lowest and highest id, so that one partition is touched."""
    results.sort(key=lambda result: result.row.id)
    columns = [list(column) for column in zip(*map(_values, results), strict=True)]
    cursor = await connection.execute(WRITE, [*columns, results[0].row.id, results[-1].row.id, worker])
    return {row[0] for row in await cursor.fetchall()}


def _values(result: Result) -> tuple[Any, ...]:
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
    )


async def _events(connection: AsyncConnection[Any], results: list[Result], proved: set[UUID]) -> None:
    lines = [_line(result, result.verdict.event, result.verdict.data) for result in results]
    lines += [
        _line(result, EventType.SUPPRESSED, {"cause": result.verdict.cause, "address": result.row.recipient})
        for result in results
        if result.row.id in proved
    ]
    await connection.execute(EVENTS, [list(column) for column in zip(*lines, strict=True)])


def _line(result: Result, event: EventType, data: dict[str, Any]) -> tuple[Any, ...]:
    # The moment is part of the key: an attempt that was not counted has the number of the one after it.
    key = f"{event.value}-{result.row.attempts}-{result.at.timestamp():.3f}"
    attempt = result.row.attempts if result.provider_id else 0  # 0: it was held back before
    return result.row.id, key, result.at, event.value, attempt, Jsonb(data)


async def _counts(connection: AsyncConnection[Any], results: list[Result]) -> None:
    changes: list[counts.Change] = []
    for result in results:
        row, verdict = result.row, result.verdict
        if verdict.state is State.QUEUED:
            continue
        reason = verdict.reason.value if verdict.reason else ""
        changes.append((row.project_id, row.created_at, row.kind, State.QUEUED.value, "", -1))
        changes.append((row.project_id, row.created_at, row.kind, verdict.state.value, reason, 1))
    await add_counts(connection, changes)


async def add_counts(connection: AsyncConnection[Any], changes: list[counts.Change]) -> None:
    """The worker's form of `counts.add`."""
    if rows := counts.summed(changes):
        await connection.execute(COUNTS, [list(column) for column in zip(*rows, strict=True)])


def _suppresses(result: Result) -> bool:
    return result.verdict.state is State.FAILED and suppression.rule(result.verdict.cause) is not Suppress.NEVER


def _evidence(result: Result) -> Evidence:
    row, verdict = result.row, result.verdict
    return Evidence(row.id, row.project_id, row.recipient, row.recipient_key, verdict.cause, verdict.detail)
