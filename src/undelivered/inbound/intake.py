"""Makes submitted mails durable: many in one transaction, and where PostgreSQL does not commit in time, on disk.

A client waits for the answer, so whatever comes while one transaction is under way goes into the next one: the busier
the door, the larger the transactions. `turn` is one of them, `drain_once` takes to PostgreSQL what is on disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from undelivered.delivery.relayed import Relayed
from undelivered.inbound.outbox import Away, Unfit
from undelivered.inbound.spool import Item, Spool

_log = logging.getLogger(__name__)
#: What one transaction holds at most.
MOST_MAILS, MOST_ROWS, MOST_BYTES = 200, 2000, 8 * 1024 * 1024
#: For so long a client waits for PostgreSQL.
PATIENCE_S = 2.0
#: A drain has no client waiting, and large mails take long.
DRAIN_PATIENCE_S = 60.0
RETRY_S = 1.0
#: What other doors have left on disk is found within so long.
LOOK_S = 15.0


class Store(Protocol):
    async def store(self, mails: Sequence[Item], within: float) -> None: ...


@dataclass(slots=True)
class Waiting:
    """A mail whose client waits: it may be relayed, or have come back to several return paths, or both.

    The future is True once all of it is durable, False where there was no room for it.
    """

    items: tuple[Item, ...]
    since: float
    rows: int
    size: int
    durable: asyncio.Future[bool] = field(repr=False)


class Intake:
    """`put`, and somewhere `run`. `stored` is called after every commit: it wakes the workers."""

    def __init__(
        self,
        front: Store,
        back: Store,
        spool: Spool,
        *,
        stored: Callable[[Sequence[Item]], None] = lambda mails: None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.front, self.back = front, back  # for clients that wait, and for what is on disk
        self.spool, self.stored, self.patience_s = spool, stored, patience_s
        self.away = False  # PostgreSQL; then mail goes to the disk at once, until the drain gets through
        self.accepted = self.spooled = 0
        self._waiting: deque[Waiting] = deque()
        self._put = asyncio.Event()
        self._look = asyncio.Event()

    def put(self, *items: Item) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        rows = sum(len(one.recipients) if isinstance(one, Relayed) else 1 for one in items)
        waiting = Waiting(items, loop.time(), rows, sum(len(one.raw) for one in items), loop.create_future())
        self._waiting.append(waiting)
        self._put.set()
        return waiting.durable

    # --- into PostgreSQL, or onto the disk ------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._put.wait()
            self._put.clear()
            while self._waiting:
                await self.turn()

    async def turn(self) -> None:
        """Makes durable what waits, as much as one transaction holds."""
        batch = self._take()
        if not batch:
            return
        try:
            if self.away or not await self._stored(batch):
                await self._to_disk(batch)
        except Exception:
            _log.exception("%d mails could not be made durable", len(batch))
            _settle(batch, False)

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        rows = size = 0
        while self._waiting and len(batch) < MOST_MAILS:
            first = self._waiting[0]
            rows, size = rows + first.rows, size + first.size
            if batch and (rows > MOST_ROWS or size > MOST_BYTES):
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _stored(self, batch: list[Waiting]) -> bool:
        """Whether PostgreSQL has them, as far as it can be known."""
        # They waited for the transaction before this one: that counts.
        left = batch[0].since + self.patience_s - asyncio.get_running_loop().time()
        items = [item for one in batch for item in one.items]
        try:
            await self.front.store(items, max(left, self.patience_s / 4))
        except Away as error:
            self._gone(error)
            return False
        except Unfit as error:
            _log.error("PostgreSQL refuses a transaction of %d mails: %s", len(batch), error)
            return False  # the drain finds out which of them it is
        self.accepted += len(batch)
        _settle(batch, True)
        self.stored(items)
        return True

    def _gone(self, error: Away) -> None:
        if not self.away:
            _log.warning("PostgreSQL is away (%s): mail goes to %s until it is back", error, self.spool.folder)
        self.away = True

    async def _to_disk(self, batch: list[Waiting]) -> None:
        kept = await asyncio.to_thread(self._write, [item for one in batch for item in one.items])
        self._look.set()
        for one in batch:
            durable = all(item.id in kept for item in one.items)
            self.spooled += durable
            _settle([one], durable)

    def _write(self, mails: list[Item]) -> set[object]:
        """Which of them are on disk for sure."""
        try:
            self.spool.write(mails)
            return {mail.id for mail in mails}
        except OSError as error:
            _log.error("mail cannot be spooled: %s", error)
        kept: set[object] = set()
        for mail in mails:
            try:
                self.spool.write([mail])
                kept.add(mail.id)
            except OSError:
                _log.error("mail %s was not taken: no room in %s", mail.id, self.spool.folder)
        return kept

    # --- from the disk --------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Until cancelled: takes what is on disk to PostgreSQL as soon as that is possible."""
        while True:
            self._look.clear()  # before: what is spooled meanwhile is looked for again
            try:
                left = await self.drain_once()
            except Exception:
                _log.exception("draining %s failed; it is tried again", self.spool.folder)
                left = True
            # Not wait_for: at a cancellation it may forget that it was cancelled.
            try:
                async with asyncio.timeout(RETRY_S if left or self.away else LOOK_S):
                    await self._look.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(RETRY_S)

    async def drain_once(self) -> bool:
        """Stores what is on disk; whether something is left there. Finds out whether PostgreSQL is back."""
        paths = await asyncio.to_thread(self.spool.waiting)
        if not paths and not self.away:
            return False
        with self.spool.turn() as ours:
            try:
                if not ours or not paths:
                    await self.back.store([], self.patience_s)  # only whether it answers
                while ours and paths:
                    batch, paths = paths[: self._fit(paths)], paths[self._fit(paths) :]
                    await self._drain(batch)
            except Away as error:
                self._gone(error)
                return True
        if self.away:
            self.away = False
            _log.warning("PostgreSQL is back")
        return bool(paths)

    def _fit(self, paths: list[Path]) -> int:
        """How many of these files fit into one transaction, at least one."""
        size = 0
        for n, path in enumerate(paths[:MOST_MAILS]):
            try:
                size += path.stat().st_size
            except FileNotFoundError:
                continue
            if size > MOST_BYTES:
                return max(1, n)
        return min(len(paths), MOST_MAILS)

    async def _drain(self, paths: list[Path]) -> None:
        found = await asyncio.to_thread(self.spool.read, paths)
        if not found:
            return
        try:
            await self.back.store([mail for _, mail in found], DRAIN_PATIENCE_S)
        except Unfit as error:
            if len(found) == 1:
                self.spool.put_aside(found[0][0], f"PostgreSQL refuses it: {error}")
                return
            for path, _ in found:
                await self._drain([path])
            return
        for path, _ in found:
            self.spool.remove(path)
        self.stored([mail for _, mail in found])


def _settle(batch: list[Waiting], durable: bool) -> None:
    for one in batch:
        if not one.durable.done():
            one.durable.set_result(durable)
