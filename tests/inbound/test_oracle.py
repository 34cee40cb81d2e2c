"""The same conversations with aiosmtpd and with the door: where the codes differ, it is on purpose, and said why."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from tests.inbound.fake_line import GRANT, FakeLine, base64_of, talk
from undelivered.inbound.replies import Reply

HELO, EHLO = b"HELO example.com", b"EHLO example.com"
MAIL, RCPT = b"MAIL FROM:<anne@example.com>", b"RCPT TO:<bart@example.com>"
BEGUN = (EHLO, MAIL, RCPT)
TEXT = (b"Subject: test", b"", b"Hello", b".")
LOGIN = b"AUTH PLAIN " + base64_of("", "it-1", "secret")

#: Conversations after aiosmtpd's own test suite: each line gets one reply, but for the lines of a mail.
SAME: list[tuple[bytes, ...]] = [
    (HELO,),
    (EHLO,),
    (b"HELO",),
    (b"EHLO",),
    (HELO, HELO),
    (EHLO, HELO),
    (EHLO, EHLO),
    (HELO, MAIL, HELO, MAIL),
    (b"NOOP",),
    (b"NOOP ok",),
    (b"QUIT",),
    (b"EXPN anne@example.com",),
    (EHLO, b"VRFY anne@example.com"),
    (EHLO, b"MAIL"),
    (EHLO, b"MAIL <anne@example.com>"),
    (EHLO, b"MAIL FROM:"),
    (MAIL,),
    (EHLO, b"MAIL FROM: <anne@example.com>"),
    (EHLO, b"MAIL FROM:<>"),
    (EHLO, MAIL, MAIL),
    (EHLO, b"MAIL FROM:<anne@example.com> SIZE=10000"),
    (EHLO, b"MAIL FROM:<anne@example.com> SIZE=10000 BODY=8BITMIME"),
    (EHLO, b"MAIL FROM:<anne@example.com> SIZE=x"),
    (EHLO, b"MAIL FROM:<anne@example.com> SIZE"),
    (EHLO, b"MAIL FROM:<anne@example.com> SIZE=99999999999"),
    (EHLO, b"MAIL FROM:<anne@example.com> BODY=7BIT"),
    (EHLO, b"MAIL FROM:<anne@example.com> BODY=9BIT"),
    (EHLO, b"MAIL FROM:<anne@example.com> BODY"),
    (EHLO, b"MAIL FROM:<anne@example.com> FOO=BAR"),
    (EHLO, b"MAIL FROM:<anne@example.com> #$%=!@#"),
    (EHLO, b"MAIL FROM:<anne@example.com> SMTPUTF8"),
    (RCPT,),
    (EHLO, RCPT),
    (EHLO, MAIL, b"RCPT"),
    (EHLO, MAIL, b"RCPT TO:"),
    (EHLO, MAIL, b"RCPT TO: <bart@example.com>"),
    (EHLO, MAIL, b"RCPT TO:<bart@example.com> FOO=BAR"),
    (EHLO, MAIL, b'RCPT TO:<"Fred Barney"@example.com>'),
    (EHLO, MAIL, RCPT, RCPT),
    (b"DATA",),
    (EHLO, b"DATA"),
    (EHLO, MAIL, b"DATA"),
    (*BEGUN, b"DATA FOOBAR"),
    (*BEGUN, b"DATA", *TEXT),
    (*BEGUN, b"DATA", *TEXT, MAIL, RCPT, b"DATA", *TEXT),
    (*BEGUN, b"DATA", b"", b"..leading dot", b"...", b".", b"NOOP"),
    (*BEGUN, b"RSET", RCPT),
    (b"RSET",),
    (b"RSET FOO",),
    (b"FOOBAR",),
    (b"FOO BAR",),
    (b"",),
    (EHLO, LOGIN),
    (EHLO, LOGIN, LOGIN),
    (EHLO, LOGIN, MAIL, RCPT),
    (EHLO, b"AUTH PLAIN", base64_of("", "it-1", "secret")),
    (EHLO, b"AUTH PLAIN", b"*"),
    (EHLO, b"AUTH LOGIN", base64_of("it-1"), base64_of("secret")),
    (EHLO, b"AUTH LOGIN", b"*"),
    (EHLO, b"AUTH LOGIN", base64_of("it-1"), b"*"),
    (EHLO, b"AUTH LOGIN " + base64_of("it-1"), base64_of("secret")),
    (EHLO, b"AUTH PLAIN " + base64_of("", "it-1", "wrong")),
    (EHLO, b"AUTH FOO"),
    (EHLO, b"AUTH PLAIN not=base64"),
    (b"AUTH PLAIN AA==",),
    (b"VRFY anne@example.com",),
    (EHLO, MAIL, b"RCPT TO:<b\xc3\xa4rt@example.com>"),
]
#: (conversation, aiosmtpd's last code, ours, why)
DIFFERENT: list[tuple[tuple[bytes, ...], int, int, str]] = [
    ((EHLO, b"AUTH"), 501, 504, "no mechanism is none that we know"),
    ((b"QUIT oops",), 501, 221, "who wants to go may go"),
    ((b"HELP",), 250, 214, "the code that RFC 5321 has for help"),
    ((EHLO, b"VRFY"), 501, 252, "there is nothing that VRFY could say about anything"),
    ((EHLO, b"MAIL FROM:<anne>"), 250, 250, "the log says what is wrong with an address"),
    ((EHLO, MAIL, b"RCPT TO:<bart@>"), 553, 250, "the log says what is wrong with an address"),
    ((EHLO, MAIL, b"RCPT TO:bart@example.com FOO"), 555, 555, "without angle brackets too"),
    ((HELO, b"MAIL FROM:<anne@example.com> SIZE=10000"), 501, 250, "parameters say more than HELO"),
    ((HELO, LOGIN), 500, 235, "help desks' clients say HELO and log in"),
    ((EHLO, b"STARTTLS"), 454, 502, "without a certificate it is not there, and not just for the moment"),
]


class Handler:
    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        return "250 OK"


def of_aiosmtpd(lines: tuple[bytes, ...]) -> list[int]:
    def check(server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"secret", handled=False)

    async def converse() -> list[int]:
        loop = asyncio.get_running_loop()

        def made() -> SMTP:
            return SMTP(
                Handler(), enable_SMTPUTF8=True, hostname="door.example", loop=loop, authenticator=check,
                auth_require_tls=False,
            )  # fmt: skip

        server = await loop.create_server(made, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        codes, in_mail = [await _code(reader)], False
        for line in lines:
            writer.write(line + b"\r\n")
            if not in_mail or line == b".":
                codes.append(await _code(reader))
                in_mail = codes[-1] == 354
        writer.close()
        server.close()
        await asyncio.sleep(0.02)
        return codes[1:]

    return asyncio.run(converse())


async def _code(reader: asyncio.StreamReader) -> int:
    while True:
        line = await asyncio.wait_for(reader.readline(), 10)
        if line[3:4] != b"-":
            return int(line[:3])


def of_the_door(lines: tuple[bytes, ...]) -> list[int]:
    conversation, line = talk(FakeLine())
    for one in lines:
        conversation.feed(one + b"\r\n")
        if conversation.waiting:
            good = line.logins[-1] == ("it-1", "secret")
            conversation.logged_in(GRANT if good else None, Reply(535, "5.7.8 no"))
    return line.codes


@pytest.mark.parametrize("lines", SAME, ids=repr)
def test_where_aiosmtpd_and_the_door_agree(lines: tuple[bytes, ...]) -> None:
    assert of_the_door(lines) == of_aiosmtpd(lines)


@pytest.mark.parametrize(("lines", "theirs", "ours", "why"), DIFFERENT, ids=repr)
def test_where_the_door_differs_on_purpose(lines: tuple[bytes, ...], theirs: int, ours: int, why: str) -> None:
    assert (of_aiosmtpd(lines)[-1], of_the_door(lines)[-1]) == (theirs, ours), why
