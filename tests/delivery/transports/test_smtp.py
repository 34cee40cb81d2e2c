"""What every reply, silence and loss at every stage of a transaction means."""

from __future__ import annotations

import pytest

from tests.delivery.transports.scripted import (
    HANG_UP,
    MAIL,
    SENDER,
    SILENCE,
    ScriptedServer,
    converse,
    one_mail,
    outcome_with,
    run,
    settings,
)
from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports.connection import Connection
from undelivered.delivery.transports.smtp import SmtpTransport
from undelivered.ops.rehearsal import RehearsalServer

pytestmark = pytest.mark.usefixtures("both_loops")


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
    async def conversation() -> Outcome:
        server = ScriptedServer()
        port = await server.start()
        await server.stop()
        return await one_mail(SmtpTransport(settings(port)))

    outcome = run(conversation())
    assert isinstance(outcome, Unreachable)
    assert not outcome.our_fault
    assert outcome.reply.endswith("Connection refused")


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


def test_a_large_mail_arrives_byte_for_byte() -> None:
    content = b"Subject: large\r\n\r\n" + b".0123456789\r\n" * 60_000

    async def conversation() -> tuple[Outcome, bytes]:
        server = RehearsalServer()
        transport = SmtpTransport(settings(await server.start()))
        outcome = await transport.send(SENDER, "ann@shop.example", content)
        await transport.close()
        await server.stop()
        return outcome, server.inbox()[0].content

    outcome, arrived = run(conversation())
    assert isinstance(outcome, Accepted)
    assert arrived == content


def test_even_an_error_that_nobody_thought_of_becomes_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Connection, *words: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Connection, "message", broken)
    outcome = outcome_with()
    assert isinstance(outcome, TryLater)
    assert "mistake" not in outcome.reply
