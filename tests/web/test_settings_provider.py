"""Providers in the browser: every kind of them, whose they are, where bounces go, and what is never shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.delivery import hooks, probe, providers, secrets
from undelivered.delivery.models import MailDomain, Notification, Provider, ReturnPath
from undelivered.delivery.outcomes import Accepted
from undelivered.delivery.transports import esps
from undelivered.delivery.transports.provider_url import Security, parse_provider_url
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry
from undelivered.web.pages.settings import provider_kinds

pytestmark = pytest.mark.django_db

SMTP = {"host": "127.0.0.1", "port": "587", "security": "smtp", "username": "it", "password": "s3cret"}
XOAUTH2 = {
    "kind": "microsoft",
    "host": "smtp.office365.com",
    "port": "587",
    "security": "smtp+starttls",
    "username": "it@desk.example",
    "password": "client-secret",
    "login": "client_credentials",
    "client_id": "app-1",
    "token_url": "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
    "scope": "https://outlook.office365.com/.default",
}


@pytest.fixture
def it(settings):
    """Hosts inside the network are allowed: nothing here may look a name up."""
    settings.ENV = replace(settings.ENV, allow_private_hosts=True)
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


@pytest.fixture
def site_admin(client, admin):
    person = make.person(is_site_admin=True)
    client.force_login(person)
    return person


def post(client, page="settings-provider", /, **values):
    return client.post(reverse(page, args=["IT"]), values, follow=True)


def opened(client, **query):
    return client.get(reverse("settings-provider", args=["IT"]), query)


# -- mail servers


def test_a_provider_is_stored_with_its_password_encrypted(client, it, admin):
    post(client, **SMTP, name="Relay")
    stored = Provider.objects.get(project=it)
    assert stored.url == "smtp://it@127.0.0.1:587"
    assert "s3cret" not in stored.secret
    assert secrets.decrypt(stored.secret) == "s3cret"
    for text in (opened(client).text, opened(client, edit="yes").text):
        assert "s3cret" not in text
    assert "Stored, encrypted" in opened(client).text


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"name": "Another name"}, True),
        ({"rate": "0.5", "timeout": "30", "connections": "4", "helo": "desk.example"}, True),
        ({"port": "465"}, False),
        ({"host": "127.0.0.2"}, False),
        ({"username": "hr"}, False),
        ({"unverified": "on"}, False),
        ({"login": "refresh_token", "client_id": "x", "token_url": "https://evil.example/t"}, False),
    ],
)
def test_a_password_stays_only_with_its_server_and_user(client, it, admin, values, kept):
    post(client, **SMTP)
    post(client, **{**SMTP, "password": "", **values})
    assert secrets.decrypt(Provider.objects.get().secret) == ("s3cret" if kept else "")


def test_everything_that_the_url_can_say_has_a_field_and_comes_back(client, it, admin):
    more = {"rate": "0.50", "connections": "4", "domain_connections": "2", "timeout": "90", "helo": "mx.desk.example"}
    post(client, **SMTP, **more, unverified="on")
    where = parse_provider_url(Provider.objects.get().url)
    assert (where.rate, where.max_connections, where.domain_connections, where.timeout_s) == (0.5, 4, 2, 90)
    assert (where.helo_name, where.verify) == ("mx.desk.example", False)
    again = opened(client, edit="yes").context["form"].initial
    post(client, **{name: value for name, value in again.items() if value not in (None, False, "")}, password="other")
    assert parse_provider_url(Provider.objects.get().url) == where
    text = opened(client).text
    assert "0.5 mails a second" in text
    assert "the certificate is not checked" in text


def test_an_ipv6_host_is_taken_in_brackets(client, it, admin):
    post(client, **{**SMTP, "host": "[::1]"})
    assert parse_provider_url(Provider.objects.get().url).host == "::1"
    assert opened(client, edit="yes").context["form"].initial["host"] == "[::1]"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"host": ""}, "host"),
        ({"host": "user:pw@evil.example"}, "host"),
        ({"port": "70000"}, "port"),
        ({"username": "", "password": "x"}, "username"),
        ({"security": "telnet"}, "security"),
        ({"rate": "0"}, "rate"),
        ({"rate": "1e9"}, "rate"),
        ({"timeout": "99999"}, "timeout"),
        ({"connections": "0"}, "connections"),
        ({"helo": "a\nb"}, "helo"),
        ({"login": "refresh_token"}, "client_id"),
        ({"login": "refresh_token", "client_id": "x", "username": ""}, "username"),
        ({"login": "magic"}, "login"),
    ],
)
def test_a_provider_that_cannot_be_is_refused_by_field(client, it, admin, values, field):
    answer = post(client, **{**SMTP, **values})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Provider.objects.exists()


def test_a_host_inside_the_network_is_refused_where_the_site_does_not_allow_it(client, it, admin, settings):
    settings.ENV = replace(settings.ENV, allow_private_hosts=False)
    answer = post(client, **SMTP)
    assert "127.0.0.1 is not a public host" in answer.text
    assert not Provider.objects.exists()


def test_microsoft_365_is_set_up_with_a_token(client, it, admin):
    form = opened(client, edit="yes", kind="microsoft").context["form"]
    assert form.initial["host"] == "smtp.office365.com"
    assert "token_url" in post(client, **{**XOAUTH2, "token_url": form.initial["token_url"]}).context["form"].errors
    post(client, **XOAUTH2)
    where = parse_provider_url(Provider.objects.get().url)
    assert (where.security, where.oauth.client_id, where.oauth.scope) == (
        Security.STARTTLS,
        "app-1",
        "https://outlook.office365.com/.default",
    )
    assert "From login.microsoftonline.com" in opened(client).text
    assert opened(client, edit="yes").context["form"].initial["client_id"] == "app-1"


def test_a_token_server_that_is_not_encrypted_is_refused(client, it, admin):
    answer = post(client, **{**XOAUTH2, "token_url": "http://login.example/token"})
    assert answer.status_code == 422
    assert "https://" in answer.text


# -- email services


@pytest.mark.parametrize("name", esps.names())
def test_every_service_that_anymail_knows_can_be_chosen_and_set_up(client, it, site_admin, name):
    assert f"kind={name}" in opened(client, edit="yes").text
    page = opened(client, edit="yes", kind=name)
    values = {
        f"set_{one.name}": f"https://{one.name}.example" for one in esps.find(name).settings if one.needed or one.own
    }
    assert all(field in page.text for field in values)
    post(client, kind=name, **values)
    stored = Provider.objects.get()
    assert (stored.url.partition("?")[0], stored.return_path) == (f"esp://{name}", ReturnPath.PROVIDER)
    shown = opened(client).text
    for one in esps.find(name).secrets:
        assert f"https://{one.name}.example" not in shown


def test_a_service_that_lacks_its_secret_is_refused_by_field(client, it, admin):
    answer = post(client, kind="postmark")
    assert answer.status_code == 422
    assert "set_server_token" in answer.context["form"].errors
    assert not Provider.objects.exists()


def test_a_services_secret_stays_and_its_options_come_back(client, it, admin):
    post(client, kind="mailgun", set_api_key="hush", set_sender_domain="mg.desk.example", rate="20", extra="o:tag=desk")
    before = Provider.objects.get()
    form = opened(client, edit="yes").context["form"]
    assert form.initial["extra"] == "o:tag=desk"
    assert form.initial["set_sender_domain"] == "mg.desk.example"
    post(client, kind="mailgun", set_sender_domain="mg2.desk.example", set_webhook_signing_key="key")
    after = providers.settings_of(Provider.objects.get(), connections=1)
    assert after.secrets == {"api_key": "hush", "webhook_signing_key": "key"}
    assert Provider.objects.get().hook_secret == before.hook_secret


def test_lines_that_are_no_options_are_refused(client, it, admin):
    answer = post(client, kind="postmark", set_server_token="hush", extra="MessageStream")
    assert "extra" in answer.context["form"].errors


def test_the_address_for_webhooks_is_shown_to_those_who_may_change_the_provider(client, it, admin):
    post(client, kind="postmark", set_server_token="hush")
    address = hooks.url(Provider.objects.get())
    assert address in opened(client).text
    providers.remove(it, by=UNDELIVERED)
    site = providers.set_provider(None, "esp://postmark", by=UNDELIVERED, password="hush")
    assert hooks.url(site) not in opened(client).text
    client.force_login(make.person(is_site_admin=True))
    assert hooks.url(site) in opened(client).text


def test_a_webhook_secret_under_another_key_is_said(client, it, admin):
    post(client, kind="postmark", set_server_token="hush")
    Provider.objects.update(hook_secret="gibberish")
    assert "cannot be read" in opened(client).text


def test_a_kind_that_does_not_exist_is_not_found(client, it, admin):
    assert opened(client, edit="yes", kind="pigeon").status_code == 404
    assert post(client, kind="pigeon").status_code == 404


def test_each_kind_is_of_a_stored_provider_what_it_was_made_with(client, it, admin):
    post(client, kind="postmark", set_server_token="hush")
    assert opened(client, edit="yes").context["kind"] == provider_kinds.find("postmark")
    assert opened(client, edit="yes", kind="choose").context["kind"] is None
    form = opened(client, edit="yes", kind="smtp").context["form"]
    assert form.initial == {"security": "smtp", "port": 587}
    post(client, **SMTP)
    assert Provider.objects.get().return_path == ReturnPath.LOGIN


# -- whose


def test_only_site_admins_change_the_sites_provider(client, it, admin):
    assert post(client, **SMTP, scope="site").status_code == 403
    client.force_login(make.person(is_site_admin=True))
    post(client, **SMTP, scope="site")
    assert Provider.objects.get().project is None


def test_an_outage_is_shown_and_the_provider_can_be_resumed(client, it, admin):
    providers.set_provider(it, "smtp://127.0.0.1:1", by=UNDELIVERED, name="Relay", rehearsal=True)
    later = timezone.now() + timedelta(minutes=5)
    Provider.objects.update(incident_since=timezone.now(), incident="Connection refused", paused_until=later)
    assert "Connection refused" in opened(client).text
    post(client, "settings-provider-resume")
    assert Provider.objects.get().paused_until < timezone.now()


def test_the_sites_provider_is_resumed_by_site_admins_only(client, it, admin):
    providers.set_provider(None, "smtp://127.0.0.1:1", by=UNDELIVERED)
    assert post(client, "settings-provider-resume").status_code == 403


def test_a_project_goes_back_to_the_sites_provider(client, it, admin):
    post(client, **SMTP)
    post(client, "settings-provider-remove")
    assert not Provider.objects.exists()
    assert "No provider yet" in opened(client).text
    assert post(client, "settings-provider-resume").status_code == 404


def test_a_fallback_is_set_up_beside_the_first_and_taken_away(client, it, admin):
    post(client, **SMTP, name="Relay")
    assert "No fallback" in opened(client).text
    post(client, **{**SMTP, "host": "127.0.0.2", "rank": "1"}, name="Second")
    assert [(one.name, one.rank) for one in Provider.objects.order_by("rank")] == [("Relay", 0), ("Second", 1)]
    text = opened(client).text
    assert "Stands by" in text
    Provider.objects.filter(rank=0).update(incident_since=timezone.now(), incident="x")
    assert "Mail goes to Second meanwhile" in opened(client).text
    post(client, "settings-provider-remove", rank="1")
    assert [one.name for one in Provider.objects.all()] == ["Relay"]


def test_a_fallback_needs_a_first(client, it, admin):
    answer = post(client, **SMTP, rank="1")
    assert answer.status_code == 422
    assert "set that one first" in answer.text


def test_the_sites_fallback_is_the_site_admins(client, it, admin):
    providers.set_provider(None, "smtp://127.0.0.1:1", by=UNDELIVERED)
    providers.set_provider(None, "smtp://127.0.0.2:1", by=UNDELIVERED, rank=1)
    assert post(client, "settings-provider-remove", scope="site", rank="1").status_code == 403
    client.force_login(make.person(is_site_admin=True))
    assert post(client, "settings-provider-remove", scope="site").status_code == 403
    post(client, "settings-provider-remove", scope="site", rank="1")
    assert Provider.objects.get().rank == 0


# -- where bounces go


def test_where_bounces_go_is_chosen(client, it, admin):
    post(client, **SMTP)
    changed_at = Provider.objects.get().changed_at
    text = post(client, "settings-provider-bounces", mode="signed").text
    provider = Provider.objects.get()
    assert (provider.return_path, provider.changed_at) == (ReturnPath.SIGNED, changed_at)
    assert "Without a bounce domain: desk.example" in text
    assert AuditEntry.objects.latest("id").detail["return_path"] == ["login", "signed"]
    assert post(client, "settings-provider-bounces", mode="x").status_code == 404


def test_a_service_takes_bounces_itself_and_leaves_no_choice(client, it, admin):
    post(client, kind="postmark", set_server_token="hush")
    assert 'name="mode"' not in opened(client).text
    assert "takes bounces itself" in post(client, "settings-provider-bounces", mode="signed").text
    assert Provider.objects.get().return_path == ReturnPath.PROVIDER


def test_the_sites_provider_lets_bounces_go_where_site_admins_say(client, it, admin):
    providers.set_provider(None, "smtp://127.0.0.1:1", by=UNDELIVERED)
    assert post(client, "settings-provider-bounces", mode="signed").status_code == 403
    assert "site admins choose" in opened(client).text


class Takes:
    """A transport that takes every mail."""

    sent: list[tuple[str, str]] = []

    async def send(self, envelope_from, recipient, message, *, smtputf8=False):
        self.sent.append((envelope_from, recipient))
        return Accepted("250 ok", code=250)

    async def close(self):
        pass


def test_a_test_shows_what_the_provider_does_and_what_is_suggested(client, it, admin, monkeypatch):
    monkeypatch.setattr(probe, "_transport", lambda provider: Takes())
    post(client, **SMTP, name="Relay")
    MailDomain.objects.create(domain="desk.example", bounce_domain="bounces.desk.example")
    where = reverse("settings-domain-test", args=["IT", "desk.example"])
    text = client.post(where, {"back": "provider"}, follow=True).text
    assert "On its way" in text
    sender, recipient = Takes.sent[-1]
    assert recipient.startswith("probe-")
    assert client.post(where, follow=True).text.count("started a moment ago") == 1
    stored = MailDomain.objects.get().found["probes"][str(Provider.objects.get().pk)]
    probe.seen(probe.UUID(stored["id"]), sender=sender)
    text = opened(client).text
    assert "Came back" in text
    assert "our own envelope sender" in text
    way = next(part for part in text.split('class="choice way"') if 'value="signed"' in part)
    assert "Suggested" in way
    post(client, "settings-provider-bounces", mode=["login", "signed"])  # as its button sends it, beside the radio
    assert Provider.objects.get().return_path == ReturnPath.SIGNED
    assert "Came back" in client.get(reverse("settings-domains", args=["IT"])).text


def test_a_test_needs_a_bounce_domain_and_a_provider(client, it, admin):
    where = reverse("settings-domain-test", args=["IT", "desk.example"])
    assert "no provider yet" in client.post(where, follow=True).text
    post(client, **SMTP)
    assert "no bounce domain yet" in client.post(where, follow=True).text


# -- a test mail


def test_a_test_mail_is_queued_and_its_page_opened(client, it, admin):
    post(client, **SMTP, name="Relay")
    answer = post(client, "settings-provider-try", to="mara@desk.example")
    row = Notification.objects.get()
    assert (row.recipient, row.kind, row.event) == ("mara@desk.example", "account", "test")
    assert answer.request["PATH_INFO"] == reverse("notification", args=["IT", row.pk])
    assert AuditEntry.objects.filter(action="provider.tried").exists()


@pytest.mark.parametrize("to", ["mara@", "mara@192.168.0.1", "a@b.example, c@d.example"])
def test_a_test_mail_to_no_address_is_refused(client, it, admin, to):
    post(client, **SMTP)
    assert to in post(client, "settings-provider-try", to=to).text
    assert not Notification.objects.exists()


def test_each_mail_server_has_its_own_way_for_bounces(client, it, admin):
    post(client, **SMTP, name="Relay")
    post(client, **{**SMTP, "host": "127.0.0.2", "rank": "1"}, name="Second")
    text = opened(client).text
    assert "Where bounces go with Relay" in text
    assert "Where bounces go with Second" in text
    post(client, "settings-provider-bounces", mode="provider", rank="1")
    assert list(Provider.objects.order_by("rank").values_list("return_path", flat=True)) == ["login", "provider"]
