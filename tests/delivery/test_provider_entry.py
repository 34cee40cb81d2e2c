"""An email service as a provider: its secrets are stored apart and encrypted, its webhook has a secret address."""

from __future__ import annotations

import json

import pytest

from tests import make
from undelivered.delivery import hooks, provider_entry, providers, secrets
from undelivered.delivery.models import Provider, ReturnPath
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.delivery.transports.provider_url import SmtpSettings
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db


def put(url: str, password: str | None = None, **options: object) -> Provider:
    return providers.set_provider(None, url, by=UNDELIVERED, password=password, **options)


def used(provider: Provider) -> EspSettings:
    found = providers.settings_of(provider, connections=3)
    assert isinstance(found, EspSettings)
    return found


def test_its_secret_is_stored_encrypted_by_name_and_used():
    provider = put("esp://postmark", "hush")
    assert provider.name == "Postmark"
    assert "hush" not in provider.secret + provider.url + str(AuditEntry.objects.get().detail)
    assert json.loads(secrets.decrypt(provider.secret)) == {"server_token": "hush"}
    assert used(provider).secrets == {"server_token": "hush"}


def test_a_secret_in_the_url_is_not_stored_there():
    provider = put("esp://mailgun?api_key=hush&sender_domain=mg.example.com")
    assert provider.url == "esp://mailgun?sender_domain=mg.example.com"
    assert used(provider).secrets == {"api_key": "hush"}


def test_what_is_lacking_is_named():
    for url, password, lack in (
        ("esp://postmark", "", "Postmark needs server_token"),
        ("esp://mailjet", '{"api_key": "a"}', "Mailjet needs secret_key"),
        ("esp://postal", "hush", "Postal needs api_url"),
    ):
        with pytest.raises(ValueError, match=lack):
            put(url, password)
    assert not Provider.objects.exists()


def test_a_further_secret_joins_those_that_are_stored():
    put("esp://mailgun", "hush")
    provider = put("esp://mailgun?sender_domain=mg.example.com", '{"webhook_signing_key": "sign"}')
    assert used(provider).secrets == {"api_key": "hush", "webhook_signing_key": "sign"}
    provider = put("esp://mailgun", '{"api_key": "other"}')
    assert used(provider).secrets == {"api_key": "other", "webhook_signing_key": "sign"}


def test_secrets_are_not_told_to_another_api():
    put("esp://mailgun", "hush")
    for url in ("esp://mailgun?api_url=https://api.example.net", "esp://brevo"):
        with pytest.raises(ValueError, match="needs api_key"):
            put(url)


def test_secrets_under_another_secret_key_are_asked_for_again(settings):
    put("esp://postmark", "hush")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    with pytest.raises(ValueError, match="needs server_token"):
        put("esp://postmark")
    assert hooks.url(put("esp://postmark", "hush"))


def test_it_takes_bounces_itself_and_its_webhook_gets_a_secret_address():
    provider = put("esp://postmark", "hush")
    assert provider.return_path == ReturnPath.PROVIDER
    address = hooks.url(provider)
    assert address is not None
    secret = secrets.decrypt(provider.hook_secret)
    assert address.endswith(f"/hooks/{provider.pk}/{secret}/")
    assert len(secret) >= 32
    assert secret not in provider.hook_secret
    assert hooks.opens(provider, secret)
    assert not hooks.opens(provider, secret[:-1])
    assert not hooks.opens(provider, "")


def test_the_webhooks_address_stays_as_long_as_the_service_does():
    before = hooks.url(put("esp://postmark", "hush"))
    assert hooks.url(put("esp://postmark?timeout=5")) == before
    assert hooks.url(put("esp://brevo", "hush")) != before


def test_a_service_whose_events_nobody_reads_has_no_webhook_address():
    assert hooks.url(put("esp://scaleway?project_id=1", "hush")) is None


def test_nobody_opens_the_webhook_of_a_provider_without_one():
    provider = put("smtp://mail.example.com")
    assert hooks.url(provider) is None
    assert not hooks.opens(provider, "")


def test_an_smtp_server_in_its_place_starts_as_one():
    put("esp://postmark", "hush")
    provider = put("smtp://ann:pw@mail.example.com")
    assert (provider.return_path, provider.hook_secret) == (ReturnPath.LOGIN, "")
    assert isinstance(providers.settings_of(provider, connections=3), SmtpSettings)


def test_a_mode_that_was_chosen_for_an_smtp_server_stays():
    provider = put("smtp://mail.example.com")
    Provider.objects.update(return_path=ReturnPath.SIGNED)
    put("smtp://mail.example.com", name="Another name")
    provider.refresh_from_db()
    assert provider.return_path == ReturnPath.SIGNED


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("smtps://ann:pw@mail.example.com:465?rate=5", ReturnPath.SIGNED),
        ("smtp://ann:pw@other.example.com", ReturnPath.LOGIN),
        ("smtp://bo:pw@mail.example.com", ReturnPath.LOGIN),
    ],
)
def test_what_another_server_or_login_makes_of_our_sender_is_not_known(url, mode):
    provider = put("smtp://ann:pw@mail.example.com")
    Provider.objects.update(return_path=ReturnPath.SIGNED)
    put(url)
    provider.refresh_from_db()
    assert provider.return_path == mode


def test_a_project_may_not_point_the_api_inside_nor_use_the_machines_keys():
    project = make.project()
    for url, refusal in (
        ("esp://postmark?api_url=https://127.0.0.1", "not a public host"),
        ("esp://amazon_ses?region_name=eu-west-1&endpoint_url=https://169.254.169.254", "needs aws_access_key_id"),
    ):
        with pytest.raises(ValueError, match=refusal):
            providers.set_provider(
                project, url, by=UNDELIVERED, password='{"server_token": "x"}' if "post" in url else ""
            )
    own = '{"aws_secret_access_key": "s"}'
    with pytest.raises(ValueError, match="for the site's provider only"):
        providers.set_provider(
            project,
            "esp://amazon_ses?region_name=x&aws_access_key_id=a&endpoint_url=https://169.254.169.254",
            by=UNDELIVERED,
            password=own,
        )


def test_what_is_stored_is_compared_with_what_the_settings_say():
    provider = put("esp://postmark", "hush")
    assert provider_entry.holds(provider, "esp://:hush@postmark")
    assert not provider_entry.holds(provider, "esp://:other@postmark")
    assert not provider_entry.holds(provider, "esp://:hush@postmark?timeout=5")
    smtp = put("smtp://ann:pw@mail.example.com")
    assert provider_entry.holds(smtp, "smtp://ann:pw@mail.example.com")
    assert not provider_entry.holds(smtp, "smtp://ann:other@mail.example.com")
