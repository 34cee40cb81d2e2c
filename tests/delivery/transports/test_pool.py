"""Connections are kept, used again, reset, retired and never too many."""

from __future__ import annotations

import asyncio

import pytest

from tests.delivery.transports.scripted import HANG_UP, MAIL, SENDER, SILENCE, ScriptedServer, converse, one_mail
from undelivered.delivery.outcomes import Accepted, Outcome, Refused
from undelivered.delivery.transports.pool import MAILS_PER_CONNECTION
from undelivered.delivery.transports.smtp import SmtpTransport

pytestmark = pytest.mark.usefixtures("both_loops")


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
        transport.pool.sweep()
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
