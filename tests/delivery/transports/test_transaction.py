"""PIPELINING: commands in one go, every refusal in the group, and servers that do not keep to what they offer."""

from __future__ import annotations

import asyncio
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
    one_mail,
    outcome_with,
)
from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown
from undelivered.delivery.transports import smtp, transaction
from undelivered.delivery.transports.smtp import SmtpTransport

pytestmark = pytest.mark.usefixtures("both_loops")


def server_with(**answers: bytes) -> ScriptedServer:
    return ScriptedServer(**{"EHLO": PIPELINING, **answers})


def words(lines: list[str]) -> list[str]:
    return [line.partition(" ")[0] for line in lines]


async def three_mails(transport: SmtpTransport) -> list[Outcome]:
    return [await one_mail(transport) for _ in range(3)]


def test_mail_rcpt_and_data_are_said_in_one_go() -> None:
    outcome = outcome_with(EHLO=PIPELINING)
    assert isinstance(outcome, Accepted)
    assert outcome.dialogue[7:] == (
        f"→ MAIL FROM:<{SENDER}> SIZE={len(MAIL)}",
        "→ RCPT TO:<ann@shop.example>",
        "→ DATA",
        "250 2.1.0 Ok",
        "250 2.1.5 Ok",
        "354 Go ahead",
        f"→ (the mail, {len(MAIL)} bytes)",
        "→ .",
        "250 2.0.0 Ok: queued",
    )


@pytest.mark.parametrize(
    ("answers", "kind", "stage", "code"),
    [
        ({"MAIL": b"550 5.1.8 No\r\n", "RCPT": b"503 No\r\n", "DATA": b"503 No\r\n"}, Refused, Stage.MAIL, 550),
        ({"MAIL": b"451 4.3.0 Later\r\n", "RCPT": b"503 No\r\n", "DATA": b"503 No\r\n"}, TryLater, Stage.MAIL, 451),
        ({"MAIL": b"421 4.3.0 Later\r\n"}, TryLater, Stage.MAIL, 421),
        ({"RCPT": b"550 5.1.1 No\r\n", "DATA": b"554 No valid recipients\r\n"}, Refused, Stage.RCPT, 550),
        ({"RCPT": b"452 4.2.2 Full\r\n", "DATA": b"503 No\r\n"}, TryLater, Stage.RCPT, 452),
        ({"RCPT": b"421 4.3.2 Busy\r\n"}, TryLater, Stage.RCPT, 421),
        ({"DATA": b"554 5.7.1 No\r\n"}, Refused, Stage.DATA, 554),
        ({"DATA": b"451 4.7.0 Later\r\n"}, TryLater, Stage.DATA, 451),
        ({"DATA": b"421 4.7.0 Later\r\n"}, TryLater, Stage.DATA, 421),
        ({"dot": b"554 5.7.1 Spam\r\n"}, Refused, Stage.AFTER_DOT, 554),
        ({"dot": b"421 4.3.1 Disk full\r\n"}, TryLater, Stage.AFTER_DOT, 421),
        ({"dot": HANG_UP}, Unknown, Stage.AFTER_DOT, None),
        ({"MAIL": HANG_UP}, TryLater, Stage.MAIL, None),
        ({"RCPT": HANG_UP}, TryLater, Stage.RCPT, None),
        ({"DATA": HANG_UP}, TryLater, Stage.DATA, None),
        ({"RCPT": b"<html>\r\n"}, Unknown, Stage.RCPT, None),
    ],
)
def test_the_first_refusal_of_a_group_decides(
    answers: dict[str, bytes], kind: type[Outcome], stage: Stage, code: int | None
) -> None:
    server = server_with(**answers)
    outcome = outcome_with(server)
    assert type(outcome) is kind
    assert (outcome.stage, outcome.code) == (stage, code)
    assert len(server.mails) == (stage is Stage.AFTER_DOT)


def test_data_that_is_granted_to_a_refused_recipient_is_ended_by_a_lone_dot() -> None:
    server = server_with(dot=b"554 5.5.1 No valid recipients\r\n")
    server.queued["RCPT"] = [b"550 5.1.1 No such user\r\n"]
    server.queued["."] = [b"250 2.0.0 Ok: queued\r\n"]  # even so: that was no mail

    async def two(transport: SmtpTransport) -> list[Outcome]:
        first = await one_mail(transport)
        server.answers["."] = b"250 2.0.0 Ok\r\n"
        return [first, await one_mail(transport)]

    first, second = converse(server, two)
    assert isinstance(first, Refused)
    assert (first.stage, first.enhanced) == (Stage.RCPT, "5.1.1")
    assert isinstance(second, Accepted)
    assert server.mails == [b".\r\n", MAIL.replace(b"\r\n.", b"\r\n..") + b".\r\n"]
    assert len(server.lines) == 1


def test_a_reset_goes_along_with_the_next_mail_and_only_where_it_is_needed() -> None:
    server = server_with()
    server.queued["MAIL"] = [b"550 5.1.8 Not you\r\n"]
    server.queued["RCPT"] = [b"503 5.5.1 MAIL first\r\n", b"550 5.1.1 No\r\n", b"250 Ok\r\n"]
    server.queued["DATA"] = [b"503 5.5.1 MAIL first\r\n", b"503 5.5.1 RCPT first\r\n", b"354 Go\r\n"]

    async def four(transport: SmtpTransport) -> list[Outcome]:
        return [*await three_mails(transport), await one_mail(transport)]

    outcomes = converse(server, four)
    assert [type(outcome) for outcome in outcomes] == [Refused, Refused, Accepted, Accepted]
    (lines,) = server.lines
    group = ["MAIL", "RCPT", "DATA"]
    assert words(lines) == ["EHLO", *group, "RSET", *group, "RSET", *group, *group, "QUIT"]


def test_a_connection_is_not_kept_after_421() -> None:
    server = server_with()
    server.queued["RCPT"] = [b"421 4.7.0 Enough\r\n"]

    async def two(transport: SmtpTransport) -> list[Outcome]:
        return [await one_mail(transport), await one_mail(transport)]

    assert [type(outcome) for outcome in converse(server, two)] == [TryLater, Accepted]
    assert len(server.lines) == 2


@pytest.mark.parametrize("answer", [HANG_UP, b"421 4.4.2 Too many mails\r\n"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_kept_connection_that_ends_before_the_mail_is_sent_is_replaced(stage: str, answer: bytes) -> None:
    server = server_with()
    server.queued[stage] = [server.answers[stage], answer]

    async def two(transport: SmtpTransport) -> list[Outcome]:
        return [await one_mail(transport), await one_mail(transport)]

    assert [type(outcome) for outcome in converse(server, two)] == [Accepted, Accepted]
    assert len(server.mails) == 2


class Forgetful(ScriptedServer):
    """Offers PIPELINING, and throws away what comes while it is thinking."""

    async def read_line(self, reader: asyncio.StreamReader) -> bytes:
        if not (said := await reader.read(65536)):
            raise ConnectionResetError
        return said.partition(b"\r\n")[0]


class Touchy(ScriptedServer):
    """Offers PIPELINING, and does `with_that` to those who use it."""

    with_that = HANG_UP

    async def read_line(self, reader: asyncio.StreamReader) -> bytes:
        said = await reader.read(65536)
        if said.count(b"\r\n") > 1:
            self.queued.setdefault("MAIL", []).insert(0, self.with_that)
            if self.with_that != HANG_UP:
                self.queued.setdefault("QUIT", []).append(HANG_UP)
            return b"MAIL\r\n"
        if not said:
            raise ConnectionResetError
        return said


@pytest.mark.parametrize(
    "with_that",
    [
        HANG_UP,
        b"503 5.5.0 Error: improper command pipelining\r\n",
        b"554 SMTP synchronization error\r\n",
        b"250 Ok\r\n354 Go ahead\r\n250 Ok\r\n",
        b"354 Go ahead\r\n250 Ok\r\n250 Ok\r\n",
        b"250 Ok\r\n250 Ok\r\n250 Ok\r\n",
        b"250 Ok\r\n503 5.5.1 One at a time\r\n503 5.5.1 One at a time\r\n",
        b"250 Ok\r\n250 Ok\r\n354 Go\r\n250 Ok: queued\r\n",
    ],
)
def test_a_server_that_lies_about_pipelining_is_spoken_to_step_by_step_from_then_on(with_that: bytes) -> None:
    server = Touchy(EHLO=PIPELINING)
    server.with_that = with_that
    outcomes = converse(server, three_mails)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert len(server.mails) == 3
    assert [words(lines)[-1] for lines in server.lines] == ["MAIL", "QUIT"]
    assert "(the server does not keep to the PIPELINING that it offers; again, step by step)" in outcomes[0].dialogue
    assert "(on an open connection)" in outcomes[1].dialogue


def test_a_server_that_forgets_what_came_too_early_is_noticed_by_its_silence() -> None:
    server = Forgetful(EHLO=PIPELINING)
    outcomes = converse(server, three_mails, timeout_s=0.6)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert len(server.lines) == 2


def test_a_server_that_has_kept_step_is_given_the_time_it_needs() -> None:
    server = server_with()

    async def two(transport: SmtpTransport) -> list[Outcome]:
        first = await one_mail(transport)
        server.queued["RCPT"] = server.queued["DATA"] = [SILENCE, SILENCE]
        return [first, await one_mail(transport)]

    first, second = converse(server, two, timeout_s=0.3)
    assert isinstance(first, Accepted)
    assert (type(second), second.stage) == (TryLater, Stage.RCPT)
    assert len(server.lines) == 1


def test_a_liar_is_given_another_chance_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "STEP_BY_STEP_S", 0.0)
    server = Touchy(EHLO=PIPELINING)
    outcome = converse(server, one_mail)
    assert isinstance(outcome, TryLater)  # at once, here: it lies again


def test_the_rest_of_a_refused_groups_replies_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "CATCH_UP_S", 0.05)
    server = server_with(RCPT=b"550 5.1.1 No such user\r\n", DATA=SILENCE)

    async def two(transport: SmtpTransport) -> list[Outcome]:
        return [await one_mail(transport), await one_mail(transport)]

    outcomes = converse(server, two)
    assert [(type(outcome), outcome.code) for outcome in outcomes] == [(Refused, 550)] * 2
    assert len(server.lines) == 2


@pytest.mark.parametrize("then", [b"250 Ok\r\n", b"354 Go ahead\r\n"])
def test_a_server_that_refuses_the_sender_and_goes_on_is_left(then: bytes) -> None:
    server = server_with(MAIL=b"550 5.1.8 Not you\r\n", RCPT=then, DATA=then)
    outcomes = converse(server, three_mails)
    assert {(type(outcome), outcome.stage) for outcome in outcomes} == {(Refused, Stage.MAIL)}
    assert len(server.lines) == 3
    assert server.mails == []


def test_data_that_is_answered_by_250_is_no_delivery() -> None:
    outcome: Any = outcome_with(DATA=b"250 Ok\r\n")
    assert (type(outcome), outcome.stage) == (TryLater, Stage.DATA)


def test_many_mails_at_once_keep_apart_what_is_said_to_each() -> None:
    server = server_with()

    async def many(transport: SmtpTransport) -> list[Outcome]:
        mails = (transport.send(SENDER, f"ann{n}@shop.example", b"Subject: %d\r\n" % n * 3000) for n in range(60))
        return await asyncio.gather(*mails)

    outcomes = converse(server, many, max_connections=4)
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len(set(server.mails)) == 60
    for n, outcome in enumerate(outcomes):
        assert f"→ RCPT TO:<ann{n}@shop.example>" in outcome.dialogue
    assert len(server.lines) <= 4
