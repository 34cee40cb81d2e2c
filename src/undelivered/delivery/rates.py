"""Rates: how many mails a second a provider is handed, and how many are on their way to one recipient domain at once.

Both hold for all workers together. The rate is one moment in the provider's row, up to which its mails are spoken for;
workers move it on by one conditional UPDATE a batch. A domain's connections are shared out among the workers that live,
so that nothing is written for them; for a moment after a worker came or went there may be a few more.

What may not leave yet goes back to the queue with a due time, and no attempt is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zlib import crc32

from psycopg import AsyncConnection

from undelivered.delivery import claim
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.claim import Claimed
from undelivered.delivery.transports.provider_url import read_provider_url

#: A rate that was not used is kept for so long, or for one mail.
BURST_S = 1.0
#: Mails of a provider at its rate leave in groups of so many seconds' worth.
GATHER_S = 0.1
#: How long a mail is on its way, until that was seen.
USUAL_S = 0.05
#: Mails stand closer in line than places are likely to become free: coming too early costs less than an empty place.
CLOSER = 0.5
#: A mail waits no longer for its place at a domain: after that it is looked at again.
LONGEST_WAIT = timedelta(minutes=10)

TAKE = """
WITH old AS (SELECT id, paced_until FROM delivery_provider WHERE id = %(provider)s FOR UPDATE),
since AS (SELECT id, clock_timestamp() AS now, greatest(coalesce(paced_until, '-infinity'),
    clock_timestamp() - %(burst)s * interval '1 second') AS since FROM old),
granted AS (SELECT id, now, since, greatest(0, least(%(wanted)s,
    floor(extract(epoch FROM now - since) * %(rate)s + 1e-6)))::int AS n FROM since),
spoken AS (UPDATE delivery_provider p SET paced_until = g.since + g.n / %(rate)s * interval '1 second'
    FROM granted g WHERE p.id = g.id AND g.n > 0)
SELECT n, now FROM granted
"""
LIVING = "SELECT id FROM delivery_worker WHERE seen_at > now() - interval '60 seconds'"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one provider allows; None: no limit."""

    rate: float | None = None
    domain_connections: int | None = None

    @property
    def burst_s(self) -> float:
        return max(BURST_S, 1 / self.rate) if self.rate else 0

    def allowance(self, paced_until: datetime | None, now: datetime) -> float:
        """Mails that may leave now."""
        assert self.rate
        since = now - timedelta(seconds=self.burst_s)
        return self.rate * (now - max(paced_until or since, since)).total_seconds() + 1e-6

    def next_group(self, paced_until: datetime | None, now: datetime) -> datetime | None:
        """When enough may leave to be worth a turn; None: now."""
        if not self.rate or paced_until is None:
            return None
        wanted = max(1.0, min(self.rate * GATHER_S, 100.0))
        if self.allowance(paced_until, now) >= wanted:
            return None
        return paced_until + timedelta(seconds=wanted / self.rate)


NO_LIMITS = Limits()


@lru_cache(maxsize=1000)
def limits_of(url: str, usual: Limits) -> Limits:
    """A provider's own limits, from its URL; what that does not say is as usual."""
    try:
        said = read_provider_url(url)
    except ValueError:  # sending says so
        return usual
    return Limits(said.rate or usual.rate, said.domain_connections or usual.domain_connections)


def share(limit: int, workers: Collection[int], me: int, domain: str) -> int:
    """This worker's part of a domain's connections. Who gets what does not divide differs from domain to domain."""
    others = sorted({*workers, me})
    place = (others.index(me) + crc32(domain.encode())) % len(others)
    return limit // len(others) + (place < limit % len(others))


Taken = tuple[Claimed, Known]
"""A claimed mail and the provider that it is for."""
Lane = tuple[int, str]
"""A provider and a recipient domain."""


@dataclass(slots=True)
class Line:
    """Those who wait for a place at a domain: the moment of the last one's, and how long a mail takes there."""

    until: datetime
    taking_s: float = USUAL_S

    def place(self, now: datetime, places: int) -> datetime:
        """The next moment at which a place is likely to be free."""
        if not now < self.until < now + LONGEST_WAIT:  # a line that long starts again from here, for whoever comes late
            self.until = now
        self.until += timedelta(seconds=CLOSER * self.taking_s / max(1, places))
        return self.until


@dataclass(slots=True)
class Pace:
    """What one worker may hand over now."""

    worker: int
    usual: Limits
    _lanes: dict[UUID, tuple[Lane, datetime]] = field(default_factory=dict)  # what is in hand, and since when
    _lines: dict[Lane, Line] = field(default_factory=dict)
    _full: dict[int, datetime] = field(default_factory=dict)  # providers that granted less than was wanted, until when
    _ahead: timedelta = timedelta(0)
    """The database's clock, which the rates go by, less this machine's."""

    def board(self, board: Board, now: datetime) -> Board:
        """The board on which a provider whose rate is used up rests until a group of its mails may leave."""
        self._full = {id: until for id, until in self._full.items() if until > now}
        return board.map(lambda known: self._resting(known, now))

    def next_turn(self, board: Board, now: datetime) -> datetime | None:
        """When a provider's pause ends, or a place at a domain is likely to be free for one who waits."""
        moments = [now + timedelta(seconds=CLOSER * line.taking_s) for line in self._lines.values() if line.until > now]
        change = board.next_change(now)
        return min([*moments, change] if change else moments, default=None)

    def allowance(self, known: Known, now: datetime) -> int | None:
        """How many mails a provider may be handed now; None: as many as there are."""
        limits = self._limits(known)
        return None if limits.rate is None else int(limits.allowance(known.paced_until, now + self._ahead))

    async def admit(
        self, connection: AsyncConnection[Any], found: Sequence[Taken], in_hand: Collection[UUID]
    ) -> list[Taken]:
        """Those of a claimed batch that may leave now; the others are QUEUED again."""
        now = datetime.now(UTC)
        self._forget(in_hand, now)
        if all(self._limits(known) == NO_LIMITS for _, known in found):
            return list(found)
        later: dict[UUID, datetime] = {}
        if any(self._limits(known).domain_connections for _, known in found):
            workers = [row[0] for row in await (await connection.execute(LIVING)).fetchall()]
            later = self._over_domains(found, workers, now)
        later |= await self._over_rates(connection, [(r, k) for r, k in found if r.id not in later], now)
        for id in later:
            self._lanes.pop(id, None)
        if later:
            await claim.put_back(connection, self.worker, [(row, later[row.id]) for row, _ in found if row.id in later])
        return [(row, known) for row, known in found if row.id not in later]

    def _over_domains(self, found: Iterable[Taken], workers: Collection[int], now: datetime) -> dict[UUID, datetime]:
        """The mails whose domain has no place free now, and when it is likely to have one."""
        busy = Counter(lane for lane, _ in self._lanes.values())
        later = {}
        for row, known in found:
            limit = self._limits(known).domain_connections
            if limit is None:
                continue
            lane = (known.id, row.recipient_key.rpartition("@")[2])
            places = share(limit, workers, self.worker, lane[1])
            if busy[lane] < places:
                busy[lane] += 1
                self._lanes[row.id] = (lane, now)
            else:
                later[row.id] = self._lines.setdefault(lane, Line(now)).place(now, places)
        return later

    async def _over_rates(
        self, connection: AsyncConnection[Any], found: Iterable[Taken], now: datetime
    ) -> dict[UUID, datetime]:
        """The mails over their provider's rate, and when a next group may leave."""
        by_provider: defaultdict[int, list[Claimed]] = defaultdict(list)
        known_by_id: dict[int, Known] = {}
        for row, known in found:
            by_provider[known.id].append(row)
            known_by_id[known.id] = known
        later = {}
        for id in sorted(by_provider):  # in one order, so that workers never wait for each other in a circle
            limits, rows = self._limits(known_by_id[id]), by_provider[id]
            if limits.rate is None:
                continue
            granted, at = await take(connection, id, len(rows), limits)
            if at is not None:
                self._ahead = at - now
            if granted < len(rows):
                self._full[id] = now + timedelta(seconds=max(GATHER_S, 1 / limits.rate))
            for place, row in enumerate(rows[granted:], start=1):
                later[row.id] = now + timedelta(seconds=max(GATHER_S, place / limits.rate))
        return later

    def _forget(self, in_hand: Collection[UUID], now: datetime) -> None:
        """Mails that are through: their places are free, and tell how long one takes."""
        for id in [id for id in self._lanes if id not in in_hand]:
            lane, since = self._lanes.pop(id)
            if lane in self._lines:
                line = self._lines[lane]
                line.taking_s += ((now - since).total_seconds() - line.taking_s) / 10
        busy = {lane for lane, _ in self._lanes.values()}
        self._lines = {lane: line for lane, line in self._lines.items() if line.until > now or lane in busy}

    def _resting(self, known: Known, now: datetime) -> Known:
        until = self._limits(known).next_group(known.paced_until, now + self._ahead)
        ends = [until - self._ahead if until else None, self._full.get(known.id), known.paused_until]
        return replace(known, paused_until=max((end for end in ends if end), default=None))

    def _limits(self, known: Known) -> Limits:
        return limits_of(known.url, self.usual)


async def take(
    connection: AsyncConnection[Any], provider: int, wanted: int, limits: Limits
) -> tuple[int, datetime | None]:
    """Speaks for up to so many mails of a provider; how many it got, and the database's time. No two workers get the
    same."""
    parameters: Mapping[str, Any] = {
        "provider": provider,
        "wanted": wanted,
        "rate": limits.rate,
        "burst": limits.burst_s,
    }
    row = await (await connection.execute(TAKE, parameters)).fetchone()
    return (int(row[0]), row[1]) if row else (0, None)
