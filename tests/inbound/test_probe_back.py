"""The test of a provider comes back through a door, and its verdict is there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.delivery.worker_at import Scripted
from undelivered.delivery import probe, return_path
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.probe_verdict import Standing, verdict
from undelivered.desk.actors import UNDELIVERED
from undelivered.inbound import returned
from undelivered.inbound.models import Arrival, Door

pytestmark = pytest.mark.django_db


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """A test that has just gone out."""
    MailDomain.objects.create(domain="desk.example", bounce_domain="bounces.desk.example")
    made = Scripted()
    monkeypatch.setattr(probe, "_transport", lambda provider: made)
    provider = Provider.objects.create(name="Relay", url="smtp://smtp.example.net")
    probe.start(provider, "help@desk.example", by=UNDELIVERED)
    return made


def arrives(raw: bytes, door: Door = Door.SMTP, **about: Any) -> str:
    """What is said of the arrival."""
    [finding] = returned.read_mail(Arrival(door=door, raw=raw, about=about)).findings
    assert finding.feedback is None
    return finding.why


def shown() -> tuple[str, str | None]:
    provider = Provider.objects.get()
    found = probe.last("desk.example", provider)
    assert found
    said = verdict(found, provider)
    return said.standing, said.mode


def test_it_is_no_mail_of_our_own_that_went_astray(script: Scripted) -> None:
    [sent] = script.sent
    said = arrives(sent.message, to=sent.recipient, **{"from": sent.sender}, peer="192.0.2.1")
    assert "test of a provider is back" in said
    assert shown() == (Standing.BACK, ReturnPath.SIGNED)


@pytest.mark.parametrize(("header", "mode"), [(b"Return-Path: <help@desk.example>\r\n", ReturnPath.LOGIN), (b"", None)])
def test_a_mail_server_beside_us_has_written_down_the_envelope_sender(
    script: Scripted, header: bytes, mode: ReturnPath | None
) -> None:
    [sent] = script.sent
    arrives(header + sent.message, Door.PIPE, to=sent.recipient)
    assert shown() == (Standing.BACK, mode)


def test_one_that_nobody_waits_for_is_said_to_be_so(script: Scripted) -> None:
    assert "nobody waits" in arrives(b"Subject: x\r\n\r\n", to=return_path.probe(UUID(int=1), "bounces.desk.example"))
    assert shown() == (Standing.WAITING, None)
