"""The URL that names a provider."""

from __future__ import annotations

import pytest

from undelivered.delivery.transports.oauth_url import Grant, OAuth
from undelivered.delivery.transports.provider_url import Security, parse_provider_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, Security.IF_OFFERED, "", "")),
        (
            "smtp://user:p%40ss%2F@mail.example.com:2525",
            ("mail.example.com", 2525, Security.IF_OFFERED, "user", "p@ss/"),
        ),
        ("smtps://me%40x.example:pw@mail.example.com", ("mail.example.com", 465, Security.TLS, "me@x.example", "pw")),
        ("smtp+starttls://mail.example.com/", ("mail.example.com", 587, Security.STARTTLS, "", "")),
        ("smtp+plain://[::1]:1025", ("::1", 1025, Security.NONE, "", "")),
    ],
)
def test_a_provider_url_is_read(url: str, expected: tuple[object, ...]) -> None:
    got = parse_provider_url(url)
    assert (got.host, got.port, got.security, got.username, got.password) == expected


def test_a_provider_url_has_options() -> None:
    got = parse_provider_url("smtp://h.example?verify=no&timeout=30&connections=4&helo=desk.example.com")
    assert (got.verify, got.timeout_s, got.max_connections, got.helo_name) == (False, 30, 4, "desk.example.com")


def test_a_provider_url_may_name_a_way_to_get_tokens() -> None:
    got = parse_provider_url(
        "smtp+starttls://desk%40it.example@smtp.office365.example?auth=xoauth2&client_id=1-2"
        "&token_url=https://login.example/tenant/token&scope=https://outlook.example/.default"
    )
    assert got.username == "desk@it.example"
    assert got.oauth == OAuth("https://login.example/tenant/token", "1-2", "https://outlook.example/.default")
    refresh = parse_provider_url(
        "smtps://me@h.example?auth=xoauth2&client_id=1&token_url=http://127.0.0.1:8/&grant=refresh_token"
    )
    assert refresh.oauth is not None
    assert refresh.oauth.grant is Grant.REFRESH


def test_a_provider_url_may_limit_rates() -> None:
    got = parse_provider_url("smtp://h.example?rate=0.5&domain_connections=3")
    assert (got.rate, got.domain_connections) == (0.5, 3)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mail.example.com:587", "starts with one of smtp://"),
        ("http://mail.example.com", "starts with one of smtp://"),
        ("smtp://", "names no host"),
        ("smtp://mail.example.com:99999", "cannot be read"),
        ("smtp://mail.example.com:abc", "cannot be read"),
        ("smtp://mail.example.com/inbox", "ends after host and port"),
        ("smtp://:secret@mail.example.com", "no user name"),
        ("smtp://mail.example.com?tls=1", "unknown option “tls”"),
        ("smtp://mail.example.com?verify=maybe", "yes or no"),
        ("smtp://mail.example.com?timeout=soon", "must be a number"),
        ("smtp://mail.example.com?rate=fast", "mails a second"),
        ("smtp://mail.example.com?rate=nan", "mails a second"),
        ("smtp://mail.example.com?domain_connections=0", "must be a number"),
        ("smtp://me@mail.example.com?auth=plain", "auth of the provider URL is xoauth2"),
        ("smtp://me@mail.example.com?client_id=x", "but not auth=xoauth2"),
        ("smtp://mail.example.com?auth=xoauth2&client_id=x", "names no user"),
        ("smtp://me@mail.example.com?auth=xoauth2&token_url=https://login.example/t", "lacks the option client_id"),
        ("smtp://me@mail.example.com?auth=xoauth2&client_id=x", "is an https:// address"),
        ("smtp://me@h.example?auth=xoauth2&client_id=x&token_url=http://login.example/t", "is an https:// address"),
        ("smtp://me@h.example?auth=xoauth2&client_id=x&token_url=file:///etc/passwd", "is an https:// address"),
        ("smtp://me@h.example?auth=xoauth2&client_id=x&token_url=https://l.example/&grant=code", "client_credentials"),
    ],
)
def test_a_wrong_provider_url_says_what_is_wrong_and_no_secret(url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_provider_url(url)
    assert complaint in str(refusal.value)
    assert "secret" not in str(refusal.value)
