"""Greeting, encryption, login, and the bytes of a mail."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.delivery.transports.scripted import SENDER, ScriptedServer, converse, one_mail, outcome_with, settings
from undelivered.delivery.outcomes import Accepted, Stage, Unreachable
from undelivered.delivery.transports.content import canonical, dot_stuffed
from undelivered.delivery.transports.smtp import Security

pytestmark = pytest.mark.usefixtures("both_loops")


def test_a_server_without_ehlo_is_greeted_the_old_way() -> None:
    outcome = outcome_with(EHLO=b"500 5.5.1 What?\r\n", HELO=b"250 mx.shop.example\r\n")
    assert isinstance(outcome, Accepted)
    assert f"→ MAIL FROM:<{SENDER}>" in outcome.dialogue


@pytest.mark.parametrize(
    ("content", "travels"),
    [
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n"),
        (b".a\r\n", b"..a\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r\n.\rb\r\n", b"a\r\n..\r\nb\r\n"),
    ],
)
def test_no_line_of_a_mail_can_end_it_early(content: bytes, travels: bytes) -> None:
    assert dot_stuffed(canonical(content)) == travels


LOGIN = b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n"


def test_a_login_is_done_once_a_connection_and_never_shown() -> None:
    server = ScriptedServer(EHLO=LOGIN, AUTH=b"235 2.7.0 Welcome\r\n")
    outcome = converse(server, one_mail, username="desk", password="s3cret")
    assert isinstance(outcome, Accepted)
    assert "→ AUTH (user name and password not shown)" in outcome.dialogue
    assert server.lines[0][1].startswith("AUTH PLAIN ")
    assert not any("s3cret" in line or "AGRlc2sAczNjcmV0" in line for line in outcome.dialogue)
    assert "s3cret" not in repr(settings(1, password="s3cret"))


@pytest.mark.parametrize(
    ("answers", "our_fault"),
    [
        ({"EHLO": LOGIN, "AUTH": b"535 5.7.8 Wrong password\r\n"}, True),
        ({"EHLO": LOGIN, "AUTH": b"454 4.7.0 Try later\r\n"}, False),
        ({"EHLO": b"250 mx\r\n"}, True),
        ({"EHLO": LOGIN, "AUTH": b"235 Ok\r\n", "MAIL": b"530 5.7.0 Log in first\r\n"}, True),
    ],
)
def test_a_refused_login_is_the_providers_trouble_and_not_the_mails(answers: dict[str, bytes], our_fault: bool) -> None:
    outcome = converse(ScriptedServer(**answers), one_mail, username="desk", password="x")
    assert isinstance(outcome, Unreachable)
    assert outcome.our_fault is our_fault


def tls_server(certificate: Path, *, implicit: bool = False) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    ehlo = b"250 mx\r\n" if implicit else b"250-mx\r\n250 STARTTLS\r\n"
    server = ScriptedServer(context, EHLO=ehlo, STARTTLS=b"220 2.0.0 Go\r\n")
    server.implicit_tls = implicit
    return server


def test_a_connection_is_encrypted_and_says_how(certificate: Path) -> None:
    server = tls_server(certificate)
    outcome = converse(server, one_mail, security=Security.STARTTLS, verify=False)
    assert isinstance(outcome, Accepted)
    assert outcome.tls is not None
    assert outcome.tls.startswith("TLSv1.")
    assert [line.partition(" ")[0] for line in server.lines[0][:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


def test_a_certificate_that_nobody_vouches_for_stops_the_mail(certificate: Path) -> None:
    outcome = converse(tls_server(certificate, implicit=True), one_mail, security=Security.TLS)
    assert isinstance(outcome, Unreachable)
    assert outcome.stage is Stage.CONNECT
    assert outcome.reply.startswith("No encrypted connection to 127.0.0.1:")
    assert "self-signed certificate" in outcome.reply


def test_a_connection_may_be_encrypted_from_the_first_byte(certificate: Path) -> None:
    outcome = converse(tls_server(certificate, implicit=True), one_mail, security=Security.TLS, verify=False)
    assert isinstance(outcome, Accepted)
    assert outcome.tls is not None


def test_encryption_that_is_only_a_bonus_does_not_check_the_certificate(certificate: Path) -> None:
    outcome = converse(tls_server(certificate), one_mail, security=Security.IF_OFFERED)
    assert isinstance(outcome, Accepted)
    assert outcome.tls is not None


def test_demanded_encryption_that_is_not_offered_stops_the_mail() -> None:
    outcome = converse(ScriptedServer(), one_mail, security=Security.STARTTLS)
    assert isinstance(outcome, Unreachable)
    assert outcome.our_fault
