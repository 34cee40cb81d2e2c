"""An ESP's API on loopback that does what a test says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from undelivered.delivery import mime
from undelivered.delivery.outcomes import Outcome
from undelivered.delivery.transports.esp import EspTransport
from undelivered.delivery.transports.esp_url import parse_esp_url

OWN = UUID("0199a0c0-0000-7000-8000-000000000001")
RECIPIENT = "ann@customer.example"
SENDER = "desk@example.com"


@dataclass
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Api:
    """`script`: what is done for each request, in turn; the last one again and again."""

    script: list[bytes | Behaviour]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = first.split(" ")
                self.asked.append(Asked(method, target, headers, body, number))
                now = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if isinstance(now, bytes):
                    writer.write(now)
                else:
                    await now(reader, writer)
                if writer.is_closing():
                    break


def http(status: int, said: Any = None, *, reason: str = "Whatever", **headers: str) -> bytes:
    body = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
    kind = "text/html" if isinstance(said, bytes) else "application/json"
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


@asynccontextmanager
async def serving(*script: bytes | Behaviour, certificate: Path | None = None) -> AsyncIterator[Api]:
    api, tls = Api(list(script)), None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0, ssl=tls)
    api.port = server.sockets[0].getsockname()[1]
    try:
        yield api
    finally:
        server.close()
        await api.close()


POSTMARK_OK = http(200, {"To": RECIPIENT, "MessageID": "0a129aee", "ErrorCode": 0, "Message": "OK"})


class Content:
    from_name, from_address, reply_to = "Gr\u00fc\u00dfe, Desk", SENDER, "help@example.com"
    subject, text, html = "[IT-12] Drucker l\u00e4uft", "Er l\u00e4uft wieder.\n", "<p>Er l\u00e4uft wieder.</p>"
    headers = [["References", "<it-12@desk.example.com>"], ["Auto-Submitted", "auto-generated"]]


class Row:
    project_id, request_id, customer_id = 1, None, None
    kind, event, recipient, recipient_name = "request", "comment", RECIPIENT, "Ann \u201cQuick\u201d M\u00fcller"
    personal: dict[str, Any] = {}


def own_mail(**changes: Any) -> bytes:
    from datetime import UTC, datetime

    content = type("Changed", (Content,), changes)()
    return mime.write(content, Row(), id=OWN, at=datetime(2026, 11, 23, tzinfo=UTC))


def settings_of(url: str, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(parse_esp_url(url), **changes)


async def one(transport: EspTransport, message: bytes | None = None, own: UUID | None = OWN) -> Outcome:
    return await transport.send(SENDER, RECIPIENT, message or own_mail(), own=own)


@asynccontextmanager
async def transport_to(url: str, **changes: Any) -> AsyncIterator[EspTransport]:
    transport = EspTransport(settings_of(url, **changes))
    try:
        yield transport
    finally:
        await transport.close()


@asynccontextmanager
async def talking(
    *script: bytes | Behaviour, url: str = "esp://:hush@postmark", to: str = "api_url", **changes: Any
) -> AsyncIterator[tuple[EspTransport, Api]]:
    """A transport, and the API that it talks to."""
    async with (
        serving(*script) as api,
        transport_to(f"{url}{'&' if '?' in url else '?'}{to}={api.url}", **changes) as transport,
    ):
        yield transport, api


def sent(
    *script: bytes | Behaviour, url: str = "esp://:hush@postmark", times: int = 1, **changes: Any
) -> tuple[list[Outcome], Api]:
    """The outcomes of so many mails, one after the other, and what the API was asked."""

    async def run() -> tuple[list[Outcome], Api]:
        async with talking(*script, url=url, **changes) as (transport, api):
            return [await one(transport) for _ in range(times)], api

    return asyncio.run(run())
