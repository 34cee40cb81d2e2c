"""SMTP conversations without a socket: bytes in, replies out."""

from __future__ import annotations

import pytest

from tests.inbound.fake_line import GRANT, MAIL, QUEUED, FakeLine, base64_of, submission, talk
from undelivered.inbound import replies
from undelivered.inbound.conversation import MOST_ERRORS, MOST_IDLE_COMMANDS, MOST_KEPT, Conversation
from undelivered.inbound.envelope import Terms


def test_the_greeting_names_the_server() -> None:
    line = FakeLine()
    Conversation(line, Terms(name="door.example")).open()
    assert line.said == ["220 door.example ESMTP Undelivered"]


def test_ehlo_lists_what_is_offered() -> None:
    conversation, line = talk(FakeLine(tls=True), size_limit=1000)
    conversation.feed(b"EHLO desk\r\n")
    assert line.said[0] == "250-door.example"
    assert {text[4:] for text in line.said[1:]} == {
        "PIPELINING",
        "SIZE 1000",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
        "AUTH PLAIN LOGIN",
    }
    assert line.said[-1][3] == " "


def test_helo_offers_nothing() -> None:
    conversation, line = talk()
    conversation.feed(b"HELO desk\r\n")
    assert line.said == ["250 door.example"]


def test_a_mail_is_submitted_with_its_envelope() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO desk.it.example\r\n" + submission("ann@b.example", "bob@b.example"))
    assert line.codes[1:] == [250, 250, 250, 354, 250]
    assert line.said[-1] == "250 2.0.0 Ok: queued as 1"
    (mail,) = line.mails
    assert (mail.mail_from, list(mail.recipients)) == ("it@it.example", ["ann@b.example", "bob@b.example"])
    assert (mail.helo, mail.peer, mail.protocol, mail.grants) == ("desk.it.example", "192.0.2.1", "ESMTP", (GRANT,))
    assert mail.content == MAIL


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_it_does_not_matter_in_what_pieces_bytes_arrive(size: int) -> None:
    mail = b"From: it@it.example\r\n\r\n.\r\n..two\r\n.\r\n\r\n"
    said = b"EHLO desk\r\n" + submission(mail=mail) + submission(mail=MAIL) + b"QUIT\r\n"
    conversation, line = talk()
    for start in range(0, len(said), size):
        conversation.feed(said[start : start + size])
    assert [one.content for one in line.mails] == [mail, MAIL]
    assert line.codes[-1] == 221
    assert line.closed


def test_replies_of_one_turn_are_written_at_once() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO desk\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n")
    assert len(line.out) == 1


def test_what_comes_while_a_mail_is_made_durable_waits() -> None:
    conversation, line = talk(FakeLine(at_once=False))
    conversation.feed(b"EHLO desk\r\n" + submission() + submission() + b"QUIT\r\n")
    assert (len(line.mails), line.codes[-1]) == (1, 354)
    conversation.answer(QUEUED)
    assert len(line.mails) == 2
    conversation.answer(QUEUED)
    assert line.codes[-2:] == [250, 221]


def test_a_client_that_talks_on_and_on_is_asked_to_be_quiet_and_then_heard_again() -> None:
    conversation, line = talk(FakeLine(at_once=False))
    conversation.feed(b"EHLO desk\r\n" + submission())
    conversation.feed(b"NOOP\r\n" * 20 + b"X" * MOST_KEPT)
    assert line.is_quiet
    conversation.answer(QUEUED)
    assert not line.is_quiet


def test_a_null_sender_is_welcome() -> None:
    conversation, line = talk()
    conversation.feed(b"HELO desk\r\nMAIL FROM:<>\r\n")
    assert line.codes[-1] == 250


def test_nobody_unknown_may_send_and_there_is_no_relay() -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO probe\r\n" + submission("victim@elsewhere.example"))
    assert "550 5.7.1 Relaying denied: log in to send mail to others" in line.said
    assert 354 not in line.codes
    assert line.mails == []


@pytest.mark.parametrize(
    "said",
    [
        [b"AUTH PLAIN " + base64_of("", "it-1", "secret")],
        [b"AUTH PLAIN " + base64_of("it-1", "it-1", "secret")],
        [b"AUTH PLAIN", base64_of("", "it-1", "secret")],
        [b"auth login", base64_of("it-1"), base64_of("secret")],
        [b"AUTH LOGIN " + base64_of("it-1"), base64_of("secret")],
    ],
)
def test_logging_in(said: list[bytes]) -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO desk\r\n")
    for one in said:
        conversation.feed(one + b"\r\n")
    assert line.logins == [("it-1", "secret")]
    conversation.logged_in(GRANT)
    conversation.feed(submission())
    assert line.codes[-5:] == [235, 250, 250, 354, 250]
    assert line.mails[0].protocol == "ESMTPA"
    conversation.feed(b"AUTH PLAIN AA==\r\n")
    assert line.said[-1].startswith("503")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"AUTH PLAIN *", 501),
        (b"AUTH PLAIN not-base64", 501),
        (b"AUTH PLAIN " + base64_of("only"), 501),
        (b"AUTH PLAIN " + base64_of("somebody-else", "it-1", "secret"), 501),
        (b"AUTH LOGIN *", 501),
        (b"AUTH CRAM-MD5", 504),
        (b"AUTH", 504),
    ],
)
def test_a_login_that_cannot_be_read_is_refused_and_the_conversation_goes_on(said: bytes, code: int) -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO desk\r\n" + said + b"\r\nNOOP\r\n")
    assert line.codes[-2:] == [code, 250]
    assert line.logins == []


def test_a_wrong_login_is_535_and_after_the_third_the_line_is_closed() -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO desk\r\n")
    for code in (535, 535, 421):
        conversation.feed(b"AUTH PLAIN " + base64_of("", "it-1", "wrong") + b"\r\n")
        conversation.logged_in(None)
        assert line.codes[-1] == code
    assert line.closed


def test_passwords_wait_for_encryption_where_it_is_wanted() -> None:
    conversation, line = talk(FakeLine(tls=True, auth=False), trusted=False)
    conversation.feed(b"EHLO desk\r\nAUTH PLAIN AA==\r\n")
    assert line.codes[-1] == 538
    assert not any("AUTH PLAIN" in text for text in line.said[:-1])


def test_starttls_forgets_what_was_said_before() -> None:
    conversation, line = talk(FakeLine(tls=True))
    conversation.feed(b"EHLO desk\r\nSTARTTLS\r\n")
    assert (line.codes[-1], line.tls_started) == (220, 1)
    line.encrypted = True
    conversation.encrypted()
    conversation.feed(b"MAIL FROM:<>\r\nEHLO desk\r\nSTARTTLS\r\n")
    assert [line.said[-9][:3], line.codes[-1]] == ["503", 503]
    conversation.feed(submission())
    assert line.mails[0].protocol == "ESMTPS"


def test_nothing_may_follow_starttls_in_the_clear() -> None:
    conversation, line = talk(FakeLine(tls=True))
    conversation.feed(b"EHLO desk\r\nSTARTTLS\r\nMAIL FROM:<evil@it.example>\r\n")
    assert line.tls_started == 0
    assert line.closed


def test_starttls_without_a_certificate_is_not_offered() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO desk\r\nSTARTTLS\r\n")
    assert line.codes[-1] == 502


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        (b"EHLO", [501]),
        (b"MAIL FROM:<a@b.example>", [503]),
        (b"RCPT TO:<a@b.example>", [503]),
        (b"DATA", [503]),
        (b"EHLO x\r\nRCPT TO:<a@b.example>", [250, 503]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nDATA", [250, 250, 503]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>", [250, 250, 503]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>", [250, 250, 250, 250]),
        (b"EHLO x\r\nMAIL", [250, 501]),
        (b"EHLO x\r\nMAIL TO:<a@b.example>", [250, 501]),
        (b"EHLO x\r\nMAIL FROM:<a@b.example> NONSENSE", [250, 555]),
        (b"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=many", [250, 501]),
        (b"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=1 SIZE=2", [250, 501]),
        (b"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=99999999999", [250, 552]),
        (b"EHLO x\r\nMAIL FROM:<a@b.example> BODY=BINARYMIME", [250, 501]),
        (b"EHLO x\r\nMAIL FROM:<a@b.example> BODY=8BITMIME SIZE=10 SMTPUTF8 AUTH=<>", [250, 250]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<>", [250, 250, 501]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example> NOTIFY=NEVER", [250, 250, 555]),
        (b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA now", [250, 250, 250, 501]),
        (b"NOOP\r\nRSET\r\nHELP\r\nVRFY ann\r\nEXPN all", [250, 250, 214, 252, 502]),
        (b"NONSENSE\r\n\r\n  \r\nMAILFROM:<x>", [500, 500, 500, 500]),
        (b"NOOP\x00", [501]),
        (b"NOOP \xff\xfe", [501]),
        (b"quit", [221]),
    ],
)
def test_replies(said: bytes, codes: list[int]) -> None:
    conversation, line = talk()
    conversation.feed(said + b"\r\n")
    assert line.codes == codes


def test_a_line_that_ends_with_lf_alone_is_refused() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\r\n")
    assert line.codes == [250, 500, 503]


def test_an_endless_line_ends_the_conversation() -> None:
    conversation, line = talk()
    for _ in range(20):
        conversation.feed(b"X" * 1000)
        if line.closed:
            break
    assert line.codes == [500]
    assert line.closed


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1", b"POST /api HTTP/1.1", b"CONNECT x:25 HTTP/1.1"])
def test_a_browser_is_turned_away(said: bytes) -> None:
    conversation, line = talk()
    conversation.feed(said + b"\r\nHost: x\r\n\r\n")
    assert line.codes == [421]
    assert line.closed


def test_too_many_errors_end_the_conversation() -> None:
    conversation, line = talk()
    conversation.feed(b"NONSENSE\r\n" * (MOST_ERRORS + 5))
    assert line.codes == [500] * MOST_ERRORS + [421]
    assert line.closed


def test_commands_that_move_nothing_end_the_conversation_at_last() -> None:
    conversation, line = talk()
    conversation.feed(b"NOOP\r\n" * (MOST_IDLE_COMMANDS + 5))
    assert line.codes[-1] == 421
    assert len(line.codes) == MOST_IDLE_COMMANDS + 1


def test_a_thousand_recipients_and_not_one_more() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO x\r\n" + submission(*(f"c{n}@b.example" for n in range(1001)), "c0@b.example"))
    assert line.said.count("250 2.1.5 Ok") == 1001
    assert "452 4.5.3 Too many recipients: send the mail again to the others" in line.said
    assert len(line.mails[0].recipients) == 1000


def test_addresses_that_are_wrong_are_taken_so_that_the_log_can_say_so() -> None:
    wrong = ["no-at-sign", "a,b@c.example", "a b@c.example", 'un"closed@c.example', "x@[10.0.0.1]", "ärger@c.example"]
    conversation, line = talk()
    conversation.feed(b"EHLO x\r\n" + submission(*wrong))
    assert list(line.mails[0].recipients) == wrong


def test_a_mail_that_is_too_large_is_refused_after_it_and_the_conversation_goes_on() -> None:
    conversation, line = talk(size_limit=1000)
    conversation.feed(b"EHLO x\r\n" + submission(mail=MAIL + b"x" * 2000 + b"\r\n"))
    assert line.said[-1] == "552 5.3.4 The mail is larger than 1000 bytes"
    conversation.feed(submission())
    assert line.codes[-1] == 250


def test_a_mail_without_end_closes_the_line() -> None:
    conversation, line = talk(size_limit=1000)
    conversation.feed(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n")
    for _ in range(100):
        if line.closed:
            break
        conversation.feed(b"x" * 100)
    assert line.codes[-1] == 552
    assert line.closed


def test_without_room_a_mail_is_put_off_before_it_is_sent() -> None:
    conversation, line = talk()
    line.no_room = True
    conversation.feed(b"EHLO x\r\nMAIL FROM:<>\r\n")
    assert line.said[-1].startswith("452 4.3.1")


def test_an_end_from_outside_is_said_once() -> None:
    conversation, line = talk()
    conversation.end(replies.STOPPING)
    conversation.end(replies.STOPPING)
    assert line.codes == [421]


def test_an_answer_that_comes_too_late_is_not_said() -> None:
    conversation, line = talk(FakeLine(at_once=False))
    conversation.feed(b"EHLO x\r\n" + submission())
    conversation.end(replies.TIMED_OUT)
    said = len(line.codes)
    conversation.answer(QUEUED)
    assert len(line.codes) == said


def test_utf8_in_the_protocols_name() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO x\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<a@b.example>\r\nDATA\r\n" + MAIL + b".\r\n")
    assert (line.mails[0].protocol, line.mails[0].smtputf8) == ("UTF8SMTP", True)
