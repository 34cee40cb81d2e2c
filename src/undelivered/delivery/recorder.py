"""The recorder: outcomes of a worker's mails on their way to the database.

An outcome that the database cannot take now is kept until it can; one that it refuses stops no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from undelivered.delivery import breaker, record, retry
from undelivered.delivery.outages import OUTAGES, short
from undelivered.delivery.record import Result
from undelivered.delivery.tally import Tally

#: For so long a finished outcome waits for others, to be written with them, and for so many.
GATHER_S = 0.01
MOST = 400
AGAIN_S = 1.0
_log = logging.getLogger(__name__)


class Recorder:
    """`put` a result, and it will be written. `claims` are the notifications that are claimed and not recorded yet."""

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        worker: int,
        tally: Tally,
        changed: Callable[[], None],
    ) -> None:
        self.pool, self.worker, self.tally, self.changed = pool, worker, tally, changed
        self.claims: set[UUID] = set()
        self.unsure = False  # a result could not be recorded at all: its claim has to be given back
        self.on_probation: set[int] = set()  # providers whose next answer ends their incident
        self._done: asyncio.Queue[Result] = asyncio.Queue()

    def put(self, result: Result) -> None:
        self._done.put_nowait(result)

    async def finish(self) -> None:
        """Until everything that was put is written."""
        await self._done.join()

    async def run(self) -> None:
        """Writes outcomes as they come, as many in a transaction as have come by then."""
        while True:
            results = [await self._done.get()]
            await asyncio.sleep(GATHER_S)  # those that come together are written together
            while not self._done.empty() and len(results) < MOST:
                results.append(self._done.get_nowait())
            await self._surely(results)
            for result in results:
                self.tally.ended(result.verdict.state, result.verdict.reason)
            self.claims -= {result.row.id for result in results}
            for _ in results:
                self._done.task_done()
            self.changed()  # a hand is free, and perhaps a provider works again

    async def _surely(self, results: list[Result], *, bare: bool = False) -> None:
        """What became of the mails is written as soon as the database is there; one that it refuses stops no other."""
        while True:
            try:
                async with self.pool.connection() as connection:
                    await record.record(connection, self.worker, results)
                    answered = {r.provider_id for r in results if r.provider_id and r.verdict.answered}
                    await breaker.close(connection, answered & self.on_probation)
                    self.on_probation -= answered
            except OUTAGES as error:
                _log.warning("%d outcomes wait for the database: %s", len(results), short(error))
                await asyncio.sleep(AGAIN_S)
            except Exception:
                _log.exception("%d outcomes could not be written", len(results))
                if len(results) > 1:
                    for one in results:
                        await self._surely([one])
                elif not bare:
                    plain = replace(results[0], verdict=retry.bare(results[0].verdict))
                    await self._surely([plain], bare=True)
                else:
                    self.unsure = True
                return
            else:
                return
