"""Lines of many histories at once: read, written, and taken back. Split by day, each part with both bounds of its ids.

Only a line that follows from others (`suppressed`) is ever taken back, when what it followed from no longer holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from undelivered.database import ids
from undelivered.database.arrays import array
from undelivered.database.statements import Statements
from undelivered.delivery.standing import TELLING, Heard

COLUMNS = (
    ("notification_id", "uuid"),
    ("event_key", "text"),
    ("at", "timestamptz"),
    ("type", "text"),
    ("attempt", "smallint"),
    ("data", "jsonb"),
)
_TELLING = ", ".join(f"'{kind}'" for kind in sorted(TELLING))
_OF_A_TELLING_ONE = ", ".join(
    f"CASE WHEN type IN ({_TELLING}) THEN data->>'{name}' END"
    for name in ("unverified", "cause", "detail", "code", "enhanced")
)
READ = f"""
SELECT notification_id, event_key, type, at, {_OF_A_TELLING_ONE} FROM delivery_deliveryevent
WHERE notification_id = ANY(%s) AND notification_id >= %s AND notification_id <= %s
"""  # noqa: S608
WRITE = f"""
INSERT INTO delivery_deliveryevent ({", ".join(name for name, _ in COLUMNS)})
SELECT * FROM unnest({", ".join(f"%s::{kind}[]" for _, kind in COLUMNS)}) ON CONFLICT DO NOTHING
"""  # noqa: S608
TAKE_BACK = """
DELETE FROM delivery_deliveryevent e USING unnest(%s::uuid[], %s::text[]) AS g (id, key)
WHERE e.notification_id = g.id AND e.event_key = g.key AND e.notification_id >= %s AND e.notification_id <= %s
"""


@dataclass(frozen=True, slots=True)
class Line:
    notification_id: UUID
    key: str
    at: datetime
    type: str
    attempt: int = 0
    data: dict[str, Any] = field(default_factory=dict)


def by_day(wanted: Iterable[UUID]) -> Iterator[list[UUID]]:
    """The ids in their order, those of a day's partition together."""
    for _, some in groupby(sorted(set(wanted)), key=ids.day_of):
        yield list(some)


def read(wanted: Iterable[UUID]) -> Statements[dict[UUID, list[Heard]]]:
    """All lines of these notifications; of those that tell nothing of the row's fate, only what they are."""
    found: dict[UUID, list[Heard]] = {}
    for some in by_day(wanted):
        rows = yield READ, [array("uuid", some), some[0], some[-1]]
        for id, key, kind, at, unverified, cause, detail, code, enhanced in rows:
            number = int(code) if code and code.isdecimal() else None
            one = Heard(key, kind, at, not unverified, cause or "", detail or "", number, enhanced or "")
            found.setdefault(id, []).append(one)
    return found


def write(lines: Sequence[Line]) -> Statements[None]:
    """What is there already stays as it is."""
    if not lines:
        return
    values = [
        (one.notification_id, one.key, one.at, one.type, one.attempt, to_json(one.data))
        for one in sorted(lines, key=lambda one: (one.notification_id, one.key))
    ]
    columns = zip(*values, strict=True)
    yield WRITE, [array(kind, column) for (_, kind), column in zip(COLUMNS, columns, strict=True)]


def take_back(keys: Collection[tuple[UUID, str]]) -> Statements[None]:
    """Lines by notification and key."""
    for some in by_day(id for id, _ in keys):
        within = set(some)
        pairs = sorted(pair for pair in keys if pair[0] in within)
        columns = [array("uuid", (id for id, _ in pairs)), array("text", (key for _, key in pairs))]
        yield TAKE_BACK, [*columns, some[0], some[-1]]
