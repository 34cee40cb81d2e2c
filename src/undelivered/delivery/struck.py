"""Failures that block an address only when they repeat: the days they happened on, and the block that follows."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from undelivered.bounces import Suppress
from undelivered.database.arrays import array
from undelivered.database.statements import Statements
from undelivered.delivery import blocking, lines
from undelivered.delivery.blocking import STRIKES, block_for, in_a_row
from undelivered.delivery.evidence import Evidence, standing
from undelivered.delivery.limits import begins

Pair = tuple[int, str]
Strike = tuple[str, date]

#: Two programs that count failures of one address at once would each miss what the other one has not committed.
HOLD = "SELECT pg_advisory_xact_lock(%s::int, key) FROM unnest(%s::int[]) AS key"
_OURS, _LOCKS = 0x5354524B, 512  # a big batch must not use up the server's locks

STRIKES_OF = """
SELECT s.project_id, s.address_key, s.cause, s.day FROM delivery_strike s
JOIN unnest(%s::bigint[], %s::text[]) AS g (project_id, address_key) USING (project_id, address_key)
"""
STRIKE = """
INSERT INTO delivery_strike (project_id, address_key, cause, day)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::date[]) ON CONFLICT DO NOTHING
"""
UNSTRIKE = """
DELETE FROM delivery_strike s USING unnest(%s::bigint[], %s::text[], %s::text[], %s::date[]) AS g (p, k, c, d)
WHERE s.project_id = g.p AND s.address_key = g.k AND s.cause = g.c AND s.day = g.d
"""
# What lasts, or what somebody added for longer, stays.
BLOCK = """
INSERT INTO delivery_suppression AS s (project_id, address, address_key, cause, detail, since, until, notification_id)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::uuid[])
ON CONFLICT (project_id, address_key) DO UPDATE SET address = excluded.address, cause = excluded.cause,
    detail = excluded.detail, since = excluded.since, until = excluded.until,
    notification_id = excluded.notification_id, created_by_id = NULL
WHERE s.until IS NOT NULL AND (s.cause = ANY(%s) OR excluded.until > s.until)
"""
RELEASE = """
DELETE FROM delivery_suppression s USING unnest(%s::bigint[], %s::text[]) AS g (p, k)
WHERE s.project_id = g.p AND s.address_key = g.k AND s.cause = ANY(%s) AND s.notification_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An address that fails again and again: what counts against it, and the failures that block it."""

    pair: Pair
    strikes: frozenset[Strike]
    counted: Sequence[Evidence]
    telling: Sequence[Evidence]
    until: datetime | None

    @property
    def named(self) -> Evidence | None:
        """The first one of the last day: the entry does not move with each mail that was under way already."""
        last = max((one.day for one in self.telling), default=None)
        return next((one for one in self.telling if one.day == last), None)


def hold(evidence: Iterable[Evidence]) -> Statements[None]:
    """Until the end of the transaction nobody else counts failures of these addresses. Before all other locks."""
    if keys := sorted({zlib.crc32(repr(one.pair).encode()) % _LOCKS for one in evidence}):
        yield HOLD, [_OURS, array("int", keys)]


def count(
    added: Collection[Evidence], withdrawn: Collection[Evidence], released: Collection[Pair]
) -> Statements[set[Evidence]]:
    """Counts failures, and blocks what has failed too often; those that block. `released`: a lasting entry went."""
    pairs = {one.pair for one in (*added, *withdrawn)} | set(released)
    if not pairs:
        return set()
    if added:
        yield STRIKE, _strikes(added)
    strikes = yield from _struck(pairs)
    shaken = {one.pair for one in withdrawn} | set(released)
    asked = shaken | {pair for pair in pairs if in_a_row(_days(strikes[pair])) >= STRIKES}
    found: defaultdict[Pair, list[Evidence]] = defaultdict(list)
    for one in (yield from standing(asked, Suppress.AFTER_REPEATS)):
        found[one.pair].append(one)
    if gone := [one for one in withdrawn if one.strike not in {other.strike for other in found[one.pair]}]:
        yield UNSTRIKE, _strikes(gone)
        for one in gone:
            strikes[one.pair].discard(one.strike)
    troubles = [_trouble(pair, strikes[pair], found[pair]) for pair in sorted(asked)]
    yield from _written([one for one in troubles if one.pair in shaken], troubles)
    return {one for trouble in troubles for one in trouble.telling}


def _strikes(evidence: Iterable[Evidence]) -> list[Any]:
    rows = sorted({(*one.pair, one.cause, one.day) for one in evidence})
    kinds = ("bigint", "text", "text", "date")
    return [array(kind, column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


def _struck(pairs: Collection[Pair]) -> Statements[defaultdict[Pair, set[Strike]]]:
    rows = yield STRIKES_OF, _columns(pairs)
    strikes: defaultdict[Pair, set[Strike]] = defaultdict(set)
    for project, key, cause, day in rows:
        strikes[project, key].add((cause, day))
    return strikes


def _columns(pairs: Collection[Pair]) -> list[Any]:
    ordered = sorted(pairs)
    return [array("bigint", (project for project, _ in ordered)), array("text", (key for _, key in ordered))]


def _days(strikes: Iterable[Strike]) -> list[date]:
    return sorted({day for _, day in strikes})


def _trouble(pair: Pair, strikes: Collection[Strike], found: Iterable[Evidence]) -> Trouble:
    days = _days(strikes)
    counted = sorted((one for one in found if one.strike in strikes), key=lambda one: one.order)
    telling = [one for one in counted if in_a_row([day for day in days if day <= one.day]) >= STRIKES]
    times = in_a_row(days)
    until = begins(days[-1] + timedelta(days=1) + block_for(times)) if times >= STRIKES else None
    return Trouble(pair, frozenset(strikes), counted, telling, until)


def _written(shaken: Collection[Trouble], troubles: Collection[Trouble]) -> Statements[None]:
    """The entries and the lines of history that follow. Only where something was withdrawn can they have to go."""
    now = datetime.now(UTC)
    of_repeats = array("text", blocking.causes(Suppress.AFTER_REPEATS))
    yield from lines.take_back(
        {(one.notification_id, one.line_key) for t in shaken for one in t.counted if one not in t.telling}
    )
    yield from lines.write([one.line for trouble in troubles for one in trouble.telling])
    if over := [trouble.pair for trouble in shaken if not trouble.until or trouble.until <= now]:
        yield RELEASE, [*_columns(over), of_repeats]
    if rows := [
        (*t.pair, t.named.address, t.named.cause, t.named.detail, t.named.at, t.until, t.named.notification_id)
        for t in sorted(troubles, key=lambda t: (t.pair[1], t.pair[0]))
        if t.named and t.until and t.until > now
    ]:
        project, key, address, *rest = zip(*rows, strict=True)
        kinds = ("bigint", "text", "text", "text", "text", "timestamptz", "timestamptz", "uuid")
        columns = (project, address, key, *rest)
        yield BLOCK, [*(array(kind, one) for kind, one in zip(kinds, columns, strict=True)), of_repeats]
