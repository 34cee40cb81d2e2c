"""Reads what has come in: arrivals that are due, in batches, each batch in one transaction.

Any number of workers read side by side. A crash rolls the batch back, and it is read again: what an arrival says is
applied exactly once. Where a batch breaks, its arrivals are read one by one; one that breaks alone is put off, and
after a few tries it is kept as unreadable, for a person to look at. Nothing here answers anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from undelivered.database import ids
from undelivered.database.texts import writable, writable_json
from undelivered.delivery import claim, feedback
from undelivered.delivery.feedback import Did, Effect, Feedback
from undelivered.delivery.models import Notification
from undelivered.inbound import provider_events, returned
from undelivered.inbound.findings import Finding, Reading
from undelivered.inbound.models import Arrival, Door, Made
from undelivered.inbound.outcome import NOT_WAITED_FOR, Outcome, outcome

_log = logging.getLogger(__name__)
LIMIT = 200
#: So much is held in memory at once; one arrival alone may be larger.
MOST_BYTES = 16 * 1024 * 1024
#: An arrival that breaks the reader, or is about a mail that has not left yet as far as its row knows, is read again
#: after these seconds, and then after the last of them again and again.
PAUSES_S = (2, 10, 60, 300, 900, 3600)
#: Errors of ours, until it counts as unreadable.
MOST_ERRORS = 5

#: The queue: `arrival_due` serves it.
DUE = """
SELECT id, octet_length(raw) FROM inbound_arrival
WHERE state = 'new' AND due_at <= %s AND id >= %s AND id < %s
ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
"""
ONE = """
SELECT id FROM inbound_arrival WHERE id = %s AND state = 'new' AND due_at <= %s FOR UPDATE SKIP LOCKED
"""
WRITTEN = (
    ("id", "uuid"),
    ("state", "text"),
    ("due_at", "timestamptz"),
    ("tries", "smallint"),
    ("project_id", "bigint"),
    ("notification_id", "uuid"),
    ("kind", "text"),
    ("evidence", "text"),
    ("recipient", "text"),
    ("cause", "text"),
    ("detail", "text"),
    ("result", "jsonb"),
    ("read_at", "timestamptz"),
)
WRITE = f"""
UPDATE inbound_arrival a SET {", ".join(f"{name} = g.{name}" for name, _ in WRITTEN[1:])}
FROM unnest({", ".join(f"%s::{kind}[]" for _, kind in WRITTEN)}) AS g ({", ".join(name for name, _ in WRITTEN)})
WHERE a.id = g.id AND a.id >= %s AND a.id <= %s
"""  # noqa: S608

#: Who reads what came in by a door; mails are read by all others.
READERS: dict[str, Callable[[Arrival], Reading]] = {Door.WEBHOOK: provider_events.read_event}


class Away(Exception):
    """PostgreSQL is gone: nothing was read, and nothing is to blame."""


def read_once(limit: int = LIMIT) -> int:
    """One batch: what is due is read and applied; how many. Raises `Away`."""
    due: list[UUID] = []
    try:
        with _transaction():
            due = _due(limit)
            _read(due)
    except Away:
        raise
    except Exception as error:
        if not due:
            raise
        _log.warning("a batch of %d arrivals breaks (%s); they are read one by one", len(due), _words(error))
        for id in due:
            _read_alone(id)
    return len(due)


@contextmanager
def _transaction() -> Iterator[None]:
    """A connection that breaks is nobody's fault: `Away`."""
    held = None
    try:
        with transaction.atomic():
            held = connection.connection
            yield
    except (InterfaceError, OperationalError) as error:
        if held is None or held.closed:
            connection.close()
            raise Away(_words(error)) from error
        raise


def _due(limit: int) -> list[UUID]:
    """Ids of what is due, as many as fit into memory; theirs are the rows that are locked."""
    bounds = claim.bounds(settings.ENV.keep_days)
    with connection.cursor() as cursor:
        cursor.execute(DUE, [timezone.now(), bounds["low"], bounds["high"], limit])
        rows = cursor.fetchall()
    found: list[UUID] = []
    held = 0
    for id, size in rows:
        held += size
        if found and held > MOST_BYTES:
            break
        found.append(id)
    return found


def _read_alone(id: UUID) -> None:
    try:
        with _transaction():
            if _locked(id):
                _read([id])
    except Away:
        raise
    except Exception as error:
        _log.exception("arrival %s breaks the reader", id)
        with _transaction():
            if _locked(id):
                _write([_broken(arrival, error) for arrival in _load([id])])


def _locked(id: UUID) -> bool:
    """Whether it is still to be read, and by us."""
    with connection.cursor() as cursor:
        cursor.execute(ONE, [id, timezone.now()])
        return cursor.fetchone() is not None


def _read(due: Sequence[UUID]) -> None:
    """Reads arrivals whose rows are locked, applies what they say, and writes down what followed."""
    arrivals = _load(due)
    readings: list[tuple[Arrival, Reading]] = []
    rows = []
    for arrival in arrivals:
        try:
            read = READERS.get(arrival.door, returned.read_mail)
            readings.append((arrival, read(arrival)))
        except DatabaseError:
            raise  # the transaction is broken
        except Exception as error:
            _log.exception("arrival %s cannot be read", arrival.id)
            rows.append(_broken(arrival, error))
    followed = _apply([finding for _, reading in readings for finding in reading.findings])
    owners = _owners({one.about for _, reading in readings for one in reading.findings if one.about})
    for arrival, reading in readings:
        mine, followed = followed[: len(reading.findings)], followed[len(reading.findings) :]
        owner = next((owners[one.about] for one in reading.findings if one.about in owners), arrival.project_id)
        rows.append(_row(arrival, outcome(reading, mine, owner, arrival.result)))
    _write(rows)


def _load(due: Sequence[UUID]) -> list[Arrival]:
    if not due:
        return []
    return list(Arrival.objects.filter(id__in=due, id__gte=min(due), id__lte=max(due)).order_by("id"))


def _apply(findings: Sequence[Finding]) -> list[tuple[Feedback | None, Effect | None]]:
    """What each finding led to, in order. One about somebody else may mean that the recipient forwards."""
    given = [finding.feedback for finding in findings if finding.feedback]
    effects = iter(feedback.apply(given) if given else ())
    followed = [(one.feedback, next(effects) if one.feedback else None) for one in findings]
    again = {
        n: finding.otherwise
        for n, (finding, (_, effect)) in enumerate(zip(findings, followed, strict=True))
        if finding.otherwise and effect and effect.did is Did.OTHER_RECIPIENT
    }
    for (n, one), effect in zip(again.items(), feedback.apply(list(again.values())) if again else [], strict=True):
        followed[n] = one, effect
    return followed


def _owners(about: set[UUID]) -> dict[UUID | None, int]:
    """The projects of notifications that nothing followed for, so that their admins see the arrival."""
    if not about:
        return {}
    rows = Notification.objects.filter(id__in=about, id__gte=min(about), id__lte=max(about))
    return dict(rows.values_list("id", "project_id"))


# --- what is written --------------------------------------------------------------------------------------------------


def _row(arrival: Arrival, made: Outcome) -> tuple[Any, ...]:
    """In the order of `WRITTEN`."""
    now = timezone.now()
    again = _again(arrival, now) if made.early else None
    return (
        arrival.id,
        (Made.NEW if again else made.state).value,
        again,
        arrival.tries + made.early,
        made.project_id,
        made.notification_id,
        writable(made.kind),
        made.evidence,
        writable(made.recipient),
        writable(made.cause),
        writable(f"{made.detail} {NOT_WAITED_FOR}" if made.early and not again else made.detail),
        Jsonb(writable_json(made.result)),
        None if again else now,
    )


def _broken(arrival: Arrival, error: Exception) -> tuple[Any, ...]:
    """An error of ours: another try, or what it was, for a person."""
    now = timezone.now()
    tries = arrival.tries + 1
    again = now + pause(arrival.tries) if tries < MOST_ERRORS else None
    detail = writable(f"It cannot be read: {_words(error)}")
    state = (Made.NEW if again else Made.BROKEN).value
    read_at = None if again else now
    about = (arrival.notification_id, arrival.kind, arrival.evidence, arrival.recipient, arrival.cause)
    return (arrival.id, state, again, tries, arrival.project_id, *about, detail, Jsonb(arrival.result), read_at)


def _again(arrival: Arrival, now: datetime) -> datetime | None:
    """When to ask again about a mail that has not left; None once it should have, whatever happened."""
    last = ids.created_at(arrival.id) + timedelta(hours=settings.ENV.retry_hours)
    return now + pause(arrival.tries) if now < last else None


def pause(tries: int) -> timedelta:
    return timedelta(seconds=PAUSES_S[min(tries, len(PAUSES_S) - 1)])


def _write(rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [*columns, min(columns[0]), max(columns[0])])


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
