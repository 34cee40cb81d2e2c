"""Open connections to one provider: how many at a time, which is used next, and when an idle one is closed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress

from undelivered.delivery.transports.connection import Connection

MAILS_PER_CONNECTION = 100
"""Afterwards a connection is closed from our side, before the provider does it in the middle of a mail."""

GOODBYE_S = 1.0


class Pool:
    def __init__(self, max_connections: int, idle_s: float) -> None:
        self.idle_s = idle_s
        #: Of those who use a connection: one more may, once it has a place.
        self.places = asyncio.Semaphore(max_connections)
        self._idle: deque[Connection] = deque()  # the freshest on the right
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self) -> Connection | None:
        """The connection that was used last, if it still seems alive."""
        self.sweep()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.discard()
        return None

    def put(self, connection: Connection) -> None:
        """Keep the connection for the next mail, or end it."""
        if self._closed or connection.mails >= MAILS_PER_CONNECTION:
            connection.say_goodbye()
        elif connection.usable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
            self._sweep_later()
        else:
            connection.discard()

    def sweep(self) -> None:
        """Close the connections that have been idle for too long."""
        oldest = time.monotonic() - self.idle_s
        while self._idle and (self._idle[0].idle_since <= oldest or not self._idle[0].usable):
            self._idle.popleft().say_goodbye()

    async def close(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        ending = list(self._idle)
        self._idle.clear()
        for connection in ending:
            connection.say_goodbye()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for connection in ending:
                    await connection.gone()

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self.idle_s, self._sweep_now)

    def _sweep_now(self) -> None:
        self._sweep = None
        self.sweep()
        if self._idle:
            self._sweep_later()
