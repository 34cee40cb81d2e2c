"""What is decided on a submitted mail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.inbound.fake_line import GRANT, MAIL
from undelivered.delivery.relayed import Relayed
from undelivered.inbound.access import Grant
from undelivered.inbound.envelope import Envelope
from undelivered.inbound.receive import MOST_HOPS, queued, receive
from undelivered.inbound.replies import Reply

OTHER = Grant(2, ("other.example", "third.example"), "10.0.0.0/8")


def envelope(mail: bytes = MAIL, *recipients: str, **values: Any) -> Envelope:
    given = Envelope(
        "www-data@vm", grants=(GRANT,), content=mail, helo="desk.it.example", peer="192.0.2.1", protocol="ESMTPA"
    )
    given = replace(given, recipients=dict.fromkeys(recipients or ("ann@b.example",)))
    return replace(given, **values)


def accepted(*recipients: str, mail: bytes = MAIL, **values: Any) -> Relayed:
    found = receive(envelope(mail, *recipients, **values), "door.example")
    assert isinstance(found, Relayed), found
    return found


def refused(mail: bytes = MAIL, **values: Any) -> Reply:
    found = receive(envelope(mail, **values), "door.example")
    assert isinstance(found, Reply)
    return found


def test_a_mail_becomes_one_notification_a_recipient_of_the_logins_project() -> None:
    mail = accepted("ann@b.example", "bob@b.example")
    assert mail.project_id == GRANT.project_id
    assert [to for _, to in mail.recipients] == ["ann@b.example", "bob@b.example"]
    assert mail.recipients[0][0] == mail.id != mail.recipients[1][0]
    assert (mail.raw, mail.subject, mail.from_address) == (MAIL, "Hi", "it@it.example")


def test_the_answer_names_the_first_recipients_notification() -> None:
    mail = accepted()
    assert bytes(queued(mail)) == f"250 2.0.0 Ok: queued as {mail.id}\r\n".encode()


def test_where_it_came_from_is_kept() -> None:
    assert accepted(smtputf8=True).source == {
        "mail_from": "www-data@vm",
        "helo": "desk.it.example",
        "peer": "192.0.2.1",
        "protocol": "ESMTPA",
        "by": "it-1",
        "smtputf8": True,
    }


def test_the_trace_header_is_one_header_whatever_the_client_calls_itself() -> None:
    ((name, value),) = accepted(helo="x\r\nBcc: evil@b.example (", peer="2001:db8::1").headers
    assert name == "Received"
    lines = value.split("\r\n")
    assert len(lines) == 3
    assert all(line.startswith("\t") and len(line) < 100 for line in lines[1:])
    assert lines[0] == "from x??Bcc:?evil@b.example?? ([IPv6:2001:db8::1])"
    assert "by door.example (Undelivered) with ESMTPA id " in lines[1]


def test_two_spellings_of_one_address_get_one_mail() -> None:
    assert [to for _, to in accepted("Ann@B.example", "x@b.example", "ann@b.example").recipients] == [
        "Ann@B.example",
        "x@b.example",
    ]


@pytest.mark.parametrize(
    "header",
    [
        b"From: x@evil.example",
        b"From: x@sub.it.example",
        b"From: x@it.example.evil.example",
        b"From: it@it.example, x@evil.example",
        b"From: it@it.example\r\nFrom: x@evil.example",
    ],
)
def test_a_from_of_another_domain_is_refused_with_the_domains_that_are_allowed(header: bytes) -> None:
    reply = refused(header + b"\r\n\r\nHi\r\n")
    assert reply.code == 550
    assert reply.text.startswith("5.7.1 it-1 may not send with a From of ")
    assert reply.text.endswith("allowed: it.example")


def test_case_and_international_spelling_of_the_domain_do_not_matter() -> None:
    grant = Grant(1, ("it.example", "xn--bro-hoa.example"), "it-1")
    assert accepted(mail=b"From: x@IT.Example\r\n\r\n", grants=(grant,)).from_address == "x@IT.Example"
    accepted(mail="From: x@büro.example\r\n\r\n".encode(), grants=(grant,))


def test_of_several_grants_the_first_that_fits_says_whose_mail_it_is() -> None:
    assert accepted(mail=b"From: x@third.example\r\n\r\n", grants=(GRANT, OTHER)).project_id == 2
    assert accepted(grants=(OTHER, GRANT)).project_id == 1


def test_a_mail_without_a_sender_is_refused() -> None:
    assert refused(b"Subject: x\r\n\r\nFrom: it@it.example\r\n").code == 550
    assert refused(b"").code == 550


def test_a_mail_that_goes_in_circles_is_refused() -> None:
    assert refused(b"Received: x\r\n" * MOST_HOPS + MAIL).code == 554
    accepted(mail=b"Received: x\r\n" * (MOST_HOPS - 1) + MAIL)
