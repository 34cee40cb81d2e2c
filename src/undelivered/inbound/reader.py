"""Reads what comes in, beside a worker: one loop in the worker's process, with a thread of its own for the database.

It is woken by the doors' NOTIFY after their commit; a poll every few seconds is the safety net. `turn` is one turn:
everything that is due. Any number of workers may read side by side.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
from django.db import connections
from psycopg import AsyncConnection

from undelivered.inbound.arrivals import CHANNEL
from undelivered.inbound.reading import Away, read_once

POLL_S = 5.0
AGAIN_S = 2.0
_log = logging.getLogger(__name__)


class Reader:
    """`run`, until cancelled. `url` is where its ear for the doors goes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.woken = asyncio.Event()
        self.stopping = self.away = False
        # One thread, so that its connection to the database stays.
        self._thread = ThreadPoolExecutor(1, "reader")

    async def run(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                self.woken.clear()  # before: what comes meanwhile is looked for again
                await self.turn()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self.woken.wait()
        finally:
            self.stopping = True
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await asyncio.to_thread(self._end)

    async def turn(self) -> int:
        """Reads everything that is due; how many."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    def _read(self) -> int:
        total = 0
        try:
            while not self.stopping and (n := read_once()):
                total += n
        except Away as error:
            if not self.away:
                _log.warning("arrivals wait: the database cannot be reached: %s", error)
            self.away = True
        except Exception:
            _log.exception("reading arrivals failed; it is tried again")
        else:
            self.away = False
        return total

    def _end(self) -> None:
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def _listen(self) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self.woken.set()  # for what was rung before somebody listened
                    async for _ in connection.notifies():
                        self.woken.set()
            except (psycopg.Error, OSError) as error:
                _log.debug("not listening: %s", " ".join(str(error).split())[:200])
            await asyncio.sleep(AGAIN_S)
