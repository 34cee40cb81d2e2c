"""The URL that names a provider."""

from __future__ import annotations

import pytest

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
    ],
)
def test_a_wrong_provider_url_says_what_is_wrong_and_no_secret(url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_provider_url(url)
    assert complaint in str(refusal.value)
    assert "secret" not in str(refusal.value)
