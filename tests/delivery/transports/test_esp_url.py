"""An email service as a URL: its options and secrets, which come from Anymail's own source."""

from __future__ import annotations

import json

import pytest

from undelivered.delivery.transports import esps
from undelivered.delivery.transports.esp_url import named, parse_esp_url, same_destination, stored, without_secrets
from undelivered.delivery.transports.provider_url import SmtpSettings, read_provider_url


def test_every_backend_of_anymail_that_is_a_service_is_known_by_its_label_and_settings() -> None:
    found = {one.name: one for one in esps.known()}
    assert len(found) >= 13
    assert found["postmark"].label == "Postmark"
    assert found["postmark"].main_secret == "server_token"
    assert [one.name for one in found["mailjet"].secrets] == ["api_key", "secret_key"]
    assert found["mailjet"].main_secret is None
    assert {one.name for one in found["mailgun"].options} == {"sender_domain", "api_url"}
    assert [one.name for one in found["postal"].settings if one.needed] == ["api_key", "api_url"]


@pytest.mark.parametrize("esp", esps.known(), ids=lambda one: one.name)
@pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")
def test_what_is_read_of_a_service_is_what_its_backend_and_its_webhooks_take(esp: esps.Esp) -> None:
    assert esp.backend().esp_name == esp.label
    if esp.events:
        assert esp.webhook().esp_name == esp.label
        assert "Tracking" in esp.webhook().__name__ or "Combined" in esp.webhook().__name__
    if esp.name not in esps.HANDED_ON:
        esp.backend()(**{one.name: "https://api.example.com" for one in esp.settings if one.needed})


def test_settings_of_webhooks_are_secrets_that_sending_does_without() -> None:
    hooks = {one.name: [s.name for s in one.settings if s.events] for one in esps.known()}
    assert {name: found for name, found in hooks.items() if found} == {
        "mailersend": ["signing_secret"],
        "mailgun": ["webhook_signing_key"],
        "mandrill": ["webhook_key"],
        "postal": ["webhook_key"],
        "resend": ["signing_secret"],
        "sendgrid": ["tracking_webhook_verification_key"],
    }
    assert all(one.secret and not one.needed for esp in esps.known() for one in esp.settings if one.events)


def test_a_url_of_an_email_service_is_read() -> None:
    got = parse_esp_url(
        "esp://mailgun?sender_domain=mg.example.com&api_url=https://api.eu.mailgun.example/v3&rate=5&connections=7"
        "&timeout=9&domain_connections=2&extra.o:tag=desk"
    )
    assert got.esp.label == "Mailgun"
    assert got.options == {"sender_domain": "mg.example.com", "api_url": "https://api.eu.mailgun.example/v3"}
    assert got.hosts == ["api.eu.mailgun.example"]
    assert (got.rate, got.max_connections, got.timeout_s, got.domain_connections) == (5, 7, 9, 2)
    assert got.extra == {"o:tag": "desk"}
    assert got.lacks() == ["api_key"]


def test_names_may_be_written_with_a_hyphen_as_pip_does() -> None:
    assert parse_esp_url("esp://amazon-ses?region_name=eu-west-1").esp.name == "amazon_ses"


def test_a_provider_url_is_of_either_kind() -> None:
    assert isinstance(read_provider_url("smtp://mail.example.com"), SmtpSettings)
    assert not isinstance(read_provider_url("ESP://postmark"), SmtpSettings)


def test_secrets_in_a_url_are_read_and_taken_out_of_what_is_stored() -> None:
    for url in ("esp://:hush@postmark?timeout=5", "esp://postmark?timeout=5&server_token=hush"):
        assert parse_esp_url(url).secrets == {"server_token": "hush"}
        assert without_secrets(url) == "esp://postmark?timeout=5"
        assert "hush" not in repr(parse_esp_url(url))
        assert parse_esp_url(url).lacks() == []


def test_what_stays_of_a_url_says_the_same_as_before() -> None:
    url = "esp://mailgun?api_url=https://api.example.com/v3&extra.h:X-A=b%26c"
    assert without_secrets(url) == url
    assert parse_esp_url(without_secrets(url)) == parse_esp_url(url)


def test_several_secrets_are_given_by_name_and_one_alone_without() -> None:
    mailjet, postmark = esps.find("mailjet"), esps.find("postmark")
    assert named(postmark, "hush") == {"server_token": "hush"}
    assert named(postmark, "") == {}
    both = {"api_key": "a", "secret_key": "b"}
    assert named(mailjet, json.dumps(both)) == both
    assert named(mailjet, stored(both)) == both
    with pytest.raises(ValueError, match="several secrets"):
        named(mailjet, "hush")


@pytest.mark.parametrize("text", ["{", "{}}", '{"api_key": 1}', '{"password": "x"}'])
def test_secrets_that_cannot_be_used_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ValueError, match="Mailjet"):
        named(esps.find("mailjet"), text)


def test_a_project_gives_its_own_keys_where_the_machine_has_some() -> None:
    got = parse_esp_url("esp://amazon_ses?region_name=eu-west-1")
    assert got.lacks() == []
    assert got.lacks(by_project=True) == ["aws_access_key_id", "aws_secret_access_key"]


def test_secrets_follow_to_the_same_api_only() -> None:
    one = parse_esp_url("esp://mailgun?sender_domain=a.example")
    assert same_destination(one, parse_esp_url("esp://mailgun?sender_domain=b.example"))
    assert not same_destination(one, parse_esp_url("esp://mailgun?api_url=https://evil.example"))
    assert not same_destination(one, parse_esp_url("esp://brevo"))


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("esp://", "names no email service"),
        ("esp://carrier_pigeon", "known are amazon_ses"),
        ("esp://test", "known are amazon_ses"),
        ("esp://base_requests", "known are amazon_ses"),
        ("esp://postmark:443", "without port"),
        ("esp://me@postmark", "without port, user"),
        ("esp://postmark/path", "without port, user or path"),
        ("esp://postmark:none", "cannot be read"),
        ("esp://postmark?sender_domain=x", "unknown option “sender_domain”; Postmark knows api_url"),
        ("esp://postmark?debug_api_requests=yes", "unknown option"),
        ("esp://postmark?ignore_recipient_status=1", "unknown option"),
        ("esp://postmark?extra.=1", "unknown option"),
        ("esp://postmark?api_url=http://api.example.com", "is an https:// address"),
        ("esp://postmark?api_url=https://u:p@api.example.com", "is an https:// address"),
        ("esp://postmark?api_url=file:///etc/passwd", "is an https:// address"),
        ("esp://postmark?api_url=https://[x/", "is an https:// address"),
        ("esp://amazon_ses?region_name=x&endpoint_url=http://10.0.0.1", "is an https:// address"),
        ("esp://postmark?timeout=soon", "must be a number"),
        ("esp://postmark?connections=0", "must be a number"),
        ("esp://postmark?rate=fast", "mails a second"),
        ("esp://:secret@mailjet", "several secrets"),
    ],
)
def test_a_wrong_url_says_what_is_wrong_and_no_secret(url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_esp_url(url)
    assert complaint in str(refusal.value)
    assert "secret@" not in str(refusal.value)
