"""A mail's transaction begun behind the last dot of the mail before it: only where that is safe, and never at the cost
of either mail."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from tests.delivery.transports.scripted import (
    HANG_UP,
    MAIL,
    PIPELINING,
    SENDER,
    SILENCE,
    ScriptedServer,
    converse,
    run,
    settings,
)
from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown
from undelivered.delivery.transports import Lane, Parcel, ahead
from undelivered.delivery.transports.pool import MAILS_PER_CONNECTION
from undelivered.delivery.transports.smtp import SmtpTransport

pytestmark = pytest.mark.usefixtures("both_loops")

BEHIND = "(on an open connection, behind the dot of the mail before it)"
#: The first mail shows that the provider is quick, so that the third is the first to be begun behind another.
FIRST_BEGUN = 2


class Server(ScriptedServer):
    """Notes what had come behind each mail by the time that its dot was read."""

    def __init__(self, **answers: bytes) -> None:
        super().__init__(**{"EHLO": PIPELINING, **answers})
        self.behind: list[bytes] = []

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().read_mail(reader, writer)
        self.behind.append(bytes(reader._buffer))  # type: ignore[attr-defined]


class Forgetful(Server):
    """Throws away what comes behind a dot."""

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().read_mail(reader, writer)
        reader._buffer.clear()  # type: ignore[attr-defined]


class Strict(Server):
    """Takes the mail, and hangs up on who says more before the answer."""

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().read_mail(reader, writer)
        if self.behind[-1]:
            writer.write(b"250 2.0.0 Ok\r\n")
            await writer.drain()
            raise ConnectionError


def parcels(n: int) -> list[Parcel]:
    return [Parcel(SENDER, f"ann{number}@shop.example", MAIL) for number in range(n)]


async def in_a_lane(transport: SmtpTransport, mails: Sequence[Parcel]) -> list[Outcome]:
    waiting = deque(mails)
    lane = Lane(lambda: waiting[0] if waiting else None)
    outcomes = []
    while waiting:
        mail = waiting.popleft()
        outcomes.append(await transport.send(*mail[:3], smtputf8=mail.smtputf8, lane=lane))
    lane.drop()
    return outcomes


def sent(server: ScriptedServer, mails: Sequence[Parcel], **changes: Any) -> list[Any]:
    outcomes: list[Any] = converse(server, lambda transport: in_a_lane(transport, mails), **changes)
    return outcomes


def begun(outcomes: Sequence[Any]) -> list[int]:
    return [number for number, outcome in enumerate(outcomes) if BEHIND in outcome.dialogue]


def kinds(outcomes: Sequence[Any]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def test_the_next_mail_is_begun_behind_the_dot() -> None:
    server = Server()
    outcomes = sent(server, parcels(5))
    assert kinds(outcomes) == [Accepted] * 5
    assert begun(outcomes) == [2, 3, 4]
    assert len(server.mails) == 5
    (lines,) = server.lines
    assert [line for line in lines if line.startswith("RCPT")] == [f"RCPT TO:<ann{n}@shop.example>" for n in range(5)]
    assert [bool(more) for more in server.behind] == [False, True, True, True, False]
    assert server.behind[1].startswith(b"MAIL FROM:<")
    assert server.behind[1].endswith(b"DATA\r\n")


def test_its_dialogue_is_its_own() -> None:
    outcomes = sent(Server(), parcels(4))
    third = outcomes[FIRST_BEGUN].dialogue
    assert third[0] == BEHIND
    assert third[1].startswith("→ MAIL FROM")
    assert third[2] == "→ RCPT TO:<ann2@shop.example>"
    assert third[-1] == "250 2.0.0 Ok: queued"
    assert "ann2" not in " ".join(outcomes[1].dialogue)
    assert outcomes[FIRST_BEGUN].stage is Stage.AFTER_DOT


def test_a_refused_recipient_costs_the_others_nothing() -> None:
    server = Server()
    server.queued["RCPT"] = [b"250 Ok\r\n"] * 2 + [b"550 5.1.1 Nobody\r\n"]
    server.queued["DATA"] = [b"354 Go on\r\n"] * 2 + [b"503 5.5.1 No recipient\r\n"]
    outcomes = sent(server, parcels(5))
    assert kinds(outcomes) == [Accepted, Accepted, Refused, Accepted, Accepted]
    assert (outcomes[2].enhanced, outcomes[2].stage) == ("5.1.1", Stage.RCPT)
    assert len(server.lines) == 1
    assert len(server.mails) == 4


@pytest.mark.parametrize("answer", [b"554 5.7.1 Spam\r\n", b"451 4.7.1 Later\r\n"])
def test_a_mail_that_is_refused_at_its_dot_costs_the_next_one_nothing_but_the_connection(answer: bytes) -> None:
    server = Server()
    server.queued["."] = [b"250 Ok\r\n", answer]
    outcomes = sent(server, parcels(5))
    assert kinds(outcomes) == [Accepted, Refused if answer.startswith(b"5") else TryLater, *[Accepted] * 3]
    assert begun(outcomes) == [4]
    assert len(server.lines) == 2
    assert len(server.mails) == 5


def test_a_provider_that_refuses_all_mails_at_their_dots_is_not_met_again_and_again() -> None:
    server = Server(dot=b"451 4.7.1 Later\r\n")
    outcomes = sent(server, parcels(10))
    assert kinds(outcomes) == [TryLater] * 10
    assert begun(outcomes) == []
    assert len(server.lines) == 1


@pytest.mark.parametrize("stray", [b"500 5.5.2 What?\r\n", b"503 5.5.1 Nested MAIL\r\n", b"502 5.5.1 No\r\n"])
def test_a_reply_that_is_out_of_order_refuses_no_mail(stray: bytes) -> None:
    server = Server()
    server.queued["MAIL"] = [b"250 Ok\r\n"] * 2 + [stray]
    outcomes = sent(server, parcels(5))
    assert kinds(outcomes) == [Accepted] * 5
    assert begun(outcomes) == [FIRST_BEGUN]
    assert len(server.lines) == 2


def test_a_connection_that_is_lost_after_the_dot_leaves_one_mail_unknown_and_the_next_goes_elsewhere() -> None:
    server = Server()
    server.queued["."] = [b"250 Ok\r\n", HANG_UP]
    outcomes = sent(server, parcels(4))
    assert kinds(outcomes) == [Accepted, Unknown, Accepted, Accepted]
    assert not outcomes[1].final
    assert len(server.lines) == 2


def test_a_provider_that_ends_the_connection_at_the_dot_gets_the_next_mail_on_a_new_one() -> None:
    server = Server()
    server.queued["."] = [b"250 Ok\r\n", b"421 4.7.0 Too many\r\n"]
    outcomes = sent(server, parcels(4))
    assert kinds(outcomes) == [Accepted, TryLater, Accepted, Accepted]
    assert len(server.lines) == 2
    assert len(server.mails) == 4


def test_a_provider_that_ends_it_before_the_next_mail_gets_that_on_a_new_one() -> None:
    server = Server()
    server.queued["MAIL"] = [b"250 Ok\r\n"] * 2 + [b"421 4.3.2 Closing\r\n"]
    outcomes = sent(server, parcels(4))
    assert kinds(outcomes) == [Accepted] * 4
    assert len(server.lines) == 2


def test_what_dies_behind_the_dot_is_tried_elsewhere_within_the_attempt() -> None:
    server = Server()
    server.queued["MAIL"] = [b"250 Ok\r\n"] * 2 + [HANG_UP]
    outcomes = sent(server, parcels(4))
    assert kinds(outcomes) == [Accepted] * 4
    assert len(server.lines) == 2
    assert len(server.mails) == 4


@pytest.mark.parametrize("server", [Forgetful, Strict])
def test_a_server_that_loses_what_is_behind_a_dot_is_asked_again_and_not_tempted_again(server: type[Server]) -> None:
    one = server()
    outcomes = sent(one, parcels(6), timeout_s=0.6)
    assert kinds(outcomes) == [Accepted] * 6
    assert begun(outcomes) == [FIRST_BEGUN]
    assert len(one.mails) == 6
    assert len(one.lines) == 2


def test_a_server_that_took_it_once_may_fail_once() -> None:
    server = Server()
    server.queued["MAIL"] = [b"250 Ok\r\n"] * 3 + [HANG_UP]
    outcomes = sent(server, parcels(7))
    assert kinds(outcomes) == [Accepted] * 7
    assert begun(outcomes) == [2, 3, 4, 5, 6]


def test_a_server_that_took_it_and_forgets_it_later_is_not_tempted_again() -> None:
    server = Server()
    for command, answer in (("MAIL", b"250 Ok\r\n"), ("RCPT", b"250 Ok\r\n"), ("DATA", b"354 Go on\r\n")):
        server.queued[command] = [answer] * 3 + [SILENCE]
    outcomes = sent(server, parcels(7), timeout_s=0.6)
    assert kinds(outcomes) == [Accepted] * 7
    assert begun(outcomes) == [2, 3]
    assert len(server.lines) == 2


def test_a_connection_of_another_server_behind_the_same_name_that_offers_no_pipelining_gets_none() -> None:
    server = Server()
    server.queued["EHLO"] = [PIPELINING, b"250-mx2.shop.example\r\n250 8BITMIME\r\n"]
    server.queued["MAIL"] = [b"250 Ok\r\n"] * 2 + [HANG_UP]
    outcomes = sent(server, parcels(6))
    assert kinds(outcomes) == [Accepted] * 6
    assert begun(outcomes) == [FIRST_BEGUN]
    assert len(server.lines) == 2


def test_behind_a_dot_that_gets_no_answer_no_more_mails_wait() -> None:
    server = Server()
    server.queued["."] = [b"250 Ok\r\n", HANG_UP]

    async def work(transport: SmtpTransport) -> bool:
        waiting = parcels(3)
        lane = Lane(lambda: waiting[2])
        for mail in waiting[:2]:
            await transport.send(*mail[:3], lane=lane)
        return lane.quick

    assert converse(server, work) is False


def test_without_pipelining_nothing_is_begun() -> None:
    server = Server(EHLO=b"250-mx.shop.example\r\n250 8BITMIME\r\n")
    outcomes = sent(server, parcels(4))
    assert kinds(outcomes) == [Accepted] * 4
    assert begun(outcomes) == []
    assert not any(server.behind)


def test_behind_a_provider_that_thinks_it_over_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("undelivered.delivery.transports.attempt.QUICK_S", 0.0)
    outcomes = sent(Server(), parcels(4))
    assert kinds(outcomes) == [Accepted] * 4
    assert begun(outcomes) == []
    assert ahead.QUICK_S < 1


def test_a_mail_that_is_not_sent_after_all_is_not_sent() -> None:
    server = Server()

    async def work(transport: SmtpTransport) -> None:
        lane = Lane(lambda: Parcel(SENDER, "never@shop.example", MAIL))
        for mail in parcels(2):
            await transport.send(*mail[:3], lane=lane)
        assert lane.begun is not None
        lane.drop()
        assert lane.begun is None

    converse(server, work)
    assert len(server.mails) == 2
    assert not any(b"never" in mail for mail in server.mails)


def test_if_another_mail_comes_it_goes_on_a_connection_of_its_own() -> None:
    server = Server()

    async def work(transport: SmtpTransport) -> list[Outcome]:
        lane = Lane(lambda: Parcel(SENDER, "never@shop.example", MAIL))
        outcomes = [await transport.send(*mail[:3], lane=lane) for mail in parcels(3)]
        lane.drop()
        return outcomes

    outcomes = converse(server, work)
    assert kinds(outcomes) == [Accepted] * 3
    assert len(server.mails) == 3
    assert server.lines[1][2] == "RCPT TO:<ann2@shop.example>"


def test_more_lanes_than_connections_make_no_more_connections() -> None:
    server = Server()

    async def work(transport: SmtpTransport) -> list[list[Outcome]]:
        return await asyncio.gather(*(in_a_lane(transport, parcels(12)) for _ in range(5)))

    lanes = converse(server, work, max_connections=2)
    assert [kinds(outcomes) for outcomes in lanes] == [[Accepted] * 12] * 5
    assert any(map(begun, lanes))
    assert len(server.mails) == 60
    assert len(server.lines) == 2


def test_a_mail_that_is_dropped_leaves_its_place_to_others() -> None:
    server = Server()

    async def work(transport: SmtpTransport) -> Outcome:
        lane = Lane(lambda: Parcel(SENDER, "never@shop.example", MAIL))
        for mail in parcels(2):
            await transport.send(*mail[:3], lane=lane)
        lane.drop()
        async with asyncio.timeout(5):
            return await transport.send(SENDER, "ann@shop.example", MAIL)

    assert isinstance(converse(server, work, max_connections=1), Accepted)


def test_a_lane_of_one_provider_begins_nothing_at_another() -> None:
    one, other = Server(), Server()

    async def work() -> list[Outcome]:
        first, second = SmtpTransport(settings(await one.start())), SmtpTransport(settings(await other.start()))
        waiting = parcels(3)
        lane = Lane(lambda: waiting[2])
        outcomes = [await first.send(*mail[:3], lane=lane) for mail in waiting[:2]]
        outcomes.append(await second.send(*waiting[2][:3], lane=lane))
        lane.drop()
        for transport, server in ((first, one), (second, other)):
            await transport.close()
            await server.stop()
        return outcomes

    assert kinds(run(work())) == [Accepted] * 3
    assert (len(one.mails), len(other.mails)) == (2, 1)


def test_a_mail_that_the_provider_has_said_it_would_refuse_is_not_begun() -> None:
    server = Server(EHLO=PIPELINING.replace(b"100000000", b"500"))
    mails = parcels(5)
    mails[3] = mails[3]._replace(message=MAIL + b"x" * 1000 + b"\r\n")
    outcomes = sent(server, mails)
    assert kinds(outcomes) == [Accepted, Accepted, Accepted, Refused, Accepted]
    assert outcomes[3].enhanced == "5.3.4"
    assert 3 not in begun(outcomes)
    assert len(server.lines) == 1


def test_a_mail_beyond_ascii_says_so_behind_the_dot_too() -> None:
    server = Server(EHLO=PIPELINING.replace(b"250 8BITMIME", b"250-8BITMIME\r\n250 SMTPUTF8"))
    mails = parcels(4)
    mails[2] = Parcel(SENDER, "jürgen@shop.example", MAIL, smtputf8=True)
    outcomes = sent(server, mails)
    assert kinds(outcomes) == [Accepted] * 4
    assert 2 in begun(outcomes)
    assert any(line.startswith("MAIL") and line.endswith("SMTPUTF8") for line in server.lines[0])


def test_connections_are_retired_as_ever() -> None:
    server = Server()
    outcomes = sent(server, parcels(MAILS_PER_CONNECTION + 5))
    assert kinds(outcomes) == [Accepted] * (MAILS_PER_CONNECTION + 5)
    carried = [sum(line.startswith("MAIL") for line in lines) for lines in server.lines]
    assert carried == [MAILS_PER_CONNECTION, 5]


def test_the_text_of_large_mails_is_followed_by_the_next_one_too() -> None:
    server = Server()
    large = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 4000
    mails = [Parcel(SENDER, f"ann{n}@shop.example", large) for n in range(4)]
    outcomes = sent(server, mails)
    assert kinds(outcomes) == [Accepted] * 4
    assert begun(outcomes) == [2, 3]
    assert [len(mail) for mail in server.mails] == [len(large) + 3] * 4
