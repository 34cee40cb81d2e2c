"""Sending domains: their bounce domains, their records in DNS, and who may change what."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.delivery.dns.zone import Zone
from undelivered.delivery import mail_domains, providers
from undelivered.delivery.dns import lookup
from undelivered.delivery.models import MailDomain, ReturnPath
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry, Project
from undelivered.inbound import credentials, from_domains

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it)
    client.force_login(person)
    return person


@pytest.fixture
def zone(monkeypatch):
    found = Zone()
    monkeypatch.setattr(lookup, "_systems_own", lambda: found)
    return found


def open_page(client):
    return client.get(reverse("settings-domains", args=["IT"]))


def save(client, domain="desk.example", **values):
    return client.post(reverse("settings-domain", args=["IT", domain]), values, follow=True)


def look(client, domain="desk.example"):
    return client.post(reverse("settings-domain-check", args=["IT", domain]), follow=True)


def test_every_domain_that_the_project_sends_from_is_shown_with_records_to_publish(client, it, admin, zone):
    credentials.create(it, by=UNDELIVERED, from_domains=["rt.desk.example"])
    credentials.trust(it, "10.0.0.0/8", by=UNDELIVERED, from_domains=["znuny.example"])
    revoked, _ = credentials.create(it, by=UNDELIVERED, from_domains=["old.example"])
    credentials.revoke(revoked, by=UNDELIVERED)
    text = open_page(client).text
    for domain in ("desk.example", "rt.desk.example", "znuny.example"):
        assert f'id="{domain}"' in text
        assert f"_dmarc.{domain}" in text
    assert "old.example" not in text
    assert "Not checked" in text
    assert not zone.asked


def test_a_bounce_domain_is_saved_and_its_records_are_looked_at(client, it, admin, zone):
    answer = save(
        client, bounce_domain="Bounces.Desk.example.", selectors="s1, s2._domainkey.desk.example", addresses=""
    )
    row = MailDomain.objects.get()
    assert (row.domain, row.bounce_domain, row.found["selectors"]) == (
        "desk.example",
        "bounces.desk.example",
        ["s1", "s2"],
    )
    assert ("bounces.desk.example", "MX") in zone.asked
    assert row.checked_at is not None
    assert "Missing" in answer.text
    entry = AuditEntry.objects.get(action="domain.changed")
    assert (entry.target, entry.detail["bounce_domain"]) == ("desk.example", ["", "bounces.desk.example"])


def test_entered_values_are_shown_again_and_other_findings_stay(client, it, admin, zone):
    MailDomain.objects.create(domain="desk.example", found={"probe": {"x": 1}})
    text = save(client, selectors="s1", addresses="23.128.0.5 2600:9000::1").text
    assert 'value="23.128.0.5, 2600:9000::1"' in text
    found = MailDomain.objects.get().found
    assert found["probe"] == {"x": 1}
    assert found["look"]["checks"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"bounce_domain": "not a domain"}, "bounce_domain"),
        ({"bounce_domain": "bounces"}, "bounce_domain"),
        ({"bounce_domain": "<script>.example"}, "bounce_domain"),
        ({"bounce_domain": "desk.example"}, "bounce_domain"),
        ({"bounce_domain": "hr.example"}, "bounce_domain"),
        ({"selectors": "../etc"}, "selectors"),
        ({"selectors": " ".join(f"s{i}" for i in range(30))}, "selectors"),
        ({"addresses": "10.0.0.300"}, "addresses"),
        ({"addresses": "mail.example"}, "addresses"),
    ],
)
def test_what_cannot_be_is_refused_by_field(client, it, admin, zone, values, field):
    Project.objects.create(key="HR", name="HR", from_address="hr@hr.example")
    answer = save(client, **values)
    assert answer.status_code == 422
    card = next(card for card in answer.context["cards"] if card.row.domain == "desk.example")
    assert field in card.form.errors
    assert not MailDomain.objects.filter(bounce_domain__gt="").exists()


def test_a_look_shows_each_record_with_its_reason(client, it, admin, zone):
    providers.set_provider(None, "smtp://23.128.0.7", by=UNDELIVERED, name="Relay")
    zone.names |= {
        "desk.example": {"MX": ["10 mx.desk.example."], "TXT": ["v=spf1 ip4:23.128.0.7 +all"]},
        "_dmarc.desk.example": {"TXT": ["v=DMARC1; p=none; rua=mailto:a@desk.example"]},
    }
    text = look(client).text
    assert "lets the whole internet send" in text
    assert "receivers report what fails" in text
    assert "v=spf1 ip4:23.128.0.7 +all" in text
    assert "Relay" in text


def test_a_second_look_within_seconds_asks_nobody(client, it, admin, zone):
    look(client)
    n = len(zone.asked)
    assert "a moment ago" in look(client).text
    assert len(zone.asked) == n
    MailDomain.objects.update(checked_at=timezone.now() - mail_domains.PAUSE)
    look(client)
    assert len(zone.asked) == 2 * n


def test_texts_of_dns_are_shown_as_text(client, it, admin, zone):
    zone.names["desk.example"] = {"TXT": ["v=spf1 <script>alert(1)</script>"]}
    assert "<script>alert(1)" not in look(client).text


def test_a_look_of_another_way_of_sending_is_outdated(client, it, admin, zone):
    provider = providers.set_provider(None, "smtp://23.128.0.7", by=UNDELIVERED, name="Relay")
    look(client)
    assert "in another way since then" not in open_page(client).text
    provider.return_path = ReturnPath.PROVIDER
    provider.save()
    assert "in another way since then" in open_page(client).text


def test_a_domain_of_several_projects_is_changed_by_site_admins_only(client, it, admin, zone):
    Project.objects.create(key="HR", name="HR", from_address="hr@desk.example")
    assert from_domains.is_shared("desk.example", it)
    assert "Only site admins may change" in open_page(client).text
    assert save(client, bounce_domain="bounces.desk.example").status_code == 403
    assert look(client).status_code == 200
    client.force_login(make.person(is_site_admin=True))
    assert save(client, bounce_domain="bounces.desk.example").status_code == 200
    assert MailDomain.objects.get().bounce_domain == "bounces.desk.example"


def test_a_domain_of_another_project_is_not_there(client, it, admin, zone):
    Project.objects.create(key="HR", name="HR", from_address="hr@hr.example")
    assert save(client, "hr.example", bounce_domain="b.hr.example").status_code == 404
    assert look(client, "hr.example").status_code == 404
    assert not MailDomain.objects.exists()


def test_another_bounce_domain_is_to_be_proved_anew(client, it, admin, zone):
    MailDomain.objects.create(domain="desk.example", bounce_domain="b.desk.example", proved_at=timezone.now())
    save(client, bounce_domain="b.desk.example")
    assert MailDomain.objects.get().proved_at is not None
    save(client, bounce_domain="c.desk.example")
    assert MailDomain.objects.get().proved_at is None


def test_site_admins_see_all_domains(client, it, admin, zone):
    Project.objects.create(key="HR", name="HR", from_address="hr@desk.example")
    where = reverse("system-domains")
    assert client.get(where).status_code == 403
    look(client)
    client.force_login(make.person(is_site_admin=True))
    text = client.get(where).text
    assert text.count('<span class="strong">desk.example</span>') == 1
    assert ">HR</a>" in text
    assert "Checked" in text
