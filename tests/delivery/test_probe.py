"""The test of a provider: what goes out, what its coming back means, and what is said meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone

from tests.delivery.worker_at import DOWN, GREYLISTED, OK, Scripted
from undelivered.database.ids import uuid7
from undelivered.delivery import mail_domains, probe, return_path, secrets, signing
from undelivered.delivery.models import MailDomain, Provider, ReturnPath
from undelivered.delivery.outcomes import Refused, Stage
from undelivered.delivery.probe import Probe
from undelivered.delivery.probe_verdict import Standing, verdict
from undelivered.delivery.signing import Purpose
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db
FROM = "help@desk.example"
NOT_OURS = Refused("550 5.7.60 Client does not have permissions to send as this sender", code=550, stage=Stage.MAIL)
NO_RELAY = Refused("550 5.7.1 Relaying denied", code=550, stage=Stage.RCPT)


@pytest.fixture
def provider() -> Provider:
    return Provider.objects.create(name="Relay", url="smtp://login%40mail.example@smtp.example.net")


@pytest.fixture(autouse=True)
def domain() -> MailDomain:
    return MailDomain.objects.create(domain="desk.example", bounce_domain="bounces.desk.example", found={"look": {}})


@pytest.fixture
def script(monkeypatch) -> Scripted:
    made = Scripted()
    monkeypatch.setattr(probe, "_transport", lambda provider: made)
    return made


def start(provider: Provider, from_address: str = FROM) -> Probe:
    return probe.start(provider, from_address, by=UNDELIVERED)


def now(provider: Provider) -> Probe:
    found = probe.last("desk.example", provider)
    assert found
    return found


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_a_mail_goes_out_with_a_signed_sender_to_an_address_for_this_test_alone(provider, script):
    made = start(provider)
    [sent] = script.sent
    id = UUID(made.id)
    assert return_path.opened(sent.sender) == id
    assert return_path.opened_probe(sent.recipient) == id
    assert {one.partition("@")[2] for one in (sent.sender, sent.recipient)} == {"bounces.desk.example"}
    mail = message_from_bytes(sent.message)
    assert (mail["From"], mail["To"], mail["Auto-Submitted"]) == (FROM, sent.recipient, "auto-generated")
    assert signing.read(Purpose.HEADER, mail["X-Undelivered-Id"]) == id
    assert (made.outcome, made.reply) == ("accepted", OK.reply)
    assert now(provider) == made
    assert AuditEntry.objects.get(action="provider.tested").detail["domain"] == "desk.example"


def test_what_is_known_of_the_domain_stays(provider, script):
    start(provider)
    assert MailDomain.objects.get().found["look"] == {}


def test_each_provider_has_a_test_of_its_own(provider, script):
    other = Provider.objects.create(name="Second", url="smtp://second.example", rank=1)
    one, two = start(provider), start(other)
    assert (now(provider).id, now(other).id) == (one.id, two.id)


def test_it_goes_to_the_sites_bounce_domain_where_there_is_no_other(provider, script, monkeypatch):
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, bounce_domain="bounces.example"))
    assert start(provider, "it@other.example").bounce_domain == "bounces.example"
    assert probe.last("other.example", provider)


@pytest.mark.parametrize(
    ("from_address", "says"),
    [("it@other.example", "other.example has no bounce domain"), ("not an address", "no address to send from")],
)
def test_what_cannot_be_tested_is_said_and_nothing_is_sent(provider, script, from_address, says):
    with pytest.raises(ValueError, match=says):
        start(provider, from_address)
    assert script.sent == []
    assert not AuditEntry.objects.exists()


def test_an_email_service_needs_no_test(script):
    service = Provider.objects.create(name="Service", url="esp://postmark")
    with pytest.raises(ValueError, match="nothing to test"):
        start(service)


def test_one_test_at_a_time(provider, script):
    first = start(provider)
    with pytest.raises(ValueError, match="a moment ago"):
        start(provider)
    assert now(provider) == first
    _age(provider, probe.PAUSE)
    assert start(provider).id != first.id
    assert len(script.sent) == 2


def test_a_password_that_cannot_be_read_is_the_answer(provider, monkeypatch):
    def unreadable(provider):
        raise secrets.Unreadable("The password was stored under another secret key.")

    monkeypatch.setattr(probe, "_transport", unreadable)
    assert "another secret key" in start(provider).reply


def test_a_provider_that_says_nothing_is_not_waited_for_long(provider, script, monkeypatch):
    async def never():
        await asyncio.Event().wait()

    monkeypatch.setattr(probe, "SEND_S", 0.01)
    script.usual = never
    assert start(provider).outcome == "unreachable"


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "mode"),
    [
        ("{ours}", ReturnPath.SIGNED),
        ("prvs=1234abcdef={ours}", ReturnPath.SIGNED),
        ("SRS0=HHH=TT=bounces.desk.example={local}@relay.example", ReturnPath.SIGNED),
        ("Login@MAIL.example", ReturnPath.LOGIN),
        (FROM, ReturnPath.LOGIN),
        ("bounce-4711@provider.example", ReturnPath.PROVIDER),
        ("", ReturnPath.PROVIDER),
        ("{another}", ReturnPath.PROVIDER),
    ],
)
def test_the_sender_that_it_comes_back_with_tells_the_mode(provider, script, sender, mode):
    id = UUID(start(provider).id)
    ours = script.sent[0].sender
    given = sender.format(
        ours=ours, local=ours.partition("@")[0], another=return_path.sender(uuid7(), "bounces.desk.example")
    )
    assert probe.seen(id, sender=given, peer="192.0.2.1")
    found = verdict(now(provider), provider)
    assert (found.standing, found.mode) == (Standing.BACK, mode)
    assert (now(provider).sender, now(provider).peer) == (given, "192.0.2.1")
    assert MailDomain.objects.get().proved_at is not None


def test_its_signatures_tell_the_dns_page_which_keys_to_look_for(provider, script):
    raw = b"DKIM-Signature: v=1; a=rsa-sha256; d=desk.example; s=pm1; b=x\r\nFrom: help@desk.example\r\n\r\n"
    probe.seen(UUID(start(provider).id), sender=FROM, raw=raw)
    asked = mail_domains.asked(MailDomain.objects.get(), provider)
    assert [tuple(one) for one in asked.seen] == [("desk.example", "pm1")]


def test_whatever_others_write_can_be_kept(provider, script):
    script.usual = replace(OK, reply="250 \x00\udcff Ok")
    made = start(provider)
    raw = b"DKIM-Signature: d=a\x00\xff.example; s=x\r\n" + b"".join(
        b"DKIM-Signature: d=d%d.example; s=x\r\n" % n for n in range(99)
    )
    assert probe.seen(UUID(made.id), sender="\x00\udcff@x.example", peer="\x00", raw=raw)
    assert "\x00" not in now(provider).sender + now(provider).reply + now(provider).peer
    assert len(MailDomain.objects.get().found["signatures"]) == probe.MOST_SIGNATURES


def test_without_its_envelope_sender_it_proves_the_domain_and_no_mode(provider, script):
    probe.seen(UUID(start(provider).id), sender=None)
    found = verdict(now(provider), provider)
    assert (found.standing, found.mode) == (Standing.BACK, None)
    assert MailDomain.objects.get().proved_at is not None


def test_the_first_time_counts(provider, script):
    id = UUID(start(provider).id)
    probe.seen(id, sender=script.sent[0].sender)
    probe.seen(id, sender="somebody@else.example")
    assert verdict(now(provider), provider).mode == ReturnPath.SIGNED


def test_it_may_be_back_before_the_provider_has_answered(provider, monkeypatch):
    def delivers_at_once(provider, id, made):
        probe.seen(id, sender=return_path.sender(id, made.bounce_domain))
        return OK

    monkeypatch.setattr(probe, "_send", delivers_at_once)
    made = start(provider)
    assert (made.outcome, made.mode) == ("accepted", "signed")


def test_one_that_nobody_waits_for_changes_nothing(provider, script):
    start(provider)
    before = now(provider)
    assert not probe.seen(uuid7(), sender=FROM)
    assert now(provider) == before
    assert MailDomain.objects.get().proved_at is None


def test_a_domain_that_was_moved_meanwhile_is_not_proved(provider, script):
    id = UUID(start(provider).id)
    MailDomain.objects.update(bounce_domain="other.desk.example")
    probe.seen(id, sender=script.sent[0].sender)
    assert MailDomain.objects.get().proved_at is None
    assert probe.last("desk.example", provider) is None


def test_what_was_found_with_other_settings_of_the_provider_is_not_shown(provider, script):
    start(provider)
    provider.changed_at = timezone.now() + timedelta(seconds=1)
    assert probe.last("desk.example", provider) is None


# --- what is said meanwhile -------------------------------------------------------------------------------------------


def _age(provider: Provider, by: timedelta) -> None:
    row = MailDomain.objects.get()
    stored = row.found["probes"][str(provider.pk)]
    stored["at"] = (timezone.now() - by).isoformat()
    row.save()
    provider.changed_at = timezone.now() - by - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("answer", "standing", "mode", "says"),
    [
        (OK, Standing.WAITING, None, "took the mail"),
        (NOT_OURS, Standing.REFUSED, ReturnPath.LOGIN, "our own envelope sender"),
        (replace(NOT_OURS, stage=Stage.AFTER_DOT), Standing.REFUSED, ReturnPath.LOGIN, "our own envelope sender"),
        (NO_RELAY, Standing.REFUSED, None, "mail to bounces.desk.example"),
        (GREYLISTED, Standing.REFUSED, None, "later"),
        (DOWN, Standing.REFUSED, None, "cannot be used"),
    ],
)
def test_what_the_provider_answers_is_a_verdict_too(provider, script, answer, standing, mode, says):
    script.usual = answer
    start(provider)
    found = verdict(now(provider), provider)
    assert (found.standing, found.mode) == (standing, mode)
    assert says in found.why
    assert found.reply == ("" if answer is OK else answer.reply)


def test_one_that_does_not_come_back_says_what_to_look_at(provider, script):
    start(provider)
    assert not verdict(now(provider), provider).look_at
    _age(provider, timedelta(minutes=6))
    found = verdict(now(provider), provider)
    assert (found.standing, found.mode) == (Standing.OVERDUE, None)
    mx, port, mailbox = found.look_at
    assert "MX of bounces.desk.example" in mx
    assert "Port 25" in port
    assert "login@mail.example" in mailbox


def test_one_that_comes_late_counts(provider, script):
    id = UUID(start(provider).id)
    _age(provider, timedelta(hours=6))
    probe.seen(id, sender=script.sent[0].sender)
    assert verdict(now(provider), provider).standing == Standing.BACK


def test_one_that_broke_off_can_be_started_again(provider, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(probe, "_send", stop)
    with pytest.raises(KeyboardInterrupt):
        start(provider)
    assert verdict(now(provider), provider).standing == Standing.SENDING
    _age(provider, timedelta(minutes=1))
    assert "broke off" in verdict(now(provider), provider).why


# --- choosing ---------------------------------------------------------------------------------------------------------


def test_a_mode_is_chosen_once_and_the_audit_log_says_so(provider):
    return_path.choose(provider, ReturnPath.SIGNED, by=UNDELIVERED)
    return_path.choose(provider, ReturnPath.SIGNED, by=UNDELIVERED)
    provider.refresh_from_db()
    assert provider.return_path == ReturnPath.SIGNED
    assert AuditEntry.objects.get(action="provider.changed").detail == {"return_path": "signed"}
