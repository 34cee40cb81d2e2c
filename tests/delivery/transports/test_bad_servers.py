"""Servers that are slow, talkative, rude or broken: every attempt ends, in time and in bounded memory."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.transports.scripted import (
    HANG_UP,
    MAIL,
    PIPELINING,
    SENDER,
    ScriptedServer,
    converse,
    one_mail,
    outcome_with,
    run,
    settings,
)
from undelivered.delivery.outcomes import REPLY_LIMIT, Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports import attempt
from undelivered.delivery.transports.smtp import Security, SmtpTransport
from undelivered.delivery.transports.wire import Wire

pytestmark = pytest.mark.usefixtures("both_loops")

BOTH = pytest.mark.parametrize("ehlo", [PIPELINING, b"250-mx\r\n250 SIZE\r\n"], ids=["in one go", "step by step"])
LARGE = b"Subject: large\r\n\r\n" + b"0123456789" * 10 + b"\r\n" + b".dots and words\r\n" * 200_000


class Dripping(ScriptedServer):
    """Says what it has to say at `stage` one byte at a time, and never comes to an end."""

    def __init__(self, stage: str, piece: bytes, **answers: bytes) -> None:
        super().__init__(**answers)
        self.stage, self.piece = stage, piece

    def _answer(self, key: str) -> bytes:
        if key == self.stage:
            self._drips = [asyncio.create_task(self._drip(writer)) for writer in self._writers[-1:]]
            return b"\0"
        return super()._answer(key)

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(self.piece)
                await writer.drain()
                await asyncio.sleep(0.01 if len(self.piece) == 1 else 0)


@BOTH
@pytest.mark.parametrize(
    ("stage", "kind"),
    [("", Unreachable), ("EHLO", Unreachable), ("MAIL", TryLater), ("RCPT", TryLater), ("DATA", TryLater)],
)
def test_a_reply_that_comes_one_byte_at_a_time_does_not_outlast_the_deadline(
    ehlo: bytes, stage: str, kind: type[Outcome]
) -> None:
    started = time.monotonic()
    outcome = converse(Dripping(stage, b"2", EHLO=ehlo), one_mail, timeout_s=0.15)
    assert type(outcome) is kind
    assert outcome.reply.startswith("No answer within 0.15 seconds")
    assert time.monotonic() - started < 3


def test_a_slow_answer_to_the_dot_is_unknown_when_its_own_deadline_has_passed() -> None:
    outcome = converse(Dripping(".", b"2", EHLO=PIPELINING), one_mail, timeout_s=5, after_dot_s=0.1)
    assert isinstance(outcome, Unknown)
    assert not outcome.final


@BOTH
@pytest.mark.parametrize("piece", [b"250-" + b"x" * 5000 + b"\r\n", b"250-go on\r\n" * 100, b"5" * 5000])
@pytest.mark.parametrize(("stage", "kind"), [("", Unreachable), ("RCPT", Unknown)])
def test_a_reply_without_end_is_not_read_to_its_end(ehlo: bytes, piece: bytes, stage: str, kind: type[Outcome]) -> None:
    outcome = converse(Dripping(stage, piece, EHLO=ehlo), one_mail, timeout_s=10)
    assert type(outcome) is kind
    assert len(outcome.reply) <= REPLY_LIMIT + 100
    assert sum(map(len, outcome.dialogue)) < 60_000


@pytest.mark.parametrize("stage", ["", "EHLO", "MAIL"])
def test_replies_that_nobody_asked_for_do_not_fill_the_memory(stage: str) -> None:
    outcome = converse(Dripping(stage, b"250 and another thing\r\n" * 20, EHLO=PIPELINING), one_mail, timeout_s=10)
    assert not isinstance(outcome, Accepted)


@BOTH
@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        ("greeting", Unreachable),
        ("EHLO", Unreachable),
        ("MAIL", TryLater),
        ("RCPT", TryLater),
        ("DATA", TryLater),
        ("dot", TryLater),
    ],
)
def test_421_at_every_stage(ehlo: bytes, stage: str, kind: type[Outcome]) -> None:
    outcome = outcome_with(**{"EHLO": ehlo, stage: b"421 4.3.2 Closing down\r\n"})
    assert type(outcome) is kind
    assert (outcome.code, outcome.reply) == (421, "421 4.3.2 Closing down")


@BOTH
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_half_a_reply_before_the_end_is_a_lost_connection(ehlo: bytes, stage: str) -> None:
    class Broken(ScriptedServer):
        def _answer(self, key: str) -> bytes:
            if key == stage:
                self._writers[-1].write(b"250 2.1.")
                return HANG_UP
            return super()._answer(key)

    outcome = outcome_with(Broken(EHLO=ehlo))
    assert (type(outcome), outcome.stage.value.upper()) == (TryLater, stage)


class Interrupting(ScriptedServer):
    """Does not wait for the end of a mail: speaks after its first bytes, and hangs up if it is told to."""

    def __init__(self, reply: bytes, *, hang_up: bool, **answers: bytes) -> None:
        super().__init__(**answers)
        self.reply, self.hang_up = reply, hang_up
        self.heard = b""

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(1000)
        writer.write(self.reply)
        await writer.drain()
        while not self.hang_up:
            if not (more := await reader.read(65536)):
                break
            self.heard += more
        raise ConnectionResetError


@BOTH
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"552 5.3.4 Too big\r\n", Refused),
        (b"452 4.3.1 No room\r\n", TryLater),
        (b"421 4.3.2 Closing down\r\n", TryLater),
        (b"250 2.0.0 Enough\r\n", TryLater),
    ],
)
def test_a_reply_in_the_middle_of_a_mail_ends_it_and_counts(ehlo: bytes, reply: bytes, kind: type[Outcome]) -> None:
    server = Interrupting(reply, hang_up=False, EHLO=ehlo)
    outcome = converse(server, lambda t: t.send(SENDER, "ann@shop.example", LARGE))
    assert type(outcome) is kind
    assert (outcome.stage, outcome.reply) == (Stage.DATA, reply.decode().strip())
    assert not server.heard.endswith(b"\r\n.\r\n")


@BOTH
def test_a_connection_that_ends_in_the_middle_of_a_mail_is_tried_again_later(ehlo: bytes) -> None:
    server = Interrupting(b"", hang_up=True, EHLO=ehlo)
    outcome = converse(server, lambda t: t.send(SENDER, "ann@shop.example", LARGE))
    assert (type(outcome), outcome.stage) == (TryLater, Stage.DATA)


class Slow(ScriptedServer):
    """Reads a mail piece by piece, with pauses."""

    async def start(self) -> int:
        port = await super().start()
        self._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        return port

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = b""
        while not got.endswith(b"\r\n.\r\n"):
            if not (more := await reader.read(64 * 1024)):
                raise ConnectionResetError
            got += more
            await asyncio.sleep(0.005)
        self.mails.append(got)


VERY_LARGE = b"Subject: large\r\n\r\n" + (b"x" * 98 + b"\r\n") * 80_000


def test_a_large_mail_may_take_longer_than_the_deadline_as_long_as_it_moves_on() -> None:
    server = Slow(EHLO=PIPELINING)
    outcome = converse(server, lambda t: t.send(SENDER, "ann@shop.example", VERY_LARGE), timeout_s=0.25)
    assert isinstance(outcome, Accepted)
    assert outcome.duration_ms > 250
    assert server.mails == [VERY_LARGE + b".\r\n"]


def test_a_large_mail_that_moves_on_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "SLOWEST_BYTES_A_SECOND", 10**9)
    outcome = converse(Slow(EHLO=PIPELINING), lambda t: t.send(SENDER, "ann@shop.example", VERY_LARGE), timeout_s=0.1)
    assert (type(outcome), outcome.stage) == (TryLater, Stage.DATA)


def test_a_server_that_reads_nothing_of_a_large_mail_meets_the_deadline() -> None:
    class Deaf(ScriptedServer):
        async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.5)
            raise ConnectionResetError

    mail = b"Subject: large\r\n\r\n" + b"x" * 78 + b"\r\n" * 10_000_000
    outcome = converse(Deaf(EHLO=PIPELINING), lambda t: t.send(SENDER, "ann@shop.example", mail), timeout_s=0.3)
    assert (type(outcome), outcome.stage) == (TryLater, Stage.DATA)


@BOTH
def test_a_large_mail_travels_whole(ehlo: bytes) -> None:
    server = ScriptedServer(EHLO=ehlo)
    assert isinstance(converse(server, lambda t: t.send(SENDER, "ann@shop.example", LARGE)), Accepted)
    assert server.mails == [LARGE.replace(b"\r\n.", b"\r\n..") + b".\r\n"]


@pytest.mark.parametrize("injected", [b"250-mx.evil.example\r\n250 AUTH PLAIN\r\n", b"250", b"\n"])
def test_what_is_put_in_behind_starttls_is_not_believed(certificate: Path, injected: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ScriptedServer(context, EHLO=b"250-mx\r\n250 STARTTLS\r\n", STARTTLS=b"220 Go\r\n" + injected)
    login: dict[str, Any] = {"username": "desk", "password": "s3cret"}
    outcome = converse(server, one_mail, security=Security.STARTTLS, verify=False, **login)
    assert (type(outcome), outcome.stage) == (Unreachable, Stage.STARTTLS)
    assert [line for line in server.lines[0] if "AUTH" in line or "MAIL" in line] == []


@pytest.mark.parametrize("reply", [b"454 4.7.0 TLS not available\r\n", b"501 5.5.4 What?\r\n", HANG_UP])
def test_a_refused_starttls_stops_the_mail_even_where_encryption_is_a_bonus(reply: bytes) -> None:
    server = ScriptedServer(EHLO=b"250-mx\r\n250 STARTTLS\r\n", STARTTLS=reply)
    outcome = converse(server, one_mail, security=Security.IF_OFFERED)
    assert (type(outcome), outcome.stage) == (Unreachable, Stage.STARTTLS)


def test_a_handshake_that_is_none_stops_the_mail() -> None:
    class Plain(ScriptedServer):
        def _answer(self, key: str) -> bytes:
            return b"220 Go\r\n" if key == "STARTTLS" else super()._answer(key)

        async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mx\r\n")
            await reader.readline()
            writer.write(b"250-mx\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 Go\r\n")
            await reader.read(1000)
            writer.write(b"this is no TLS\r\n")
            writer.close()

    outcome = converse(Plain(), one_mail, security=Security.STARTTLS)
    assert (type(outcome), outcome.stage) == (Unreachable, Stage.STARTTLS)
    assert outcome.reply.startswith("No encrypted connection to 127.0.0.1:")


def test_a_mail_for_a_tls_port_in_clear_and_the_other_way_round_ends(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ScriptedServer(context)
    server.implicit_tls = True
    in_clear = converse(server, one_mail, timeout_s=0.3)
    assert (type(in_clear), in_clear.stage) == (Unreachable, Stage.CONNECT)
    encrypted = converse(ScriptedServer(), one_mail, security=Security.TLS)
    assert (type(encrypted), encrypted.stage) == (Unreachable, Stage.CONNECT)


def test_a_certificate_that_somebody_vouches_for_is_accepted_and_the_name_is_checked(certificate: Path) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)

    async def to(host: str) -> Outcome:
        server = ScriptedServer(server_side, EHLO=b"250-mx\r\n250 STARTTLS\r\n", STARTTLS=b"220 Go\r\n")
        port = await server.start()
        given = settings(port, security=Security.STARTTLS)
        transport = SmtpTransport(type(given)(host, port, given.security), tls_context=trusting)
        try:
            return await one_mail(transport)
        finally:
            await transport.close()
            await server.stop()

    assert isinstance(run(to("127.0.0.1")), Accepted)
    other = run(to("localhost"))
    assert isinstance(other, Unreachable)
    assert "Hostname mismatch" in other.reply


def test_the_next_address_of_a_host_is_tried_when_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ScriptedServer()

    async def to_two_addresses(transport: SmtpTransport) -> Outcome:
        loop = asyncio.get_running_loop()
        port = transport.settings.port

        class Loop:
            create_connection = staticmethod(loop.create_connection)
            create_future = staticmethod(loop.create_future)

            @staticmethod
            async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
                return [(2, 1, 6, "", ("127.0.0.254", port)), (2, 1, 6, "", ("127.0.0.1", port))]

        with monkeypatch.context() as patch:
            patch.setattr("undelivered.delivery.transports.wire.asyncio.get_running_loop", lambda: Loop)
            wire = await Wire.connect("mx.example.com", port, None)
        greeting = await wire.reply()
        wire.close()
        return Accepted(greeting.text)

    assert converse(server, to_two_addresses).reply == "220 mx.shop.example ESMTP"


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    outcome = run(one_mail(SmtpTransport(settings(25, timeout_s=5).__class__("no-such-host.invalid", 25))))
    assert (type(outcome), outcome.stage) == (Unreachable, Stage.CONNECT)
    assert outcome.reply.startswith("Could not connect to no-such-host.invalid:25: ")


def test_a_421_that_comes_while_a_connection_is_idle_means_a_new_one() -> None:
    server = ScriptedServer(EHLO=PIPELINING)

    async def two(transport: SmtpTransport) -> list[Outcome]:
        first = await one_mail(transport)
        server._writers[0].write(b"421 4.4.2 Idle for too long\r\n")
        await server._writers[0].drain()
        await asyncio.sleep(0.02)
        return [first, await one_mail(transport)]

    outcomes = converse(server, two)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]
    assert outcomes[1].dialogue[0].startswith("(connecting to")
    assert len(server.mails) == 2


def test_every_connection_is_closed_when_the_transport_is() -> None:
    server = ScriptedServer(EHLO=PIPELINING)

    async def several(transport: SmtpTransport) -> None:
        await asyncio.gather(*(transport.send(SENDER, "ann@shop.example", MAIL) for _ in range(5)))

    converse(server, several, max_connections=5)
    assert {lines[-1] for lines in server.lines} == {"QUIT"}


def test_a_server_that_offers_size_as_nonsense_is_taken_to_have_no_limit() -> None:
    for size in (b"SIZE", b"SIZE 0", b"SIZE many", b"SIZE 99999999999999999999999"):
        outcome = outcome_with(EHLO=b"250-mx\r\n250 " + size + b"\r\n")
        assert isinstance(outcome, Accepted)
        assert any(line.endswith(f" SIZE={len(MAIL)}") for line in outcome.dialogue)


def test_nothing_is_announced_that_the_server_does_not_offer() -> None:
    server = ScriptedServer(EHLO=b"250 mx\r\n")
    outcome = converse(server, lambda t: t.send(SENDER, "ann@shop.example", b"Subject: x\r\n\r\n\xc3\xbc\r\n"))
    assert isinstance(outcome, Accepted)
    assert f"MAIL FROM:<{SENDER}>" in server.lines[0]
    assert server.mails == [b"Subject: x\r\n\r\n\xc3\xbc\r\n.\r\n"]
