"""Turns: whose mail a worker claims next, so that one project's million does not delay another's single mail.

A worker goes round the projects that have mail due, some of them at a time, and goes on where it stopped. Each gets its
share of a batch; what one does not use, the others get.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from undelivered.delivery import claim
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.claim import Claimed
from undelivered.delivery.rates import Taken
from undelivered.delivery.room import Room

#: So many projects are looked at in one step of the round.
STEPS = 64
#: So often a round looks at all the days that are kept, and else at the last two.
LOOK_BACK_S = 1.0
#: What is left of a batch is dealt out, too, if it is so many mails or more.
WORTH = 20


@dataclass(frozen=True, slots=True)
class Order:
    """One provider's part of what is claimed of a project."""

    project: int
    known: Known
    n: int


def share_out(projects: Sequence[int], limit: int, board: Board, room: Room, now: datetime) -> list[Order]:
    """What of each project is claimed for whom, in turn. The room is taken."""
    takers = [(project, known) for project in projects for known in board.takers(project, now)]
    share, left = max(1, limit // len(projects)), limit
    waiting = Counter(known.id for _, known in takers)
    of_rate = {id: max(1, n // waiting[id]) for id, n in room.rates.items() if id in waiting}
    orders = []
    for project, known in takers:
        if n := min(share, left, of_rate.get(known.id, share), room.of(known, project)):
            room.take(known, project, n)
            left -= n
            orders.append(Order(project, known, n))
    return orders


class Turns:
    """`claim` takes a batch, and goes on where the last one stopped."""

    def __init__(self, worker: int, keep_days: int) -> None:
        self.worker, self.keep_days = worker, keep_days
        self._after = 0  # the project that had the last turn
        self._unsated: list[int] = []  # whose whole share was claimed last time: they are likely to have more
        self.in_vain_s = 0.0  # how long the last round took, if nothing was claimed
        self._looks_back, self._looked_back_at = True, -LOOK_BACK_S

    async def claim(
        self, connection: AsyncConnection[Any], limit: int, board: Board, room: Room, now: datetime
    ) -> list[Taken]:
        """Up to `limit` mails that are due, and who takes each. None: nobody has any, whose provider takes mail now."""
        begun = time.perf_counter()
        taken = await self._turn(connection, limit, board, room, now)
        self.in_vain_s = 0.0 if taken else time.perf_counter() - begun
        return taken

    async def _turn(
        self, connection: AsyncConnection[Any], limit: int, board: Board, room: Room, now: datetime
    ) -> list[Taken]:
        if all(known.rests(now) for known in board.all):
            return []
        round, again = _Round(self._after, self._days()), self._unsated
        taken: list[Taken] = []
        while not taken and not round.over:
            begun = self._after
            due = [p for p in await round.step(connection) if _has_room(p, board, room, now)]
            more = [p for p in again if p not in due and _has_room(p, board, room, now)]
            projects, again = (due + more)[: min(limit, STEPS)], []
            orders = share_out(projects, limit, board, room, now) if projects else []
            self._after = _served(due, orders, begun, round.at)
            taken = await self._claim(connection, orders, room)
            left = limit - len(taken)
            if taken and self._unsated and left >= max(WORTH, limit // 4):
                orders = share_out(self._unsated, left, board, room, now)
                taken += await self._claim(connection, orders, room)
        return taken

    def _days(self) -> int:
        """How far back a round looks for those who have mail due: nearly all of it is young, and each day costs."""
        now = time.monotonic()
        if not self._after:
            self._looks_back = now - self._looked_back_at >= LOOK_BACK_S
            if self._looks_back:
                self._looked_back_at = now
        return self.keep_days if self._looks_back else 0

    async def _claim(self, connection: AsyncConnection[Any], orders: Iterable[Order], room: Room) -> list[Taken]:
        """Fills the orders as far as there is mail."""
        shares: Counter[int] = Counter()
        for order in orders:
            shares[order.project] += order.n
        rows: defaultdict[int, deque[Claimed]] = defaultdict(deque)
        if shares:
            for row in await claim.claim(connection, self.worker, shares, keep_days=self.keep_days):
                rows[row.project_id].append(row)
        self._unsated = [project for project, n in shares.items() if len(rows[project]) == n]
        taken: list[Taken] = []
        for order in orders:
            some = [rows[order.project].popleft() for _ in range(min(order.n, len(rows[order.project])))]
            room.take(order.known, order.project, len(some) - order.n)
            taken += [(row, order.known) for row in some]
        return taken


class _Round:
    """Once round the projects that have mail queued, from behind the one that had the last turn."""

    def __init__(self, after: int, keep_days: int) -> None:
        self.keep_days = keep_days
        self.at = after  # the last project that was looked at; 0: the next round begins from the front
        self._parts = deque([(after, claim.LAST)] + ([(0, after)] if after else []))

    @property
    def over(self) -> bool:
        return not self._parts

    async def step(self, connection: AsyncConnection[Any]) -> list[int]:
        """Those of the next few that have mail due."""
        after, until = self._parts[0]
        found = await claim.waiting(connection, STEPS, after=after, until=until, keep_days=self.keep_days)
        if len(found) < STEPS:
            self._parts.popleft()
            self.at = 0
        else:
            self.at = found[-1][0]
            self._parts[0] = (self.at, until)
        return [project for project, due in found if due]


def _has_room(project: int, board: Board, room: Room, now: datetime) -> bool:
    return any(room.of(known, project) for known in board.takers(project, now))


def _served(due: Sequence[int], orders: Iterable[Order], begun: int, at: int) -> int:
    """Where the next round begins: behind `at`, or before the first that had to go away empty-handed."""
    with_order = {order.project for order in orders}
    for before, project in zip((begun, *due), due, strict=False):
        if project not in with_order:
            return before
    return at
