"""Conversations of those who bring mail back: no login, and recipients that are ours alone. By SMTP and by LMTP."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.inbound import reports
from tests.inbound.fake_line import QUEUED, FakeLine, submission, talk
from undelivered.inbound import replies
from undelivered.inbound.envelope import MOST_RETURNED, Terms
from undelivered.inbound.lmtp import LmtpConversation
from undelivered.inbound.ours import Ours

PATH, OTHER = (reports.path(uuid4()) for _ in range(2))
FORGED = PATH.replace("b-", "b-a", 1)


def test_anybody_may_bring_back_what_we_sent() -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO mx.example\r\n" + submission(PATH, mail=reports.report()).replace(b"it@it.example", b""))
    assert line.codes[-4:] == [250, 250, 354, 250]
    [mail] = line.mails
    assert (mail.mail_from, mail.recipients, mail.returned) == ("", {}, {PATH: Ours()})
    assert conversation.brings


def test_who_brings_something_back_sends_nothing_to_others() -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO mx.example\r\n" + submission("victim@b.example", PATH, FORGED, "nobody@bounces.example"))
    assert line.codes[-6:] == [550, 250, 550, 550, 354, 250]
    assert line.said[-6].startswith("550 5.7.1")
    assert [text[:9] for text in line.said[-4:-2]] == ["550 5.1.1", "550 5.1.1"]
    [mail] = line.mails
    assert (mail.recipients, list(mail.returned)) == ({}, [PATH])


def test_guessing_ends_the_conversation() -> None:
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO mx.example\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<%s>\r\n" % FORGED.encode() * 30)
    assert line.said[-1].startswith("421")
    assert line.closed
    assert not conversation.brings


def test_who_may_submit_may_bring_back_in_the_same_mail() -> None:
    conversation, line = talk()
    conversation.feed(b"EHLO desk\r\n" + submission("ann@b.example", PATH))
    [mail] = line.mails
    assert (list(mail.recipients), list(mail.returned)) == (["ann@b.example"], [PATH])


def test_one_mail_comes_back_to_a_few_return_paths_at_most() -> None:
    paths = [reports.path(uuid4()) for _ in range(MOST_RETURNED + 1)]
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO mx.example\r\n" + submission(*paths, paths[0]))
    assert line.codes[-4:] == [452, 250, 354, 250]
    assert len(line.mails[0].returned) == MOST_RETURNED


def test_a_loose_dot_is_no_danger_in_what_ends_here() -> None:
    loose = b"Subject: x\r\n\r\none\n.\ntwo\r\n"
    conversation, line = talk(trusted=False)
    conversation.feed(b"EHLO mx.example\r\n" + submission(PATH, mail=loose))
    assert line.mails[0].content == loose
    conversation, line = talk()
    conversation.feed(b"EHLO desk\r\n" + submission("ann@b.example", PATH, mail=loose))
    assert line.codes[-1] == 554


# --- LMTP -------------------------------------------------------------------------------------------------------------


def lmtp(**values: int) -> tuple[LmtpConversation, FakeLine]:
    line = FakeLine(tls=True)
    conversation = LmtpConversation(line, Terms(name="door.example", **values))
    conversation.open()
    return conversation, line


def test_lmtp_has_its_own_greeting_and_hello() -> None:
    conversation, line = lmtp()
    assert line.said == ["220 door.example LMTP Undelivered"]
    conversation.feed(b"EHLO mta\r\nHELO mta\r\nLHLO mta\r\n")
    assert line.codes[1:] == [500, 500, 250]
    assert {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"} <= {text[4:] for text in line.said}
    assert not any("AUTH" in text or "STARTTLS" in text for text in line.said)


@pytest.mark.parametrize("said", [b"AUTH PLAIN AA==", b"STARTTLS"])
def test_lmtp_has_no_login_and_no_tls(said: bytes) -> None:
    conversation, line = lmtp()
    conversation.feed(b"LHLO mta\r\n" + said + b"\r\n")
    assert line.codes[-1] == 500


def test_after_the_dot_lmtp_has_a_reply_for_each_recipient() -> None:
    conversation, line = lmtp()
    said = submission(PATH, FORGED, OTHER, PATH)
    conversation.feed(b"LHLO mta\r\n" + said + b"NOOP\r\n")
    assert line.codes[2:] == [250, 250, 550, 250, 250, 354, 250, 250, 250, 250]
    assert line.said[-4:-1] == [bytes(QUEUED).decode().strip()] * 3
    assert list(line.mails[0].returned) == [PATH, OTHER]
    assert line.mails[0].protocol == "LMTP"


def test_a_mail_that_lmtp_refuses_is_refused_for_each_recipient() -> None:
    conversation, line = lmtp(size_limit=10)
    conversation.feed(b"LHLO mta\r\n" + submission(PATH, OTHER))
    assert line.codes[-3:] == [354, 552, 552]


def test_lmtp_without_recipients_has_no_mail() -> None:
    conversation, line = lmtp()
    conversation.feed(b"LHLO mta\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n" % FORGED.encode())
    assert line.codes[-2:] == [550, 503]


def test_what_is_waited_for_is_answered_for_each_recipient_too() -> None:
    line = FakeLine(at_once=False)
    conversation = LmtpConversation(line, Terms(name="door.example"))
    conversation.feed(b"LHLO mta\r\n" + submission(PATH, OTHER))
    assert line.codes[-1] == 354
    conversation.answer(replies.NO_ROOM)
    assert line.codes[-2:] == [452, 452]
