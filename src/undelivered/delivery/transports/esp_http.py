"""The HTTP connections to an ESP's API (RFC 9112): kept and used again, and always known how far a request has come.

A failure tells whether the mail may have been taken, which no general library does; nothing blocks, so that many
requests are under way at once and each ends in time. No redirect is followed: secrets go where the settings say.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import ssl
import time
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports.inside import outside

USER_AGENT = "Undelivered (django-anymail)"
CONNECT_S = 20
#: A connection that rested longer is not used again: the other side may be closing it, and then nobody knows what
#: became of a request.
IDLE_S = 20
LONGEST_HEAD = 64 * 1024
LONGEST_ANSWER = 1024 * 1024
#: Answers without a body (RFC 9110, 6.4.1).
_EMPTY = frozenset({204, 304})


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Lost(Exception):
    """No answer came. `stage`: how far the request was; from AFTER_DOT on it may have been carried out."""

    def __init__(self, stage: Stage, text: str) -> None:
        super().__init__(text)
        self.stage = stage
        self.text = text


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes out."""

    method: str
    url: str
    headers: Mapping[str, str | bytes]
    body: bytes

    @classmethod
    def of(cls, method: str, url: str, **given: Any) -> Request:
        """From what `requests` takes: `headers`, `data`, and also `params`, `files`, `auth`."""
        data = given.get("data")
        if isinstance(data, str | bytes) and not any(given.get(name) for name in ("params", "files", "auth")):
            body = data.encode() if isinstance(data, str) else data  # nearly all: JSON, written already
            return cls(method, url, {**(given.get("headers") or {}), "Content-Length": str(len(body))}, body)
        parts = {name: given.get(name) for name in ("headers", "data", "params", "files", "auth")}
        prepared = requests.Request(method, url, **parts).prepare()
        written = prepared.body or b""
        assert isinstance(written, str | bytes), "a stream"
        whole = written.encode() if isinstance(written, str) else written
        return cls(method, str(prepared.url), dict(prepared.headers), whole)


@dataclass(slots=True)
class Trip:
    """One request on its way: CONNECT, then DATA, then AFTER_DOT, once all of it has left."""

    stage: Stage = Stage.CONNECT


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.used_at = time.monotonic()
        writer.transport.set_write_buffer_limits(0)  # `drain` then waits until everything has left

    @property
    def usable(self) -> bool:
        """What comes unasked is the end of the connection, or no HTTP."""
        waiting = self.reader.at_eof() or bool(self.reader._buffer)  # type: ignore[attr-defined]
        return not waiting and not self.writer.is_closing() and time.monotonic() - self.used_at < IDLE_S

    def abort(self) -> None:
        self.writer.transport.abort()


class Client:
    """`idempotent`: the API carries out what comes with the same Idempotency-Key once. `public_only`: it is not looked
    for inside the network."""

    def __init__(
        self, *, idempotent: bool = False, public_only: bool = False, proxies: dict[str, str] | None = None
    ) -> None:
        self._idempotent, self._public_only = idempotent, public_only
        self._proxies = getproxies() if proxies is None else proxies
        self._idle: dict[tuple[str, str], deque[_Connection]] = {}
        self._closed = False

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return _tls_context()

    async def ask(self, request: Request, trip: Trip) -> requests.Response:
        """Raises `Lost`. May be cancelled at any time; `trip` then tells how far it was."""
        try:
            return await self._asked(request, trip)
        except asyncio.IncompleteReadError:
            raise Lost(trip.stage, "The connection was lost") from None
        except OSError as error:
            raise Lost(trip.stage, _in_words(error)) from error
        except (http.client.HTTPException, asyncio.LimitOverrunError, ValueError) as error:
            what = "The answer is no HTTP" if trip.stage is Stage.AFTER_DOT else "The settings make no HTTP request"
            raise Lost(trip.stage, f"{what} ({type(error).__name__})") from error

    def close(self) -> None:
        """Those in use end with their request."""
        self._closed = True
        for line in self._idle.values():
            while line:
                line.pop().writer.close()

    async def _asked(self, request: Request, trip: Trip) -> requests.Response:
        url = urlsplit(request.url)
        line = self._idle.setdefault((url.scheme, url.netloc), deque())
        message = self._message(request, url)
        kept = self._kept(line)
        try:
            connection = kept or await self._opened(url)
            await _sent(connection, message, trip)
        except OSError:
            # One that was kept may end just now; what has not left as a whole cannot have been carried out.
            if kept is None or trip.stage is not Stage.DATA:
                raise
            trip.stage = Stage.CONNECT
            connection = await self._opened(url)
            await _sent(connection, message, trip)
        whole = False
        try:
            status, reason, headers, body, whole = await _answer(connection.reader)
        finally:
            if whole and not self._closed:
                connection.used_at = time.monotonic()
                line.append(connection)
            else:
                connection.abort()
        return _response(request, status, reason, headers, body)

    def _kept(self, line: deque[_Connection]) -> _Connection | None:
        """The one that was used last, if it still stands."""
        while line:
            connection = line.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    def _message(self, request: Request, url: SplitResult) -> bytes:
        headers = {"Host": url.netloc, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", **request.headers}
        if self._idempotent:
            headers["Idempotency-Key"] = hashlib.blake2b(request.body, digest_size=20).hexdigest()
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        lines = [f"{request.method} {target} HTTP/1.1"]
        for name, value in headers.items():
            lines.append(f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}")
        if any("\n" in line or "\r" in line for line in lines):
            raise ValueError("a header with a line end")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body

    async def _opened(self, url: SplitResult) -> _Connection:
        async with asyncio.timeout(CONNECT_S):
            host, secure = str(url.hostname), url.scheme == "https"
            port = url.port or (443 if secure else 80)
            proxy = (
                "" if not secure or proxy_bypass(host) else self._proxies.get("https") or self._proxies.get("all", "")
            )
            if proxy:
                return await self._through(urlsplit(proxy if "//" in proxy else f"//{proxy}"), host, port)
            return _Connection(*await self._straight(host, port, secure))

    async def _straight(self, host: str, port: int, secure: bool) -> Streams:
        """To the first of the host's addresses that answers."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)  # SOCK_STREAM
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if self._public_only:
            addresses = outside(host, addresses)
        tls: dict[str, Any] = {"ssl": self._tls, "server_hostname": host} if secure else {}
        for address in addresses[:-1]:
            with suppress(OSError):
                return await asyncio.open_connection(address, port, limit=LONGEST_HEAD, **tls)
        return await asyncio.open_connection(addresses[-1], port, limit=LONGEST_HEAD, **tls)

    async def _through(self, proxy: SplitResult, host: str, port: int) -> _Connection:
        """By CONNECT (RFC 9110, 9.3.6), as in networks that let nothing else out."""
        reader, writer = await asyncio.open_connection(str(proxy.hostname), proxy.port or 3128, limit=LONGEST_HEAD)
        login = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if proxy.username:
            lines.append(f"Proxy-Authorization: Basic {b64encode(login).decode()}")
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        status, reason, _ = await _head(reader)
        if status != 200:
            writer.transport.abort()
            raise ConnectionRefusedError(None, f"The proxy answered {status} {reason}")
        await writer.start_tls(self._tls, server_hostname=host)
        return _Connection(reader, writer)


async def _sent(connection: _Connection, message: bytes, trip: Trip) -> None:
    trip.stage = Stage.DATA
    try:
        connection.writer.write(message)
        await connection.writer.drain()
    except BaseException:
        connection.abort()
        raise
    trip.stage = Stage.AFTER_DOT


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str, http.client.HTTPMessage, bytes, bool]:
    """Status, reason, headers, body; and whether that was all, so that the connection can be used again."""
    status, reason, headers = await _head(reader)
    while 100 <= status < 200:
        status, reason, headers = await _head(reader)
    stays = headers.get("Connection", "").lower() != "close"
    if status in _EMPTY:
        return status, reason, headers, b"", stays
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        return status, reason, headers, await _chunks(reader), stays
    length = headers.get("Content-Length")
    if length is None:
        return status, reason, headers, await reader.read(LONGEST_ANSWER), False
    if int(length) > LONGEST_ANSWER:
        return status, reason, headers, await reader.readexactly(LONGEST_ANSWER), False
    return status, reason, headers, await reader.readexactly(max(0, int(length))), stays


async def _head(reader: asyncio.StreamReader) -> tuple[int, str, http.client.HTTPMessage]:
    first, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
    version, _, said = first.decode("latin-1").partition(" ")
    code, _, reason = said.partition(" ")
    if not version.startswith("HTTP/1."):
        raise http.client.BadStatusLine(version[:40])
    return int(code), reason.strip(), http.client.parse_headers(BytesIO(rest))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """RFC 9112, 7.1."""
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        if size < 0 or len(body) + size > LONGEST_ANSWER:
            raise http.client.LineTooLong("answer")
        body += (await reader.readexactly(size + 2))[:-2]
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # trailers
    return body


def _response(
    request: Request, status: int, reason: str, headers: http.client.HTTPMessage, body: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.reason = status, reason
    response.headers = CaseInsensitiveDict(headers.items())
    response.encoding = get_encoding_from_headers(response.headers) or "utf-8"
    response.url = request.url
    response._content, response._content_consumed = body, True
    return response


def _tls_context() -> ssl.SSLContext:
    """One for all connections: reading the certificates takes its time and its memory."""
    context = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE") or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _in_words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "No answer in time"
    if isinstance(error, ssl.SSLError):
        return f"No encrypted connection: {getattr(error, 'verify_message', '') or error.reason or error}"
    return error.strerror or str(error) or type(error).__name__
