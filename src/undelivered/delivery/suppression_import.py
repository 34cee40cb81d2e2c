"""Takes a file's entries over into a project's suppression list: looked at first, then all at once or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from undelivered.bounces import Cause
from undelivered.delivery.models import Suppression
from undelivered.delivery.suppression import in_force
from undelivered.delivery.suppression_files import Bad, Line
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project

BATCH = 5000
#: So many bad lines, and so many good ones, are kept to be shown; the others are counted.
BAD_SHOWN, EXAMPLES = 200, 5


@dataclass(slots=True)
class Outcome:
    """What a file's lines are, or were. An address that is `there` already stays as it is."""

    new: int = 0
    complaints: int = 0  # on the list for something else; the complaint counts for more
    there: int = 0
    twice: int = 0  # named again; the first line counts
    bad: list[Bad] = field(default_factory=list)
    bad_lines: int = 0
    examples: list[Line] = field(default_factory=list)  # the first few that are new

    @property
    def taken(self) -> int:
        return self.new + self.complaints


#: What is there gives way if its time is over, or to a complaint; a complaint gives way to nothing.
ADD = """
INSERT INTO delivery_suppression (project_id, address, address_key, cause, detail, since, until, created_by_id)
SELECT %(project)s, address, key, cause, detail, since, until, %(person)s
FROM unnest(%(address)s::text[], %(key)s::text[], %(cause)s::text[], %(detail)s::text[], %(since)s::timestamptz[],
    %(until)s::timestamptz[]) AS new (address, key, cause, detail, since, until)
ORDER BY key
ON CONFLICT (project_id, address_key) DO UPDATE SET address = excluded.address, cause = excluded.cause,
    detail = excluded.detail, since = excluded.since, until = excluded.until, notification_id = NULL,
    created_by_id = excluded.created_by_id
WHERE delivery_suppression.until <= %(now)s
    OR excluded.cause = %(complaint)s AND delivery_suppression.cause <> %(complaint)s
RETURNING address_key
"""


def look(project: Project, lines: Iterable[Line | Bad]) -> Outcome:
    """What `take` would do. Writes nothing."""
    outcome, now = Outcome(), timezone.now()
    for batch in _batches(lines, outcome):
        raised, kept = _there(project, batch, now)
        fresh = [line for line in batch if line.key not in raised and line.key not in kept]
        outcome.examples += fresh[: EXAMPLES - len(outcome.examples)]
        _count(outcome, len(fresh), len(raised), len(kept))
    return outcome


@transaction.atomic
def take(project: Project, lines: Iterable[Line | Bad], *, by: By, name: str = "") -> Outcome:
    """Puts the good lines on the list, in one transaction. `name` is the file's, for the audit log."""
    outcome, now = Outcome(), timezone.now()
    for batch in _batches(lines, outcome):
        raised, _ = _there(project, batch, now)
        added = _add(project, batch, by, now)  # counted by what was written: others may add at the same moment
        _count(outcome, len(added - raised), len(added & raised), len(batch) - len(added))
    said = {"taken": outcome.taken, "on the list already": outcome.there, "bad lines": outcome.bad_lines}
    audit.record("suppression.imported", by=by, project=project, target=name, **said)
    return outcome


def _batches(lines: Iterable[Line | Bad], outcome: Outcome) -> Iterator[list[Line]]:
    """The good lines, each address once; the others are noted."""
    seen: set[str] = set()
    batch: list[Line] = []
    for line in lines:
        if isinstance(line, Bad):
            outcome.bad_lines += 1
            if len(outcome.bad) < BAD_SHOWN:
                outcome.bad.append(line)
        elif line.key in seen:
            outcome.twice += 1
        else:
            seen.add(line.key)
            batch.append(line)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _there(project: Project, batch: Sequence[Line], now: datetime) -> tuple[set[str], set[str]]:
    """Of these addresses, those that are on the list: which become complaints, and which stay as they are."""
    known = Suppression.objects.filter(in_force(now), project=project, address_key__in=[line.key for line in batch])
    cause_of = dict(known.values_list("address_key", "cause"))
    raised = {
        line.key
        for line in batch
        if line.cause == Cause.FEEDBACK and cause_of.get(line.key, Cause.FEEDBACK) != Cause.FEEDBACK
    }
    return raised, cause_of.keys() - raised


def _add(project: Project, batch: Sequence[Line], by: By, now: datetime) -> set[str]:
    """The addresses that were not on the list, or are there for another cause now."""
    columns: dict[str, Any] = {
        "address": [line.address for line in batch],
        "key": [line.key for line in batch],
        "cause": [line.cause for line in batch],
        "detail": [line.detail for line in batch],
        "since": [line.since or now for line in batch],
        "until": [line.until for line in batch],
    }
    same: dict[str, Any] = {"project": project.pk, "person": by.person.pk if by.person else None, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(ADD, {**columns, **same, "complaint": Cause.FEEDBACK.value})
        return {key for (key,) in cursor.fetchall()}


def _count(outcome: Outcome, new: int, complaints: int, there: int) -> None:
    outcome.new += new
    outcome.complaints += complaints
    outcome.there += there
