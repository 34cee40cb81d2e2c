"""Evidence against addresses: failures and complaints that may put one on the suppression list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings

from undelivered.bounces import Suppress
from undelivered.database import ids
from undelivered.database.arrays import array
from undelivered.database.statements import Statements
from undelivered.delivery import blocking, counts, lines
from undelivered.delivery.blocking import rule
from undelivered.delivery.lines import Line
from undelivered.delivery.models import EventType
from undelivered.delivery.standing import Standing, against
from undelivered.delivery.states import State

#: A project and an address; no project: the whole site.
Pair = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Verified: the provider told us, or it is signed. `at`: when it happened. `provider_id`: whom the mail went to."""

    notification_id: UUID
    project_id: int
    address: str
    address_key: str
    cause: str
    detail: str
    at: datetime
    provider_id: int | None = None

    @property
    def order(self) -> tuple[datetime, UUID, str, str]:
        """The first one is what an entry names: the same one, in whatever order they came in."""
        return self.at, self.notification_id, self.cause, self.detail

    @property
    def pair(self) -> tuple[int, str]:
        return self.project_id, self.address_key

    @property
    def day(self) -> date:
        return counts.day_of(self.at)

    @property
    def strike(self) -> tuple[str, date]:
        """What is remembered of it where failures count by days."""
        return self.cause, self.day

    @property
    def rule(self) -> Suppress:
        return rule(self.cause)

    @property
    def line_key(self) -> str:
        return "suppressed-complaint" if self.rule is Suppress.COMPLAINT else "suppressed"

    @property
    def line(self) -> Line:
        """The line of history that says that it blocks the address, right after what it follows from."""
        data = {"cause": self.cause, "address": self.address}
        at = self.at + timedelta(microseconds=1)
        return Line(self.notification_id, self.line_key, at, EventType.SUPPRESSED.value, data=data)


OF_THE_SITE = "SELECT id FROM delivery_provider WHERE id = ANY(%s) AND project_id IS NULL"
PROJECTS = "SELECT id FROM desk_project"
FAILED = """
SELECT n.id, n.project_id, n.recipient, n.recipient_key, n.cause, n.detail, n.finished_at, n.provider_id
FROM unnest(%s::bigint[], %s::text[]) AS g (project_id, address_key)
JOIN delivery_notification n ON n.project_id = g.project_id AND n.recipient_key = g.address_key
WHERE n.id >= %s AND n.id < %s AND n.state = 'failed' AND n.cause = ANY(%s) AND n.finished_at IS NOT NULL
"""


def of_the_site(evidence: Collection[Evidence]) -> Statements[frozenset[int]]:
    """Which of their providers are the site's: what one of these says holds for all projects."""
    asked = sorted({one.provider_id for one in evidence if one.provider_id and one.rule is Suppress.AT_ONCE})
    if not asked:
        return frozenset()
    rows = yield OF_THE_SITE, [array("bigint", asked)]
    return frozenset(row[0] for row in rows)


def standing(pairs: Collection[Pair], *rules: Suppress) -> Statements[list[Evidence]]:
    """The failures that stand against addresses, as far as they are kept. Slow: only for what happens rarely."""
    asked = {pair for pair in pairs if pair[0] is not None}
    if everywhere := {key for project, key in pairs if project is None}:
        rows = yield PROJECTS, []
        asked |= {(row[0], key) for row in rows for key in everywhere}
    if not asked:
        return []
    columns = [array(kind, column) for kind, column in zip(("bigint", "text"), zip(*asked, strict=True), strict=True)]
    now = datetime.now(UTC)
    bounds = [ids.lowest(now - timedelta(days=settings.ENV.keep_days + 2)), ids.lowest(now + timedelta(days=1))]
    rows = yield FAILED, [*columns, *bounds, array("text", blocking.causes(*rules))]
    heard = yield from lines.read(row[0] for row in rows)
    found = []
    for id, project, address, key, cause, detail, at, provider in rows:
        row = Standing(State.FAILED.value, "", detail, cause, finished_at=at)
        for one in against(row, heard.get(id, ())):
            if rule(one.cause) in rules:
                found.append(Evidence(id, project, address, key, one.cause, one.detail, one.at, provider))  # noqa: PERF401
    return found
