"""Mails that another program wrote and Undelivered passes on: how they come into the log, and their bytes at sending.

Storing them may be repeated: an id that is there already is left alone, with its history and its counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from undelivered.database.texts import writable
from undelivered.delivery import signing
from undelivered.delivery.addresses import canonical, domain_of
from undelivered.delivery.models import Kind
from undelivered.delivery.signing import Purpose
from undelivered.delivery.store import NewContent, NewNotification, store_with

EVENT = "relayed"
NAME = "Relayed mail"
#: No header that is looked for stands beyond so many bytes.
HEAD_LIMIT = 512 * 1024
#: As much of a mail is shown on its page.
SHOWN_LIMIT = 256 * 1024
# Some programs end their lines with LF alone.
_HEAD_END = re.compile(rb"\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[!-;=?-~]{1,990}>)", re.IGNORECASE | re.MULTILINE)


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


async def store(connection: AsyncConnection[Any], mails: Sequence[Relayed], zone: ZoneInfo) -> None:
    """Queues a notification for every recipient of these mails: all of them, or none; any number of times."""
    rows = [_row(mail, id, writable(to)) for mail in mails for id, to in mail.recipients]
    await store_with(connection, [_content(mail) for mail in mails], rows, zone)


def _content(mail: Relayed) -> NewContent:
    return NewContent(
        id=mail.id,
        project_id=mail.project_id,
        event=EVENT,
        from_name=writable(mail.from_name),
        from_address=writable(mail.from_address),
        subject=writable(mail.subject),
        headers=mail.headers,
        source=mail.source,
        raw=mail.raw,
    )


def _row(mail: Relayed, id: UUID, to: str) -> NewNotification:
    key = canonical(to)
    return NewNotification(
        id=id,
        content_id=mail.id,
        project_id=mail.project_id,
        kind=Kind.REQUEST,
        event=EVENT,
        name=NAME,
        recipient=to,
        recipient_key=key,
        recipient_domain=domain_of(key),
    )


def message(raw: bytes, headers: Iterable[Sequence[str]], id: UUID) -> bytes:
    """The mail as it leaves: our own headers, the last of which names the notification; then the submitted bytes, none
    of them changed."""
    ours = [*headers, (signing.HEADER, signing.token(Purpose.HEADER, id))]
    return "".join([f"{name}: {value}\r\n" for name, value in ours]).encode("utf-8") + raw


def message_id(raw: bytes | None) -> str:
    """The Message-ID that a mail came with; empty where there is none that can be used."""
    if raw is None:
        return ""
    found = _MESSAGE_ID.search(raw, 0, end if (end := head_end(raw)) >= 0 else HEAD_LIMIT)
    return found[1].decode("ascii") if found else ""


def shown_as_text(raw: bytes) -> str:
    """What a mail says, for a person who looks at it: its text, or else its first part, as far as `SHOWN_LIMIT`."""
    try:
        mail = message_from_bytes(raw[:SHOWN_LIMIT], policy=policy.default)
        body = mail.get_body(("plain", "html"))
        return str(body.get_content()) if body is not None else ""
    except Exception:  # other people's mail: whatever is wrong with it, the page is shown
        return raw[:SHOWN_LIMIT].decode("utf-8", "replace")


def head_end(raw: bytes | bytearray) -> int:
    """Where the headers of a mail end; -1 where they do not, or are too long to be looked at."""
    found = _HEAD_END.search(raw, 0, HEAD_LIMIT)
    return found.start() + 1 if found else -1
