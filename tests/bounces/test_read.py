"""What `read` tells besides recipients and causes, and what it does with what is broken or hostile."""

from __future__ import annotations

import time

import pytest

from tests.bounces.test_samples import sample
from undelivered.bounces import Cause, Kind, Suppress, read

DSN = """Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: b-1-abc@bounces.example.com
Subject: Undelivered Mail
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Original-Envelope-Id: env-7

Original-Recipient: rfc822; ann@example.com
Final-Recipient: rfc822; ann.alias@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.net
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: message/rfc822

Message-ID: <m1@desk.example.com>
X-Undelivered-Id: n-42
To: ann@example.com
Subject: =?utf-8?q?Dr=C3=BCcker?=

Hello
--b--
"""


def test_what_names_the_original_is_found() -> None:
    report = read(DSN.encode())
    assert report.original.message_id == "<m1@desk.example.com>"
    assert report.original.envelope_id == "env-7"
    assert report.original.x_headers == {"x-undelivered-id": "n-42"}
    assert report.original.subject == "Drücker"
    assert report.envelope_to == ("b-1-abc@bounces.example.com",)
    assert report.reporting_mta == "mx.example.org"


def test_the_recipient_is_who_was_mailed_not_an_alias_behind_it() -> None:
    (result,) = read(DSN.encode()).results
    assert result.recipient == "ann@example.com"
    assert result.remote_host == "mail.example.net"


def test_ids_are_found_below_the_words_of_a_notice_without_parts() -> None:
    assert read(sample("qmail")).original.message_id == "<m1@desk.example.com>"
    assert read(sample("exim")).original.message_id == "<m1@desk.example.com>"
    assert read(sample("arf-abuse")).original.message_id == "<m1@desk.example.com>"


def test_a_complaint_suppresses_and_a_technical_report_of_the_same_form_does_not() -> None:
    assert read(sample("arf-abuse")).results[0].suppress is Suppress.COMPLAINT
    assert read(sample("arf-auth-failure")).results[0].suppress is Suppress.NEVER


def test_only_failures_and_delays_are_bounces() -> None:
    assert read(sample("postfix-dsn")).is_bounce
    assert read(sample("postfix-delay")).is_bounce
    for name in ("dsn-delivered", "arf-abuse", "vacation", "challenge", "newsletter", "read-receipt"):
        assert not read(sample(name)).is_bounce


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\r\n\r\n", b"\x00" * 100, b"From ", b"Subject: x", b"\xff\xfe\xfd", b"--\n--\n"]
)
def test_nothing_is_read_from_nothing(raw: bytes) -> None:
    report = read(raw)
    assert report.kind is Kind.OTHER
    assert report.results == ()


def nested(levels: int) -> bytes:
    body = b"Content-Type: text/plain\n\nhello\n"
    for n in range(levels):
        mark = b"b%d" % n
        body = (
            b'Content-Type: multipart/mixed; boundary="'
            + mark
            + b'"\n\n--'
            + mark
            + b"\n"
            + body
            + b"\n--"
            + mark
            + b"--\n"
        )
    return body


FROM_A_SERVER = b"From: mailer-daemon@x.example\nSubject: failure notice\n"
HTML = FROM_A_SERVER + b"Content-Type: text/html\n\n"
RECIPIENT = "Final-Recipient: rfc822; u{}@example.com\nAction: failed\nStatus: 5.1.1\n\n"
MANY_RECIPIENTS = "\n" + "".join(RECIPIENT.format(n) for n in range(20_000))
AS_BASE64 = DSN.replace("status\n\n", "status\nContent-Transfer-Encoding: base64\n\n", 1).encode()

HOSTILE = {
    "deep nesting": nested(500),
    "megabytes of headers": b"X-A: " + b"a" * 2_000_000 + b"\n" + b"X-B: b\n" * 200_000 + b"\nbody",
    "a header folded without end": b"Subject: x\n" + b" folded\n" * 300_000 + b"\n",
    "a million parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nhi\n" * 300_000,
    "an address without end": FROM_A_SERVER + b"\n" + b"a@" * 1_000_000,
    "dots without end": FROM_A_SERVER + b"\n" + b"a." * 1_000_000 + b"@b.example",
    "brackets without end": FROM_A_SERVER + b"\n" + b"<" * 1_000_000,
    "quotes without end": FROM_A_SERVER + b"\n" + b'"' * 1_000_000 + b"@b.example",
    "addresses without end": FROM_A_SERVER + b"\n" + b"<a@b.example>: no\n" * 100_000,
    "spaces without end": FROM_A_SERVER + b"\nto:" + b" " * 1_000_000 + b"a@b.example",
    "words without end": FROM_A_SERVER + b"\n" + b"delivery to the mail " * 100_000,
    "many lines of words": FROM_A_SERVER + b"\n" + b"delivery failed to the message for user@ " * 14 + b"\n" * 50_000,
    "digits without end": FROM_A_SERVER + b"\n<a@b.example>: " + b"550 5.1." * 200_000,
    "base64 that is none": AS_BASE64 + b"=" * 900_000,
    "encoded words without end": b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\nFrom: x@example.com\n\n",
    "tags without end": HTML + b"<!-" * 300_000,
    "styles without end": HTML + b"<style>" * 100_000,
    "recipients without end": DSN.replace("Original-Envelope-Id: env-7\n\n", MANY_RECIPIENTS).encode(),
    "boundaries that are guessed": b"Content-Type: multipart/mixed\n\n" + b"--aaaaaaaaaaaa\n" * 200_000,
    "json without end": b'From: a@example.com\n\n{"notificationType":' + b"[" * 500_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_mail_is_read_in_bounded_time(what: str) -> None:
    started = time.process_time()
    report = read(HOSTILE[what])
    assert time.process_time() - started < 1
    assert len(report.results) <= 200
    assert not report.decided_by.startswith("unreadable")


def test_a_person_who_left_says_so_in_an_automatic_answer() -> None:
    report = read(sample("mailbox-retired"))
    assert report.results[0].cause is Cause.SUSPEND
