"""The rehearsal mail server, over real SMTP on loopback."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

import pytest

from undelivered.ops.rehearsal import ANSWERS, RehearsalServer, answer_for

MAIL = (
    b"From: desk@it.example\r\nTo: ann@shop.example\r\nSubject: [IT-12] Printer\r\n"
    b"Message-ID: <m1@it.example>\r\n\r\nHello\r\n"
)
SENDER = "b-x@bounces.it.example"

AT_RCPT = {
    "no-such-user": (550, "5.1.1"),
    "mailbox-full": (452, "4.2.2"),
    "disabled": (550, "5.2.1"),
    "too-big": (552, "5.3.4"),
    "busy": (421, "4.3.2"),
    "greylist": (451, "4.7.1"),
    "550-5.7.1": (550, "5.7.1"),
    "451-4.3.0": (451, "4.3.0"),
    "No-Such-User": (550, "5.1.1"),
}
AFTER_DOT = {"spam": (554, "5.7.1"), "policy": (550, "5.7.26")}


def rehearse(
    talk: Callable[[smtplib.SMTP], object],
    *,
    before_stop: Callable[[RehearsalServer], Awaitable[object]] | None = None,
    **settings: object,
) -> RehearsalServer:
    """Run the server, let `talk` speak to it from a thread, and give the stopped server back."""

    async def run() -> RehearsalServer:
        server = RehearsalServer(delay_s=0, slow_s=0, **settings)  # type: ignore[arg-type]
        port = await server.start()

        def session() -> None:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="it.example", timeout=10) as client:
                client.ehlo()
                talk(client)

        try:
            await asyncio.to_thread(session)
            await server.settle()
            if before_stop is not None:
                await before_stop(server)
        finally:
            await server.stop()
        return server

    return asyncio.run(run())


def sent(client: smtplib.SMTP, recipient: str, content: bytes = MAIL) -> tuple[int, str]:
    """One transaction; the reply that decided it."""
    client.mail(SENDER)
    code, text = client.rcpt(recipient)
    if code == 250:
        code, text = client.data(content)
    elif code != 421:
        client.rset()
    return code, text.decode()


@pytest.mark.parametrize(("tag", "reply"), (AT_RCPT | AFTER_DOT).items())
def test_the_tag_picks_the_reply(tag: str, reply: tuple[int, str]) -> None:
    def talk(client: smtplib.SMTP) -> None:
        code, text = sent(client, f"ann+{tag}@shop.example")
        assert (code, text.split()[0]) == reply

    assert rehearse(talk).inbox() == []


@pytest.mark.parametrize(
    "address", ["ann@shop.example", "ann+ok@shop.example", "ann+family@x.example.com", "a@example.org"]
)
def test_no_tag_or_an_unknown_one_is_accepted_and_kept(address: str) -> None:
    def accepted(client: smtplib.SMTP) -> None:
        assert sent(client, address)[0] == 250

    (mail,) = rehearse(accepted).inbox(address.upper())
    assert (mail.envelope_from, mail.recipient, mail.content) == (SENDER, address, MAIL)
    assert mail.message()["Subject"] == "[IT-12] Printer"


@pytest.mark.parametrize("address", ["ann@elsewhere.test", "ann@example", "ann@notexample.com", "ann@shop.example.edu"])
def test_mail_for_any_other_domain_is_refused(address: str) -> None:
    def talk(client: smtplib.SMTP) -> None:
        code, text = sent(client, address)
        assert (code, text.split()[0]) == (550, "5.7.1")
        assert "rehearsal only" in text

    rehearse(talk)


def test_a_greylisted_address_is_let_in_at_the_third_try() -> None:
    def talk(client: smtplib.SMTP) -> None:
        codes = [sent(client, "ann+greylist@shop.example")[0] for _ in range(4)]
        assert codes == [451, 451, 250, 250]
        assert sent(client, "max+greylist@shop.example")[0] == 451

    rehearse(talk)


def test_garbage_is_no_smtp_reply() -> None:
    def talk(client: smtplib.SMTP) -> None:
        client.mail(SENDER)
        client.putcmd("rcpt", "TO:<ann+garbage@shop.example>")
        assert client.file is not None
        line = client.file.readline()
        assert not line[:3].isdigit()
        assert line.endswith(b"\r\n")

    rehearse(talk)


def test_the_connection_is_dropped_after_the_dot_without_a_word() -> None:
    def talk(client: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            sent(client, "ann+drop-after-data@shop.example")

    assert rehearse(talk).inbox() == []


def test_a_busy_server_hangs_up() -> None:
    def talk(client: smtplib.SMTP) -> None:
        assert sent(client, "ann+busy@shop.example")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.docmd("NOOP")

    rehearse(talk)


def test_a_slow_server_accepts_in_the_end() -> None:
    assert rehearse(lambda client: sent(client, "ann+slow@shop.example")).inbox("ann+slow@shop.example")


def test_one_refused_recipient_does_not_spoil_the_next() -> None:
    def talk(client: smtplib.SMTP) -> None:
        assert sent(client, "ann+no-such-user@shop.example")[0] == 550
        assert sent(client, "max@shop.example")[0] == 250

    assert [mail.recipient for mail in rehearse(talk).inbox()] == ["max@shop.example"]


def test_one_connection_too_many_is_told_421_and_not_500() -> None:
    def talk(client: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPConnectError) as refusal:
            smtplib.SMTP(client.sock.getpeername()[0], client.sock.getpeername()[1], timeout=10)  # type: ignore[union-attr]
        assert refusal.value.smtp_code == 421

    rehearse(talk, max_connections=1)


def test_an_inner_error_asks_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: RehearsalServer, *args: object) -> None:
        raise RuntimeError("no memory for this")

    monkeypatch.setattr(RehearsalServer, "accept", broken)

    def talk(client: smtplib.SMTP) -> None:
        code, text = sent(client, "ann@shop.example")
        assert code == 451
        assert "memory" not in text

    rehearse(talk)


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def parts_of(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.iter_parts()]


@pytest.mark.parametrize(
    ("tag", "action", "status"),
    [("later-bounce", "failed", "5.1.1"), ("later-full", "failed", "5.2.2"), ("later-delay", "delayed", "4.4.1")],
)
def test_an_accepted_mail_comes_back_as_a_delivery_status_notification(tag: str, action: str, status: str) -> None:
    server = rehearse(lambda client: sent(client, f"ann+{tag}@shop.example"))
    (report,) = server.returned
    message = read(report.content)
    assert (report.to, report.delivered) == (SENDER, False)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert parts_of(message) == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    fields = list(message.iter_parts())[1].get_payload()[1]  # type: ignore[index]
    assert isinstance(fields, Message)
    assert fields["Action"] == action
    assert fields["Status"] == status
    assert fields["Final-Recipient"] == f"rfc822; ann+{tag}@shop.example"
    assert b"Message-ID: <m1@it.example>" in report.content


def test_a_complaint_carries_the_whole_mail() -> None:
    (report,) = rehearse(lambda client: sent(client, "ann+complaint@shop.example")).returned
    message = read(report.content)
    assert message.get_param("report-type") == "feedback-report"
    assert parts_of(message) == ["text/plain", "message/feedback-report", "message/rfc822"]
    assert b"Feedback-Type: abuse\r\n" in report.content
    assert MAIL in report.content


def test_an_absence_note_answers_the_mail() -> None:
    (report,) = rehearse(lambda client: sent(client, "ann+out-of-office@shop.example")).returned
    message = read(report.content)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Subject"] == "Automatic reply: [IT-12] Printer"
    assert message["In-Reply-To"] == "<m1@it.example>"


def test_the_null_sender_is_never_written_to() -> None:
    def talk(client: smtplib.SMTP) -> None:
        client.mail("<>")
        client.rcpt("ann+later-bounce@shop.example")
        assert client.data(MAIL)[0] == 250

    assert not rehearse(talk).returned


def test_a_report_is_sent_back_by_smtp_from_the_null_sender() -> None:
    async def run() -> tuple[RehearsalServer, RehearsalServer]:
        door = RehearsalServer()
        server = RehearsalServer(delay_s=0, return_to=("127.0.0.1", await door.start()))
        port = await server.start()

        def session() -> None:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="it.example", timeout=10) as client:
                client.ehlo()
                sent(client, "ann+later-bounce@shop.example")

        await asyncio.to_thread(session)
        await server.settle()
        await server.stop()
        await door.stop()
        return server, door

    server, door = asyncio.run(run())
    (mail,) = door.inbox(SENDER)
    assert mail.envelope_from == ""
    assert mail.content == server.returned[0].content
    assert server.returned[0].delivered


def test_the_test_of_a_provider_is_passed_on_with_its_sender_and_nothing_else_is() -> None:
    probe = "probe-abc@bounces.shop.example"

    async def run() -> RehearsalServer:
        door = RehearsalServer()
        server = RehearsalServer(delay_s=0, return_to=("127.0.0.1", await door.start()))
        port = await server.start()

        def session() -> None:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="it.example", timeout=10) as client:
                client.ehlo()
                for recipient in (probe, "ann@shop.example"):
                    sent(client, recipient)

        await asyncio.to_thread(session)
        await server.settle()
        await server.stop()
        await door.stop()
        return door

    [mail] = asyncio.run(run()).inbox()
    assert (mail.envelope_from, mail.recipient) == (SENDER, probe)
    assert mail.content == MAIL


def test_every_answer_says_what_it_means_and_every_tag_is_found() -> None:
    for tag, answer in ANSWERS.items():
        assert answer.meaning
        assert answer_for(f"ann+{tag}@shop.example") is answer
