"""SMTP credentials and trusted networks: made and taken back in the browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry
from undelivered.inbound import credentials
from undelivered.inbound.access import digest
from undelivered.inbound.models import SmtpCredential, TrustedNetwork

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def post(client, page, /, *more, **values):
    return client.post(reverse(page, args=["IT", *more]), values, follow=True)


def test_a_password_is_shown_once_and_opens_the_door(client, it, admin):
    answer = post(client, "settings-credentials", name="RT", from_domains="rt.example, Desk.example")
    password, made = answer.context["password"], SmtpCredential.objects.get()
    assert password in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert made.digest == digest(password)
    assert (made.project, made.created_by, made.from_domains) == (it, admin, ["desk.example", "rt.example"])
    text = client.get(reverse("settings-credentials", args=["IT"])).text
    assert made.username in text
    assert password not in text
    assert "Never used" in text
    assert password not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_reloading_the_answer_makes_no_second_credential(client, it, admin):
    post(client, "settings-credentials", name="RT")
    assert post(client, "settings-credentials", name="RT").status_code == 422
    assert SmtpCredential.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [({"name": ""}, "name"), ({"name": "RT", "from_domains": "a b@c"}, "from_domains"), ({"name": "x\ny"}, "name")],
)
def test_a_credential_that_cannot_be_is_refused_by_field(client, it, admin, values, field):
    answer = post(client, "settings-credentials", **values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not SmtpCredential.objects.exists()


def test_a_revoked_credential_is_gone_from_the_list(client, it, admin):
    made, _ = credentials.create(it, by=UNDELIVERED, name="RT")
    SmtpCredential.objects.update(last_used_at=timezone.now())
    assert "Just now" in client.get(reverse("settings-credentials", args=["IT"])).text
    post(client, "settings-credential-revoke", made.pk)
    assert SmtpCredential.objects.get().revoked_at is not None
    assert made.username not in client.get(reverse("settings-credentials", args=["IT"])).text
    assert client.post(reverse("settings-credential-revoke", args=["IT", made.pk])).status_code == 404


def test_what_another_project_has_cannot_be_taken_back(client, it, admin):
    other = make.project("HR")
    made, _ = credentials.create(other, by=UNDELIVERED)
    network = credentials.trust(other, "10.1.0.0/16", by=UNDELIVERED)
    assert client.post(reverse("settings-credential-revoke", args=["IT", made.pk])).status_code == 404
    assert client.post(reverse("settings-network-remove", args=["IT", network.pk])).status_code == 404
    assert SmtpCredential.objects.get().revoked_at is None
    assert TrustedNetwork.objects.exists()


def test_a_network_is_trusted_and_distrusted(client, it, admin):
    text = post(client, "settings-network-add", network="10.1.2.3/24", from_domains="znuny.example").text
    row = TrustedNetwork.objects.get()
    assert (row.network, row.from_domains, row.created_by) == ("10.1.2.0/24", ["znuny.example"], admin)
    assert "10.1.2.0/24" in text
    post(client, "settings-network-remove", row.pk)
    assert not TrustedNetwork.objects.exists()


@pytest.mark.parametrize("network", ["", "everybody", "0.0.0.0/0", "10.0.0.0/7", "::/0"])
def test_a_network_that_cannot_be_trusted_is_refused(client, it, admin, network):
    answer = post(client, "settings-network-add", network=network)
    assert answer.status_code == 422
    assert answer.context["network_form"].errors
    assert not TrustedNetwork.objects.exists()


@pytest.mark.parametrize(
    ("network", "domain", "allowed"),
    [
        ("10.1.2.3", "desk.example", False),
        ("10.0.0.0/8", "desk.example", False),
        ("10.1.2.3", "it.example", True),
        ("192.168.1.0/24", "desk.example", True),
        ("2001:db8::/32", "desk.example", True),
    ],
)
def test_a_network_and_domain_that_another_project_trusts_stay_its_own(client, it, admin, network, domain, allowed):
    credentials.trust(make.project("HR"), "10.1.0.0/16", by=UNDELIVERED, from_domains=["desk.example"])
    answer = post(client, "settings-network-add", network=network, from_domains=domain)
    assert answer.status_code == (200 if allowed else 422)
    assert it.trusted_networks.exists() is allowed


def test_the_page_says_how_to_point_a_help_desk_here(client, it, admin, settings):
    where = reverse("settings-credentials", args=["IT"])
    settings.ENV = replace(settings.ENV, smtp_host="127.0.0.1", smtp_port=2525, tls_cert=None)
    text = client.get(where).text
    assert "listens on this machine alone" in text
    assert "swaks --server 127.0.0.1:2525" in text
    assert "only programs on this machine may log in" in text
    settings.ENV = replace(
        settings.ENV, smtp_host="0.0.0.0", smtp_name="mx.desk.example", tls_cert=Path("/x"), smtp_tls_port=465
    )
    text = client.get(where).text
    assert "swaks --server mx.desk.example:2525" in text
    assert "STARTTLS" in text
    assert "465" in text
    assert "this machine alone" not in text
