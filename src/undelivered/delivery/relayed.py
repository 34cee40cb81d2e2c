"""Mails that another program wrote and Undelivered passes on: how they come into the log, and their bytes at sending.

One statement stores any number of them, and is one transaction. It may be repeated: an id that is there already is left
alone, with its history and its counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from undelivered.database import ids
from undelivered.delivery.addresses import canonical, domain_of

EVENT = "relayed"
NAME = "Relayed mail"
#: No header that is looked for stands beyond so many bytes.
HEAD_LIMIT = 512 * 1024
# Some programs end their lines with LF alone.
_HEAD_END = re.compile(rb"\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[!-;=?-~]{1,990}>)", re.IGNORECASE | re.MULTILINE)
#: What PostgreSQL's texts and UTF-8 cannot hold.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Relayed:
    """One mail to one or more recipients. `id` is the content's, and that of the first recipient's notification.

    `headers` are ours, and go before `raw` when it leaves. `source` is what is known about where it came from.
    """

    id: UUID
    project_id: int
    from_address: str
    subject: str
    recipients: tuple[tuple[UUID, str], ...]
    raw: bytes
    from_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    source: dict[str, Any] = field(default_factory=dict)


# Arrays instead of rows: the text of the statement stays the same, whatever the number of mails.
STORE = f"""
WITH content AS (
    INSERT INTO delivery_content (id, project_id, event, from_name, from_address, reply_to, subject, text, html,
        headers, error, source, raw)
    SELECT id, project_id, '{EVENT}', from_name, from_address, '', subject, '', '', headers, '', source, raw
    FROM unnest(%(id)s::uuid[], %(project)s::bigint[], %(from_name)s::text[], %(from_address)s::text[],
        %(subject)s::text[], %(headers)s::jsonb[], %(source)s::jsonb[], %(raw)b::bytea[])
        AS g (id, project_id, from_name, from_address, subject, headers, source, raw)
    ON CONFLICT DO NOTHING),
given AS MATERIALIZED (
    SELECT * FROM unnest(%(row)s::uuid[], %(of)s::uuid[], %(row_project)s::bigint[], %(to)s::text[],
        %(to_key)s::text[], %(to_domain)s::text[], %(at)s::timestamptz[], %(day)s::date[])
        AS g (id, content_id, project_id, recipient, recipient_key, recipient_domain, at, day)),
fresh AS (
    INSERT INTO delivery_notification (id, project_id, kind, event, name, recipient, recipient_key, recipient_domain,
        recipient_name, issue_key, content_id, personal, state, reason, detail, cause, enhanced_code, attempts, due_at,
        message_id)
    SELECT id, project_id, 'request', '{EVENT}', '{NAME}', recipient, recipient_key, recipient_domain,
        '', '', content_id, '{{}}', 'queued', '', '', '', '', 0, at, ''
    FROM given ORDER BY id
    ON CONFLICT DO NOTHING RETURNING id),
told AS (
    INSERT INTO delivery_deliveryevent (notification_id, event_key, at, type, attempt, data)
    SELECT id, '0-queued', at, 'queued', 0, '{{}}' FROM given JOIN fresh USING (id)
    ON CONFLICT DO NOTHING)
INSERT INTO delivery_dailycountdelta (project_id, day, kind, state, reason, n)
SELECT project_id, day, 'request', 'queued', '', count(*) FROM given JOIN fresh USING (id) GROUP BY project_id, day
"""  # noqa: S608 # the only texts in it are the two constants above


async def store(connection: AsyncConnection[Any], mails: Sequence[Relayed], zone: ZoneInfo) -> None:
    """Queues a notification for every recipient of these mails: all of them, or none."""
    # In one order, so that two programs that store the same ids wait for each other instead of blocking each other.
    mails = sorted(mails, key=lambda mail: mail.id)
    rows = [(mail, id, to, canonical(to), ids.created_at(id)) for mail in mails for id, to in mail.recipients]
    await connection.execute(
        STORE,
        {
            "id": [mail.id for mail in mails],
            "project": [mail.project_id for mail in mails],
            "from_name": [_writable(mail.from_name) for mail in mails],
            "from_address": [_writable(mail.from_address) for mail in mails],
            "subject": [_writable(mail.subject) for mail in mails],
            "headers": [json.dumps(mail.headers) for mail in mails],
            "source": [json.dumps(mail.source) for mail in mails],
            "raw": [mail.raw for mail in mails],
            "row": [id for _, id, _, _, _ in rows],
            "of": [mail.id for mail, _, _, _, _ in rows],
            "row_project": [mail.project_id for mail, _, _, _, _ in rows],
            "to": [_writable(to) for _, _, to, _, _ in rows],
            "to_key": [_writable(key) for _, _, _, key, _ in rows],
            "to_domain": [_writable(domain_of(key)) for _, _, _, key, _ in rows],
            "at": [at for _, _, _, _, at in rows],
            "day": [_day(at, zone) for _, _, _, _, at in rows],
        },
    )


def message(raw: bytes, headers: Iterable[Sequence[str]]) -> bytes:
    """The mail as it leaves: our own headers, then the submitted bytes, none of them changed."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("utf-8") + raw


def message_id(raw: bytes | None) -> str:
    """The Message-ID that a mail came with; empty where there is none that can be used."""
    if raw is None:
        return ""
    found = _MESSAGE_ID.search(raw, 0, end if (end := head_end(raw)) >= 0 else HEAD_LIMIT)
    return found[1].decode("ascii") if found else ""


def head_end(raw: bytes | bytearray) -> int:
    """Where the headers of a mail end; -1 where they do not, or are too long to be looked at."""
    found = _HEAD_END.search(raw, 0, HEAD_LIMIT)
    return found.start() + 1 if found else -1


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()
