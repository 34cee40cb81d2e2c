"""Everything that comes in is kept first, and acknowledged afterwards: then a worker reads it (`reading`).

Storing may be repeated: an id that is there already is left alone, with whatever was made of it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from pydantic_core import to_json

from undelivered.database import ids, prepared
from undelivered.database.arrays import Array, array
from undelivered.database.texts import writable_json
from undelivered.delivery import wake

#: What readers listen on.
CHANNEL = "undelivered_arrived"
#: Of a mail so much is kept. What a report says stands at its front; behind it is the mail that it is about.
KEPT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewArrival:
    """`door`: one of `models.Door`. `project_id`: whose it is, where the door knows. `about`: what else is known of it.

    Of a mail: `to` (the envelope's recipient), `from`, `peer`, `helo`, `protocol`; `mailbox`, the id of one; `size`,
    where not all of it was kept. Of an event: `provider`, `esp`.
    """

    door: str
    raw: bytes
    about: Mapping[str, Any] = field(default_factory=dict)
    project_id: int | None = None
    id: UUID = field(default_factory=ids.uuid7)


def mail(door: str, raw: bytes, *, project_id: int | None = None, **about: Any) -> NewArrival:
    """A mail that came back, as much of it as is kept."""
    if len(raw) > KEPT:
        about["size"] = len(raw)
    return NewArrival(door, raw[:KEPT], about, project_id)


COLUMNS = (
    ("id", "uuid"),
    ("door", "text"),
    ("about", "jsonb"),
    ("raw", "bytea"),
    ("project_id", "bigint"),
    ("due_at", "timestamptz"),
)
_NAMES = ", ".join(name for name, _ in COLUMNS)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in COLUMNS)
STORE = f"""
INSERT INTO inbound_arrival ({_NAMES}, state, tries, kind, evidence, recipient, cause, detail, result)
SELECT {_NAMES}, 'new', 0, '', '', '', '', '', '[]' FROM unnest({_ARRAYS}) AS g ({_NAMES})
ON CONFLICT DO NOTHING
"""  # noqa: S608


async def store(connection: AsyncConnection[Any], arrivals: Sequence[NewArrival]) -> None:
    """All of them, or none. The caller wakes the readers after the commit."""
    await connection.execute(STORE, _parameters(arrivals))


def keep(arrivals: Iterable[NewArrival]) -> None:
    """The same in the current transaction of Django's connection; readers hear of it after the commit."""
    given = list(arrivals)
    if given:
        prepared.execute(STORE, _parameters(given))
        wake.after_commit(CHANNEL)


def _parameters(arrivals: Sequence[NewArrival]) -> list[Array]:
    # In order, so that two programs that store the same ones wait for each other instead of blocking each other.
    rows = [
        (one.id, one.door, to_json(writable_json(one.about)), one.raw, one.project_id, ids.created_at(one.id))
        for one in sorted(arrivals, key=lambda one: one.id)
    ]
    return [array(kind, column) for (_, kind), column in zip(COLUMNS, zip(*rows, strict=True), strict=True)]
