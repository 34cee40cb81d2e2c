"""Submits mails over SMTP in lock step, as help desks do: `python -m benchmarks._flood PORT MAILS SESSIONS reuse|once`.

A process of its own, so that it and the server each have a core. It prints the seconds it took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from typing import cast

import uvloop

MAIL = (
    b"From: IT Help <it@it.example>\r\nTo: ann@shop.example\r\nSubject: [#12] Printer\r\n"
    b"Message-ID: <1@it.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
) + b"Your request was answered. Please have a look at the portal.......\r\n" * 56
#: What is said after each reply of a transaction.
STEPS = (
    b"MAIL FROM:<it@it.example>\r\n",
    b"RCPT TO:<ann@shop.example>\r\n",
    b"DATA\r\n",
    MAIL + b".\r\n",
)
GREETINGS = (b"EHLO desk.it.example\r\n",)


class Session(asyncio.Protocol):
    """Sends mails as long as there are some to send; `ended` at its end."""

    def __init__(self, left: list[int], ended: asyncio.Future[None], once: bool) -> None:
        self.left, self.ended, self.once = left, ended, once
        self.script = [*GREETINGS]
        self.transport: asyncio.Transport | None = None
        self.done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        last = data[data.rfind(b"\n", 0, -1) + 1 :]
        if last[3:4] != b" ":
            return
        assert data[:1] in b"23", data
        assert self.transport is not None
        if not self.script:
            if (self.once and self.done) or not self.left[0]:
                self.transport.write(b"QUIT\r\n")
                self.script = [b""]
                self.left[0] = max(0, self.left[0])
                return
            self.left[0] -= 1
            self.done = True
            self.script = [*STEPS]
        if step := self.script.pop(0):
            self.transport.write(step)
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def flood(port: int, mails: int, sessions: int, once: bool) -> float:
    loop = asyncio.get_running_loop()
    left = [mails]

    async def one() -> None:
        while left[0]:
            ended: asyncio.Future[None] = loop.create_future()
            await loop.create_connection(partial(Session, left, ended, once), "127.0.0.1", port)
            await ended

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(sessions)))
    return time.perf_counter() - began


if __name__ == "__main__":
    port, mails, sessions = map(int, sys.argv[1:4])
    print(uvloop.run(flood(port, mails, sessions, sys.argv[4] == "once")))
