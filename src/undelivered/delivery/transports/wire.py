"""The bytes of one connection: out with flow control, in as replies, encrypted from the start or on the way.

Works on asyncio's loop and on uvloop alike.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Any, Self

from undelivered.delivery.transports.inside import outside
from undelivered.delivery.transports.replies import NotSmtp, Reply, ReplyReader

CONNECT_S = 10.0
"""For so long one of several addresses of a host is tried."""
MOST_UNHEARD = 50
"""Replies that nobody asked for: a server that says more is out of its mind."""


class Lost(Exception):
    """The connection is gone."""


class Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._transport: Any = None
        self._lost = False
        self._blocked = False
        self._waiter: asyncio.Future[None] | None = None
        self.gone = asyncio.get_running_loop().create_future()
        """Done when the connection has ended on our side too."""

    @classmethod
    async def connect(cls, host: str, port: int, context: ssl.SSLContext | None, *, public_only: bool = False) -> Self:
        """A connection to the first address of the host that answers. Raises OSError or ssl.SSLError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=1)  # SOCK_STREAM
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if public_only:
            addresses = outside(host, addresses)
        name = host if context is not None else None
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(CONNECT_S):
                    return (await loop.create_connection(cls, address, port, ssl=context, server_hostname=name))[1]
            except OSError:  # a time-out is one
                continue
        return (await loop.create_connection(cls, addresses[-1], port, ssl=context, server_hostname=name))[1]

    # --- what the loop tells ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._replies.extend(self._reader.feed(data))
        if len(self._replies) > MOST_UNHEARD:
            self.abort()
        self._wake()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lost = True
        if not self.gone.done():
            self.gone.set_result(None)
        self._wake()

    def eof_received(self) -> None:
        self._lost = True
        self._wake()

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        self._wake()

    # --- what the connection asks -------------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Open, and nothing has come that was not heard."""
        return not self._lost and not self._replies and not self._reader.unread

    @property
    def speaks(self) -> bool:
        """A reply waits to be heard, or something that is none."""
        return bool(self._replies) or self._reader.broken

    @property
    def garbage(self) -> bytes | None:
        """Bytes that have come and cannot become a reply."""
        return self._reader.unread if self._reader.hopeless else None

    def info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)

    async def reply(self) -> Reply:
        """The next reply. Raises Lost or NotSmtp, after which the connection is of no more use."""
        while not self._replies:
            if self._reader.broken or (self._lost and self._reader.hopeless):
                raise NotSmtp(self._reader.unread)
            if self._lost:
                raise Lost("The connection was lost")
            await self._change()
        return self._replies.popleft()

    def write(self, data: bytes | memoryview) -> None:
        if self._lost:
            raise Lost("The connection was lost")
        self._transport.write(data)

    async def room(self) -> None:
        """Until more may be written, or there is a reason not to: the connection is lost, or a reply has come."""
        if not self._blocked:
            await asyncio.sleep(0)
        while self._blocked and not self._lost and not self.speaks:
            await self._change()

    async def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Raises OSError or ssl.SSLError. Nothing that came in clear may be waiting."""
        loop = asyncio.get_running_loop()
        new = await loop.start_tls(self._transport, self, context, server_hostname=host)
        if new is None:
            raise ConnectionResetError("The connection was lost")
        self._transport = new

    def abort(self) -> None:
        self._end("abort")

    def close(self) -> None:
        """Ends after what is written."""
        self._end("close")

    def _end(self, how: str) -> None:
        self._lost = True
        if self._transport is not None:
            getattr(self._transport, how)()

    async def _change(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
