"""A provider that follows a script, over real sockets on loopback, and conversations of the SMTP transport with it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import uvloop

from undelivered.delivery.outcomes import Outcome
from undelivered.delivery.transports.smtp import Security, SmtpSettings, SmtpTransport

MAIL = b"From: desk@it.example\r\nSubject: [IT-12] Printer\r\n\r\n.Hello\r\n"
SENDER = "b-1@bounces.it.example"
HANG_UP = b""
"""As a reply: none, and the connection is closed."""
SILENCE = b"\0"
"""As a reply: none at all."""

POLITE = {
    "": b"220 mx.shop.example ESMTP\r\n",
    "EHLO": b"250-mx.shop.example\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 Go ahead\r\n",
    ".": b"250 2.0.0 Ok: queued\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
}
PIPELINING = b"250-mx.shop.example\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250 8BITMIME\r\n"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
loop = "asyncio"
"""The one that conversations run on; the fixture `both_loops` changes it."""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(work)


class ScriptedServer:
    """Answers every command by a table; `lines` has what it was told, connection by connection."""

    def __init__(self, tls: ssl.SSLContext | None = None, /, **answers: bytes) -> None:
        names = {"greeting": "", "dot": "."}
        self.answers = POLITE | {names.get(key, key): answer for key, answer in answers.items()}
        self.lines: list[list[str]] = []
        self.mails: list[bytes] = []
        self.queued: dict[str, list[bytes]] = {}
        """Answers that are given once, before those of the table."""
        self.recipient_heard = asyncio.Event()
        self._tls = tls
        self.implicit_tls = False
        self._writers: list[asyncio.StreamWriter] = []
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        context = self._tls if self.implicit_tls else None
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=context)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        self._server.close()
        if self._talks:
            await asyncio.wait(self._talks, timeout=5)
        await asyncio.sleep(0)

    def drop_all(self) -> None:
        for writer in self._writers:
            writer.close()

    def _answer(self, key: str) -> bytes:
        once = self.queued.get(key)
        return once.pop(0) if once else self.answers.get(key, b"502 5.5.1 Unknown\r\n")

    async def read_line(self, reader: asyncio.StreamReader) -> bytes:
        return await reader.readuntil(b"\r\n")

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [b""]
        while lines[-1] != b".\r\n":
            lines.append(await reader.readuntil(b"\r\n"))
        self.mails.append(b"".join(lines))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said: list[str] = []
        self.lines.append(said)
        task: Any = asyncio.current_task()
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        self._writers.append(writer)
        key = ""
        try:
            while True:
                answer = self._answer(key)
                if answer == HANG_UP:
                    break
                if answer != SILENCE:
                    writer.write(answer)
                if key == "STARTTLS" and answer.startswith(b"220"):
                    assert self._tls is not None
                    await writer.start_tls(self._tls)
                if key == "DATA" and answer.startswith(b"354"):
                    await self.read_mail(reader, writer)
                    key = "."
                    continue
                line = (await self.read_line(reader)).decode().rstrip()
                said.append(line)
                key = "334" if answer.startswith(b"334") else line.partition(" ")[0].upper()
                if key == "RCPT":
                    self.recipient_heard.set()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


def settings(port: int, **changes: Any) -> SmtpSettings:
    given: dict[str, Any] = {"security": Security.NONE, "timeout_s": 10, "helo_name": "desk.it.example"}
    return SmtpSettings("127.0.0.1", port, **{**given, **changes})


Talk = Callable[[SmtpTransport], Awaitable[Any]]


def converse(server: ScriptedServer, talk: Talk, **changes: Any) -> Any:
    async def conversation() -> Any:
        transport = SmtpTransport(settings(await server.start(), **changes))
        try:
            return await talk(transport)
        finally:
            await transport.close()
            await server.stop()

    return run(conversation())


async def one_mail(transport: SmtpTransport) -> Outcome:
    return await transport.send(SENDER, "ann@shop.example", MAIL)


def outcome_with(server: ScriptedServer | None = None, /, **answers: bytes) -> Any:
    return converse(server or ScriptedServer(**answers), one_mail)
