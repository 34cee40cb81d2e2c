"""The envelope sender that a mail leaves with: what the provider that takes it lets pass, and what its domain has."""

from __future__ import annotations

import re

import pytest

from tests import make
from tests.delivery.worker_at import LOST, WorkerAt, make_due
from undelivered.delivery import return_path, signing
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.signing import Purpose

pytestmark = pytest.mark.usefixtures("committed")
FROM = "help@desk.example"


def provider(mode: ReturnPath, user: str = "") -> Provider:
    return Provider.objects.create(name="P", url=f"smtp+plain://{user and user + '@'}127.0.0.1:9", return_path=mode)


def headers(message: bytes, name: str) -> list[str]:
    return re.findall(rf"^{name}: (.*)\r$", message.partition(b"\r\n\r\n")[0].decode() + "\r\n", re.MULTILINE)


@pytest.fixture
def bounces(committed) -> MailDomain:
    return MailDomain.objects.create(domain="desk.example", bounce_domain="bounces.desk.example")


def test_with_our_own_sender_each_recipient_has_a_return_path(project, bounces):
    provider(ReturnPath.SIGNED)
    content = make.content(project)
    rows = [make.notification(project, f"{n}@x.example", content_id=content.id) for n in ("ann", "bo")]
    with WorkerAt() as worker:
        assert worker.turn() == 2
        senders = {one.recipient: one.sender for one in worker.script.sent}
    assert {name: return_path.opened(sender) for name, sender in senders.items()} == {
        row.recipient: row.id for row in rows
    }
    assert {sender.partition("@")[2] for sender in senders.values()} == {"bounces.desk.example"}


@pytest.mark.parametrize(
    ("mode", "user", "expected"),
    [
        (ReturnPath.LOGIN, "", FROM),
        (ReturnPath.LOGIN, "apikey", FROM),
        (ReturnPath.LOGIN, "login%40mail.example", "login@mail.example"),
        (ReturnPath.PROVIDER, "login%40mail.example", FROM),
    ],
)
def test_else_it_is_the_logins_address_or_the_from_address(project, bounces, mode, user, expected):
    provider(mode, user)
    make.notification(project)
    with WorkerAt() as worker:
        worker.turn()
        assert [one.sender for one in worker.script.sent] == [expected]


@pytest.mark.parametrize(("user", "expected"), [("", FROM), ("login%40mail.example", "login@mail.example")])
def test_a_domain_without_a_bounce_domain_is_treated_as_if_the_provider_insisted(project, user, expected):
    MailDomain.objects.create(domain="desk.example")
    provider(ReturnPath.SIGNED, user)
    make.notification(project)
    with WorkerAt() as worker:
        worker.turn()
        assert [one.sender for one in worker.script.sent] == [expected]


def test_the_sites_bounce_domain_is_for_domains_without_one_of_their_own(project, bounces):
    provider(ReturnPath.SIGNED)
    make.notification(project, "ann@x.example")
    other = make.content(project, from_address="it@other.example")
    make.notification(project, "bo@x.example", content_id=other.id)
    with WorkerAt(bounce_domain="bounces.example") as worker:
        worker.turn()
        found = {one.recipient: one.sender.partition("@")[2] for one in worker.script.sent}
    assert found == {"ann@x.example": "bounces.desk.example", "bo@x.example": "bounces.example"}


def test_a_domain_beyond_ascii_is_known_by_its_ascii_form(project):
    MailDomain.objects.create(domain="xn--bcher-kva.example", bounce_domain="bounces.xn--bcher-kva.example")
    provider(ReturnPath.SIGNED)
    row = make.notification(project, content_id=make.content(project, from_address="hilfe@Bücher.example").id)
    with WorkerAt() as worker:
        worker.turn()
        [sent] = worker.script.sent
    assert sent.sender == return_path.sender(row.id, "bounces.xn--bcher-kva.example")


def test_a_relayed_mail_has_its_own_name_for_each_recipient_and_is_not_touched(project, bounces):
    provider(ReturnPath.SIGNED)
    raw = b"Message-ID: <1@desk.example>\r\nFrom: help@desk.example\r\n\r\nHello\r\n"
    content = make.content(project, raw=raw, headers=[["Received", "from desk"]])
    rows = {n: make.notification(project, n, content_id=content.id) for n in ("ann@x.example", "bo@x.example")}
    with WorkerAt() as worker:
        worker.turn()
        sent = {one.recipient: one for one in worker.script.sent}
    for to, row in rows.items():
        assert return_path.opened(sent[to].sender) == row.id
        [token] = headers(sent[to].message, signing.HEADER)
        assert signing.read(Purpose.HEADER, token) == row.id
        assert sent[to].message.endswith(token.encode() + b"\r\n" + raw)


def test_a_relayed_mail_without_a_message_id_is_given_none(project, bounces):
    provider(ReturnPath.SIGNED)
    row = make.notification(project, content_id=make.content(project, raw=b"From: help@desk.example\r\n\r\nHi\r\n").id)
    with WorkerAt() as worker:
        worker.turn()
        [sent] = worker.script.sent
    row.refresh_from_db()
    assert headers(sent.message, "Message-ID") == []
    assert row.message_id == ""


def test_a_second_copy_is_the_same_mail_with_the_same_return_path(project, bounces):
    provider(ReturnPath.SIGNED)
    row = make.notification(project)
    with WorkerAt() as worker:
        worker.script.usual = LOST
        worker.turn()
        make_due(row.id)
        worker.turn()
        first, second = worker.script.sent
    assert first == second
