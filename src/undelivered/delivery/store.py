"""How notifications are stored: one statement for any number of them, with their contents, the first line of each one's
history, and what the counts gain. All births go through it, and it is all or nothing.

It may be repeated: an id that is there already is left alone, with its history and its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from pydantic_core import to_json

from undelivered.database import ids, prepared
from undelivered.database.arrays import Array, array
from undelivered.delivery.models import Content, Notification


# Not frozen: that would take three times as long to make, for nothing, since nobody keeps them.
@dataclass(slots=True)
class NewContent:
    """As `models.Content`, which takes ten times as long to make."""

    id: UUID
    project_id: int
    event: str
    from_address: str
    subject: str
    from_name: str = ""
    reply_to: str = ""
    text: str = ""
    html: str = ""
    headers: Sequence[Sequence[str]] = ()
    error: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(slots=True)
class NewNotification:
    """As `models.Notification`, as long as it is QUEUED."""

    id: UUID
    content_id: UUID
    project_id: int
    kind: str
    event: str
    name: str
    recipient: str
    recipient_key: str
    recipient_domain: str
    recipient_name: str = ""
    customer_id: int | None = None
    request_id: int | None = None
    issue_key: str = ""
    personal: Mapping[str, Any] = field(default_factory=dict)
    action: UUID | None = None
    resend_of: UUID | None = None

    @property
    def created_at(self) -> Any:
        return ids.created_at(self.id)


#: (column, type) of what is given; a parameter of the statement is an array of it.
CONTENT = (
    ("id", "uuid"),
    ("project_id", "bigint"),
    ("event", "text"),
    ("from_name", "text"),
    ("from_address", "text"),
    ("reply_to", "text"),
    ("subject", "text"),
    ("text", "text"),
    ("html", "text"),
    ("headers", "jsonb"),
    ("error", "text"),
    ("source", "jsonb"),
    ("raw", "bytea"),
)
ROW = (
    ("id", "uuid"),
    ("content_id", "uuid"),
    ("project_id", "bigint"),
    ("kind", "text"),
    ("event", "text"),
    ("name", "text"),
    ("recipient", "text"),
    ("recipient_key", "text"),
    ("recipient_domain", "text"),
    ("recipient_name", "text"),
    ("customer_id", "bigint"),
    ("request_id", "bigint"),
    ("issue_key", "text"),
    ("personal", "jsonb"),
    ("action", "uuid"),
    ("resend_of", "uuid"),
    ("created_at", "timestamptz"),
)


def _names(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(name for name, _ in columns)


def _arrays(prefix: str, columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"%({prefix}{name})s::{kind}[]" for name, kind in columns)


# Arrays instead of rows: the text of the statement stays the same, whatever the number of mails. The ids are sorted, so
# that two programs that store the same ones wait for each other instead of blocking each other.
STORE = f"""
WITH content AS (
    INSERT INTO delivery_content ({_names(CONTENT)})
    SELECT * FROM unnest({_arrays("c_", CONTENT)})
    ON CONFLICT DO NOTHING),
fresh AS (
    INSERT INTO delivery_notification ({_names(ROW[:-1])},
        state, reason, detail, cause, enhanced_code, attempts, due_at, message_id)
    SELECT {_names(ROW[:-1])}, 'queued', '', '', '', '', 0, created_at, ''
    FROM unnest({_arrays("n_", ROW)}) AS g ({_names(ROW)})
    ON CONFLICT DO NOTHING RETURNING id, project_id, kind, resend_of, due_at AS created_at),
told AS (
    INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data)
    SELECT id, '0-queued', created_at, 'queued', 0,
        CASE WHEN resend_of IS NULL THEN '{{}}' ELSE jsonb_build_object('resend_of', resend_of) END
    FROM fresh
    ON CONFLICT DO NOTHING)
INSERT INTO delivery_dailycountdelta (project_id, day, kind, state, reason, n)
SELECT project_id, (created_at AT TIME ZONE %(zone)s)::date AS day, kind, 'queued', '', count(*)
FROM fresh GROUP BY project_id, day, kind
"""  # noqa: S608


def parameters(
    contents: Iterable[NewContent | Content], rows: Iterable[NewNotification | Notification], zone: ZoneInfo
) -> dict[str, Array | str]:
    """The parameters of `STORE`."""
    by_id = attrgetter("id")
    return {
        **_columns("c_", CONTENT, sorted(contents, key=by_id)),
        **_columns("n_", ROW, sorted(rows, key=by_id)),
        "zone": zone.key,
    }


def _columns(prefix: str, columns: Sequence[tuple[str, str]], things: Sequence[Any]) -> dict[str, Array]:
    found = {}
    for name, kind in columns:
        get: Callable[[Any], Any] = attrgetter(name)
        values = map(get, things)
        found[prefix + name] = array(kind, map(_json, values) if kind == "jsonb" else values)
    return found


def _json(value: Any) -> bytes:
    if value:
        return to_json(value)
    return b"{}" if isinstance(value, Mapping) else b"[]"


def store(
    contents: Iterable[NewContent | Content], rows: Iterable[NewNotification | Notification], zone: ZoneInfo
) -> None:
    """Stores them in the current transaction of Django's connection."""
    prepared.execute(STORE, parameters(contents, rows, zone))


async def store_with(
    other: AsyncConnection[Any],
    contents: Iterable[NewContent | Content],
    rows: Iterable[NewNotification | Notification],
    zone: ZoneInfo,
) -> None:
    """The same on a connection of one's own."""
    await other.execute(STORE, parameters(contents, rows, zone))
