"""The test of a provider over real sockets: out through the provider, on to the door, and its verdict."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from tests.inbound.own_door import door
from undelivered.delivery import probe, wake
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.probe_verdict import Standing, verdict
from undelivered.desk.actors import UNDELIVERED
from undelivered.inbound import returned
from undelivered.inbound.models import Arrival
from undelivered.ops.rehearsal import RehearsalServer

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.real]


@pytest.mark.parametrize(
    ("rewritten", "mode"),
    [
        (None, ReturnPath.SIGNED),
        ("help@desk.example", ReturnPath.LOGIN),
        ("bounces+17@provider.example", ReturnPath.PROVIDER),
        ("", ReturnPath.PROVIDER),
    ],
)
def test_what_the_provider_makes_of_our_sender_is_seen(tmp_path: Path, rewritten: str | None, mode: ReturnPath) -> None:
    MailDomain.objects.create(domain="desk.example", bounce_domain="bounces.desk.example")
    with door(tmp_path, wake.url) as opened:
        relay = RehearsalServer(slow_s=0, delay_s=0)
        port = opened.do(relay.start())
        provider = Provider.objects.create(name="Relay", url=f"smtp+plain://127.0.0.1:{port}")
        made = probe.start(provider, "help@desk.example", by=UNDELIVERED)
        assert made.outcome == "accepted", made.reply
        [mail] = relay.inbox()
        opened.do(relay.stop())
        with smtplib.SMTP("127.0.0.1", opened.port, timeout=15) as client:  # the relay, as a stranger to the door
            client.sendmail(mail.envelope_from if rewritten is None else rewritten, [mail.recipient], mail.content)
    assert returned.read_mail(Arrival.objects.get()).findings[0].feedback is None
    found = probe.last("desk.example", provider)
    assert found
    assert (verdict(found, provider).standing, verdict(found, provider).mode) == (Standing.BACK, mode)
