"""Mails that nobody should send: truncated, giant, nested, binary. Each is stored, read, and costs next to nothing."""

from __future__ import annotations

import random
import time
from uuid import uuid4

import pytest

from tests import make
from tests.inbound import reports
from undelivered.delivery.states import State
from undelivered.inbound import arrivals, returned
from undelivered.inbound.arrivals import KEPT, NewArrival
from undelivered.inbound.models import Arrival, Door, Made
from undelivered.inbound.reading import read_once

HEAD = b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
REPORT = HEAD + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
RECIPIENT = b"Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
STATUS = b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
ANYTHING = (b" ", b"\r\n", b"\r", b"x", b"<", b'"', b"--", b"> ", b"a@", b"a:", b"5.1.1 550 ", b"\x1b$B", b"((")


def nested(depth: int) -> bytes:
    out = b"550 5.1.1 <ann@b.example>: User unknown\r\n"
    for n in range(depth):
        out = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n' % (n, n, out, n)
    return HEAD + out


def enclosed(depth: int) -> bytes:
    return (HEAD + b"Content-Type: message/rfc822\r\n\r\n") * depth + b"x\r\n"


def much(text: bytes, before: bytes = HEAD + b"\r\n") -> bytes:
    """A text again and again, more of it than is kept."""
    return before + text * (KEPT // len(text) + 10)


BAD = {
    "nothing but line ends": b"\r\n\r\n",
    "one byte": b"\x00",
    "binary": random.Random(1).randbytes(KEPT),
    "nulls": much(b"\x00", b""),
    "high bytes": much(b"\xff", b""),
    "no end of the headers": much(b"A: b\r\n", b""),
    "a header of a megabyte": much(b"\r\n ", b"X-A: "),
    "headers beyond number": b"".join(b"X-%d: y\r\n" % n for n in range(80_000)) + b"\r\nx",
    "encoded words": much(b"=?utf-8?q?=41?= ", b"Subject: "),
    "addresses to nobody": much(b"a@b.example, ", b"To: "),
    "parameters": much(b'a="b"; ', HEAD + b"Content-Type: multipart/mixed; "),
    "nested deeply": nested(1000),
    "enclosed in one another": enclosed(1000),
    "boundaries": much(b"--b\r\n\r\nx\r\n", REPORT),
    "recipients": much(
        b"Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", REPORT + STATUS
    ),
    "a truncated report": reports.status((reports.ANN, ""))[:-200],
    "a report cut in its status": REPORT + STATUS + b"Final-Recipient: rfc822;ann@north",
    "marks that are no marks": much(b"X-Undelivered-Id: " + b"a" * 45 + b"\r\n"),
    "paths that are no paths": much(b"b-" + b"a" * 28 + b"-" + b"a" * 16 + b"@x "),
    **{repr(text): much(text) for text in ANYTHING},
    "html": much(b"<a <b <c ", HEAD + b"Content-Type: text/html\r\n\r\n"),
    "styles": much(b"<style>", HEAD + b"Content-Type: text/html\r\n\r\n"),
    "base64": much(b"QUJD", HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n"),
    "quoted-printable": much(b"=41=", HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_reading_one_costs_next_to_nothing(name: str) -> None:
    """A guard against regular expressions that run away: they take minutes, and one of these some milliseconds."""
    arrival = Arrival(door=Door.SMTP, raw=BAD[name][:KEPT], about={"to": reports.path(uuid4())})
    began = time.process_time()
    assert returned.read_mail(arrival).findings
    assert time.process_time() - began < 3


@pytest.mark.django_db
def test_all_of_them_are_stored_and_read_and_hold_up_nobody() -> None:
    row = make.notification(make.project(), reports.ANN, state=State.SENT, attempts=1, due_at=None)
    to = reports.path(row.id)
    bad: list[NewArrival] = [arrivals.mail(Door.SMTP, raw, to=to) for raw in BAD.values()]
    arrivals.keep([*bad, arrivals.mail(Door.SMTP, reports.report(), to=to)])
    while read_once():
        pass
    found = list(Arrival.objects.order_by("id"))
    assert len(found) == len(BAD) + 1
    assert {one.state for one in found} <= {Made.APPLIED, Made.IGNORED}
    assert {(one.tries, one.project_id) for one in found} == {(0, row.project_id)}
    assert all(one.detail for one in found)
    row.refresh_from_db()
    assert (row.state, row.cause) == (State.FAILED, "userunknown")
