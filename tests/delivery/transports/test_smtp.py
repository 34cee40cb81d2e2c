"""Scripted conversations with the SMTP transport, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import datetime
import io
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports.connection import dot_stuffed
from undelivered.delivery.transports.console import ConsoleTransport
from undelivered.delivery.transports.pool import MAILS_PER_CONNECTION
from undelivered.delivery.transports.smtp import Security, SmtpSettings, SmtpTransport, parse_provider_url
from undelivered.ops.rehearsal import RehearsalServer

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
                    self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    key = "."
                    continue
                line = (await reader.readuntil(b"\r\n")).decode().rstrip()
                said.append(line)
                key = line.partition(" ")[0].upper()
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
    async def run() -> Any:
        transport = SmtpTransport(settings(await server.start(), **changes))
        try:
            return await talk(transport)
        finally:
            await transport.close()
            await server.stop()

    return asyncio.run(run())


async def one_mail(transport: SmtpTransport) -> Outcome:
    return await transport.send(SENDER, "ann@shop.example", MAIL)


def outcome_with(server: ScriptedServer | None = None, /, **answers: bytes) -> Any:
    return converse(server or ScriptedServer(**answers), one_mail)


def test_an_accepted_mail_tells_the_whole_conversation() -> None:
    server = ScriptedServer()
    outcome = outcome_with(server)
    assert isinstance(outcome, Accepted)
    assert (outcome.reply, outcome.code, outcome.enhanced) == ("250 2.0.0 Ok: queued", 250, "2.0.0")
    assert (outcome.stage, outcome.tls) == (Stage.AFTER_DOT, None)
    assert outcome.host.startswith("127.0.0.1:")
    assert outcome.dialogue[1:] == (
        "220 mx.shop.example ESMTP",
        "→ EHLO desk.it.example",
        "250-mx.shop.example",
        "250-SIZE 100000",
        "250-8BITMIME",
        "250 SMTPUTF8",
        f"→ MAIL FROM:<{SENDER}> SIZE={len(MAIL)}",
        "250 2.1.0 Ok",
        "→ RCPT TO:<ann@shop.example>",
        "250 2.1.5 Ok",
        "→ DATA",
        "354 Go ahead",
        f"→ (the mail, {len(MAIL)} bytes)",
        "→ .",
        "250 2.0.0 Ok: queued",
    )
    assert server.mails == [b"From: desk@it.example\r\nSubject: [IT-12] Printer\r\n\r\n..Hello\r\n.\r\n"]


@pytest.mark.parametrize(
    ("answers", "kind", "stage", "code", "enhanced"),
    [
        ({"MAIL": b"550 5.1.8 Sender rejected\r\n"}, Refused, Stage.MAIL, 550, "5.1.8"),
        ({"MAIL": b"451 4.3.0 Later\r\n"}, TryLater, Stage.MAIL, 451, "4.3.0"),
        ({"RCPT": b"550 5.1.1 No such user\r\n"}, Refused, Stage.RCPT, 550, "5.1.1"),
        ({"RCPT": b"550 No such user\r\n"}, Refused, Stage.RCPT, 550, None),
        ({"RCPT": b"452 4.2.2 Full\r\n"}, TryLater, Stage.RCPT, 452, "4.2.2"),
        ({"RCPT": b"421 4.3.2 Busy\r\n"}, TryLater, Stage.RCPT, 421, "4.3.2"),
        ({"DATA": b"554 5.7.1 No\r\n"}, Refused, Stage.DATA, 554, "5.7.1"),
        ({"DATA": b"451 4.7.0 Later\r\n"}, TryLater, Stage.DATA, 451, "4.7.0"),
        ({"dot": b"554 5.7.1 Spam\r\n"}, Refused, Stage.AFTER_DOT, 554, "5.7.1"),
        ({"dot": b"452 4.3.1 Disk full\r\n"}, TryLater, Stage.AFTER_DOT, 452, "4.3.1"),
        ({"MAIL": HANG_UP}, TryLater, Stage.MAIL, None, None),
        ({"RCPT": HANG_UP}, TryLater, Stage.RCPT, None, None),
        ({"DATA": HANG_UP}, TryLater, Stage.DATA, None, None),
        ({"greeting": b"554 5.7.1 Your address is blocked\r\n"}, Unreachable, Stage.CONNECT, 554, "5.7.1"),
        ({"greeting": b"421 4.7.0 Too many connections\r\n"}, Unreachable, Stage.CONNECT, 421, "4.7.0"),
        ({"greeting": HANG_UP}, Unreachable, Stage.CONNECT, None, None),
        ({"greeting": b"SSH-2.0-OpenSSH\r\n"}, Unreachable, Stage.CONNECT, None, None),
        ({"EHLO": b"421 4.3.0 Shutting down\r\n"}, Unreachable, Stage.EHLO, 421, "4.3.0"),
        ({"EHLO": HANG_UP}, Unreachable, Stage.EHLO, None, None),
    ],
)
def test_every_reply_at_every_stage_has_its_outcome(
    answers: dict[str, bytes], kind: type[Outcome], stage: Stage, code: int | None, enhanced: str | None
) -> None:
    outcome = outcome_with(**answers)
    assert type(outcome) is kind
    assert (outcome.stage, outcome.code, outcome.enhanced) == (stage, code, enhanced)
    assert outcome.reply


def test_all_lines_of_a_reply_are_kept_as_they_were_said() -> None:
    outcome = outcome_with(RCPT=b"550-5.1.1 The account\r\n550-5.1.1 does not exist. \xff\r\n550 5.1.1 Bye\r\n")
    assert outcome.reply == "550-5.1.1 The account\n550-5.1.1 does not exist. \ufffd\n550 5.1.1 Bye"


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        ({"RCPT": b"<html>Please sign in</html>\r\n"}, "<html>Please sign in</html>"),
        ({"RCPT": b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n"}, "HTTP/1.1 400 Bad Request\nServer: x"),
        ({"RCPT": b"\xff\x00\x01\r\n"}, "\\xff\\x00\\x01"),
        ({"RCPT": b"999 what\r\n"}, "999 what"),
        ({"RCPT": b"42\r\n"}, "42"),
        ({"dot": b"mail: command not found\r\n"}, "mail: command not found"),
    ],
)
def test_what_is_no_smtp_reply_is_final_and_shown(answers: dict[str, bytes], shown: str) -> None:
    outcome = outcome_with(**answers)
    assert isinstance(outcome, Unknown)
    assert outcome.final
    assert outcome.code is None
    assert outcome.reply.startswith(shown)


def test_garbage_without_a_line_end_is_recognised_when_the_time_is_up() -> None:
    outcome = converse(ScriptedServer(RCPT=b"\x16\x03garbage"), one_mail, timeout_s=0.2)
    assert isinstance(outcome, Unknown)
    assert outcome.final
    assert outcome.reply == "\\x16\\x03garbage"


def test_a_connection_lost_after_the_dot_is_unknown_but_not_final() -> None:
    outcome = outcome_with(dot=HANG_UP)
    assert isinstance(outcome, Unknown)
    assert not outcome.final
    assert outcome.reply == "The connection was lost after the whole mail was sent."


def test_silence_has_a_deadline_and_its_meaning_depends_on_the_dot() -> None:
    before = converse(ScriptedServer(RCPT=SILENCE), one_mail, timeout_s=0.1)
    after = converse(ScriptedServer(dot=SILENCE), one_mail, timeout_s=5, after_dot_s=0.1)
    nobody = converse(ScriptedServer(greeting=SILENCE), one_mail, timeout_s=0.1)
    assert (type(before), before.stage) == (TryLater, Stage.RCPT)
    assert (type(after), after.stage, after.final) == (Unknown, Stage.AFTER_DOT, False)
    assert (type(nobody), nobody.stage) == (Unreachable, Stage.CONNECT)


def test_a_closed_port_is_unreachable_and_not_our_fault() -> None:
    async def run() -> Outcome:
        server = ScriptedServer()
        port = await server.start()
        await server.stop()
        return await one_mail(SmtpTransport(settings(port)))

    outcome = asyncio.run(run())
    assert isinstance(outcome, Unreachable)
    assert not outcome.our_fault
    assert outcome.reply.endswith("Connection refused")


def test_connections_are_used_again_and_reset_after_a_refusal() -> None:
    server = ScriptedServer()
    server.queued["RCPT"] = [b"250 Ok\r\n", b"550 5.1.1 No\r\n", b"250 Ok\r\n"]

    async def three(transport: SmtpTransport) -> list[Outcome]:
        return [await transport.send(SENDER, f"{name}@shop.example", MAIL) for name in ("ann", "bob", "cem")]

    outcomes = converse(server, three)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]
    (lines,) = server.lines
    assert [line.partition(" ")[0] for line in lines] == [
        *("EHLO", "MAIL", "RCPT", "DATA"),
        *("MAIL", "RCPT"),
        *("RSET", "MAIL", "RCPT", "DATA"),
        "QUIT",
    ]
    assert outcomes[2].dialogue[0] == "(on an open connection)"


@pytest.mark.parametrize("goodbye", [HANG_UP, b"421 4.4.2 Idle for too long\r\n"])
def test_a_kept_connection_that_has_died_is_replaced_without_a_word(goodbye: bytes) -> None:
    server = ScriptedServer()
    server.queued["MAIL"] = [b"250 Ok\r\n", goodbye]

    async def two(transport: SmtpTransport) -> list[Outcome]:
        return [await one_mail(transport), await one_mail(transport)]

    assert [type(outcome) for outcome in converse(server, two)] == [Accepted, Accepted]
    assert len(server.lines) == 2
    assert len(server.mails) == 2


def test_a_connection_that_the_server_closed_while_idle_is_not_used() -> None:
    server = ScriptedServer()

    async def two(transport: SmtpTransport) -> list[Outcome]:
        first = await one_mail(transport)
        server.drop_all()
        return [first, await one_mail(transport)]

    assert [type(outcome) for outcome in converse(server, two)] == [Accepted, Accepted]


def test_an_idle_connection_is_closed_when_its_time_has_come() -> None:
    server = ScriptedServer()

    async def two(transport: SmtpTransport) -> None:
        await one_mail(transport)
        transport._pool.sweep()
        await one_mail(transport)

    converse(server, two, idle_s=0)
    assert len(server.lines) == 2
    assert server.lines[0][-1] == "QUIT"


def test_a_connection_is_retired_after_its_share_of_mails() -> None:
    server = ScriptedServer(RCPT=b"550 5.1.1 No\r\n")

    async def many(transport: SmtpTransport) -> None:
        for _ in range(MAILS_PER_CONNECTION + 1):
            await one_mail(transport)

    converse(server, many)
    assert len(server.lines) == 2


def test_no_more_connections_are_opened_than_allowed() -> None:
    server = ScriptedServer()

    async def many(transport: SmtpTransport) -> list[Outcome]:
        return await asyncio.gather(*(one_mail(transport) for _ in range(20)))

    outcomes = converse(server, many, max_connections=3)
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len(server.lines) <= 3


def test_a_cancelled_send_gives_its_place_back() -> None:
    server = ScriptedServer()
    server.queued["RCPT"] = [SILENCE]

    async def cancel_one(transport: SmtpTransport) -> Outcome:
        task = asyncio.create_task(one_mail(transport))
        await server.recipient_heard.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await one_mail(transport)

    assert isinstance(converse(server, cancel_one, max_connections=1), Accepted)
    assert len(server.lines) == 2


def test_a_server_without_ehlo_is_greeted_the_old_way() -> None:
    outcome = outcome_with(EHLO=b"500 5.5.1 What?\r\n", HELO=b"250 mx.shop.example\r\n")
    assert isinstance(outcome, Accepted)
    assert f"→ MAIL FROM:<{SENDER}>" in outcome.dialogue


def test_a_mail_over_the_offered_size_is_refused_by_ourselves() -> None:
    server = ScriptedServer(EHLO=b"250-mx\r\n250 SIZE 20\r\n")
    outcome = outcome_with(server)
    assert isinstance(outcome, Refused)
    assert outcome.enhanced == "5.3.4"
    assert "the provider takes 20 at most" in outcome.reply
    assert server.mails == []


def test_eight_bit_content_and_utf8_addresses_are_announced() -> None:
    server = ScriptedServer()
    outcome = converse(server, lambda t: t.send("", "jürgen@bücher.example", b"Subject: x\r\n\r\n\xc3\xbc\r\n"))
    assert isinstance(outcome, Accepted)
    assert "MAIL FROM:<> SIZE=18 BODY=8BITMIME SMTPUTF8" in server.lines[0]
    assert "RCPT TO:<jürgen@xn--bcher-kva.example>" in server.lines[0]


def test_a_utf8_address_is_refused_by_ourselves_where_it_cannot_travel() -> None:
    server = ScriptedServer(EHLO=b"250-mx\r\n250 8BITMIME\r\n")
    outcome = converse(server, lambda t: t.send(SENDER, "jürgen@shop.example", MAIL))
    assert isinstance(outcome, Refused)
    assert outcome.enhanced == "5.6.7"
    idn = converse(ScriptedServer(EHLO=b"250 mx\r\n"), lambda t: t.send(SENDER, "ann@bücher.example", MAIL))
    assert isinstance(idn, Accepted)


@pytest.mark.parametrize(
    "address", ["ann@x.example> SIZE=1", "ann@x.example\r\nRSET", "a n@x.example", '"a"b c@x.example']
)
def test_an_address_cannot_smuggle_anything_into_a_command(address: str) -> None:
    server = ScriptedServer()
    outcome = converse(server, lambda t: t.send(SENDER, address, MAIL))
    assert isinstance(outcome, Refused)
    assert outcome.enhanced == "5.1.3"
    assert not any(line.startswith("RCPT") for line in server.lines[0])


def test_a_quoted_local_part_travels_as_it_is() -> None:
    server = ScriptedServer()
    converse(server, lambda t: t.send(SENDER, '"a b>@"@shop.example', MAIL))
    assert 'RCPT TO:<"a b>@"@shop.example>' in server.lines[0]


@pytest.mark.parametrize(
    ("content", "travels"),
    [
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n"),
        (b".a\r\n", b"..a\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r\n.\rb\r\n", b"a\r\n..\r\nb\r\n"),
    ],
)
def test_no_line_of_a_mail_can_end_it_early(content: bytes, travels: bytes) -> None:
    assert dot_stuffed(content) == travels


def test_a_large_mail_arrives_byte_for_byte() -> None:
    content = b"Subject: large\r\n\r\n" + b".0123456789\r\n" * 60_000

    async def run() -> tuple[Outcome, bytes]:
        server = RehearsalServer()
        transport = SmtpTransport(settings(await server.start()))
        outcome = await transport.send(SENDER, "ann@shop.example", content)
        await transport.close()
        await server.stop()
        return outcome, server.inbox()[0].content

    outcome, arrived = asyncio.run(run())
    assert isinstance(outcome, Accepted)
    assert arrived == content


LOGIN = b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n"


def test_a_login_is_done_once_a_connection_and_never_shown() -> None:
    server = ScriptedServer(EHLO=LOGIN, AUTH=b"235 2.7.0 Welcome\r\n")
    outcome = converse(server, one_mail, username="desk", password="s3cret")
    assert isinstance(outcome, Accepted)
    assert "→ AUTH (user name and password not shown)" in outcome.dialogue
    assert server.lines[0][1].startswith("AUTH PLAIN ")
    assert not any("s3cret" in line or "AGRlc2sAczNjcmV0" in line for line in outcome.dialogue)
    assert "s3cret" not in repr(settings(1, password="s3cret"))


@pytest.mark.parametrize(
    ("answers", "our_fault"),
    [
        ({"EHLO": LOGIN, "AUTH": b"535 5.7.8 Wrong password\r\n"}, True),
        ({"EHLO": LOGIN, "AUTH": b"454 4.7.0 Try later\r\n"}, False),
        ({"EHLO": b"250 mx\r\n"}, True),
        ({"EHLO": LOGIN, "AUTH": b"235 Ok\r\n", "MAIL": b"530 5.7.0 Log in first\r\n"}, True),
    ],
)
def test_a_refused_login_is_the_providers_trouble_and_not_the_mails(answers: dict[str, bytes], our_fault: bool) -> None:
    outcome = converse(ScriptedServer(**answers), one_mail, username="desk", password="x")
    assert isinstance(outcome, Unreachable)
    assert outcome.our_fault is our_fault


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.shop.example")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    unencrypted = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path


def tls_server(certificate: Path, *, implicit: bool = False) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    ehlo = b"250 mx\r\n" if implicit else b"250-mx\r\n250 STARTTLS\r\n"
    server = ScriptedServer(context, EHLO=ehlo, STARTTLS=b"220 2.0.0 Go\r\n")
    server.implicit_tls = implicit
    return server


def test_a_connection_is_encrypted_and_says_how(certificate: Path) -> None:
    server = tls_server(certificate)
    outcome = converse(server, one_mail, security=Security.STARTTLS, verify=False)
    assert isinstance(outcome, Accepted)
    assert outcome.tls is not None
    assert outcome.tls.startswith("TLSv1.")
    assert [line.partition(" ")[0] for line in server.lines[0][:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


def test_a_certificate_that_nobody_vouches_for_stops_the_mail(certificate: Path) -> None:
    outcome = converse(tls_server(certificate, implicit=True), one_mail, security=Security.TLS)
    assert isinstance(outcome, Unreachable)
    assert outcome.stage is Stage.CONNECT
    assert outcome.reply.startswith("No encrypted connection to 127.0.0.1:")
    assert "self-signed certificate" in outcome.reply


def test_a_connection_may_be_encrypted_from_the_first_byte(certificate: Path) -> None:
    outcome = converse(tls_server(certificate, implicit=True), one_mail, security=Security.TLS, verify=False)
    assert isinstance(outcome, Accepted)
    assert outcome.tls is not None


def test_encryption_that_is_only_a_bonus_does_not_check_the_certificate(certificate: Path) -> None:
    outcome = converse(tls_server(certificate), one_mail, security=Security.IF_OFFERED)
    assert isinstance(outcome, Accepted)
    assert outcome.tls is not None


def test_demanded_encryption_that_is_not_offered_stops_the_mail() -> None:
    outcome = converse(ScriptedServer(), one_mail, security=Security.STARTTLS)
    assert isinstance(outcome, Unreachable)
    assert outcome.our_fault


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, Security.IF_OFFERED, "", "")),
        (
            "smtp://user:p%40ss%2F@mail.example.com:2525",
            ("mail.example.com", 2525, Security.IF_OFFERED, "user", "p@ss/"),
        ),
        ("smtps://me%40x.example:pw@mail.example.com", ("mail.example.com", 465, Security.TLS, "me@x.example", "pw")),
        ("smtp+starttls://mail.example.com/", ("mail.example.com", 587, Security.STARTTLS, "", "")),
        ("smtp+plain://[::1]:1025", ("::1", 1025, Security.NONE, "", "")),
    ],
)
def test_a_provider_url_is_read(url: str, expected: tuple[object, ...]) -> None:
    got = parse_provider_url(url)
    assert (got.host, got.port, got.security, got.username, got.password) == expected


def test_a_provider_url_has_options() -> None:
    got = parse_provider_url("smtp://h.example?verify=no&timeout=30&connections=4&helo=desk.example.com")
    assert (got.verify, got.timeout_s, got.max_connections, got.helo_name) == (False, 30, 4, "desk.example.com")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mail.example.com:587", "starts with one of smtp://"),
        ("http://mail.example.com", "starts with one of smtp://"),
        ("smtp://", "names no host"),
        ("smtp://mail.example.com:99999", "cannot be read"),
        ("smtp://mail.example.com:abc", "cannot be read"),
        ("smtp://mail.example.com/inbox", "ends after host and port"),
        ("smtp://:secret@mail.example.com", "no user name"),
        ("smtp://mail.example.com?tls=1", "unknown option “tls”"),
        ("smtp://mail.example.com?verify=maybe", "yes or no"),
        ("smtp://mail.example.com?timeout=soon", "must be a number"),
    ],
)
def test_a_wrong_provider_url_says_what_is_wrong_and_no_secret(url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_provider_url(url)
    assert complaint in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_the_console_shows_the_mail_and_accepts_it() -> None:
    stream = io.StringIO()
    outcome = asyncio.run(ConsoleTransport(stream).send(SENDER, "ann@shop.example", MAIL))
    assert isinstance(outcome, Accepted)
    assert "Subject: [IT-12] Printer\n" in stream.getvalue()
