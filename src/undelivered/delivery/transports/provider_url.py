"""Where a provider is and how to talk to it: the settings of a connection, and the URL they are written as."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from undelivered.delivery.transports import esp_url, oauth_url, url_numbers
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.delivery.transports.oauth_url import OAuth


class Security(StrEnum):
    """How the connection is encrypted."""

    NONE = "none"  # never; passwords go in clear. For a server on the same machine or a closed network
    IF_OFFERED = "if-offered"  # STARTTLS when the server offers it; no password without it
    STARTTLS = "starttls"  # STARTTLS, or no mail
    TLS = "tls"  # TLS from the first byte (RFC 8314)


SCHEMES = {
    "smtp": (Security.IF_OFFERED, 587),
    "smtps": (Security.TLS, 465),
    "smtp+starttls": (Security.STARTTLS, 587),
    "smtp+plain": (Security.NONE, 25),
}


OPTIONS = oauth_url.OPTIONS | {"verify", "timeout", "connections", "helo", "auth", "rate", "domain_connections"}


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    host: str
    port: int = 587
    security: Security = Security.IF_OFFERED
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 60
    """The hard deadline from connecting up to the final dot; a large mail gets more as long as it moves on."""
    after_dot_s: float = 600
    """How long a provider may think about a mail: RFC 5321 (4.5.3.2.6) grants it ten minutes."""
    max_connections: int = 10
    helo_name: str = ""
    """Our name in EHLO; empty: the machine's, or its address in brackets."""
    verify: bool = True
    """Whether the server's certificate is checked."""
    idle_s: float = 30
    """An idle connection is closed after this long."""
    oauth: OAuth | None = None
    """Log in with a token (XOAUTH2). The password is then the client secret, the refresh token, or both: the client
    secret, a space, the refresh token."""
    rate: float | None = None
    """Mails a second, all workers together; None: what the site's settings say."""
    public_only: bool = False
    """Whether addresses inside a network are refused: a project named the host. Not part of the URL."""
    domain_connections: int | None = None
    """Mails on their way to one recipient domain at once, all workers together; None: what the site's settings say."""


def read_provider_url(url: str) -> SmtpSettings | EspSettings:
    """A provider of either kind. Raises ValueError with a sentence that shows no secret."""
    return esp_url.parse_esp_url(url) if esp_url.is_esp(url) else parse_provider_url(url)


def parse_provider_url(url: str) -> SmtpSettings:
    """Read `smtp://user:password@host:587?verify=no&timeout=30&connections=5&helo=mail.example.com`."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        known = ", ".join(f"{name}://" for name in (*SCHEMES, esp_url.SCHEME))
        raise ValueError(f"A provider URL starts with one of {known}")
    security, default_port = SCHEMES[scheme.lower()]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"The provider URL cannot be read: {error}") from None
    if not host:
        raise ValueError("The provider URL names no host, as in smtp://mail.example.com:587")
    if port == 0:
        raise ValueError("The port of the provider URL must be between 1 and 65535")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError("The provider URL ends after host and port; write / ? # in a password as %2F %3F %23")
    if parts.password and not parts.username:
        raise ValueError("The provider URL has a password but no user name")
    options = _options(parts.query)
    return SmtpSettings(
        host=host,
        port=port or default_port,
        security=security,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        verify=_yes(options.get("verify", "yes")),
        timeout_s=url_numbers.positive(options, "timeout", 60),
        max_connections=int(url_numbers.positive(options, "connections", 10)),
        helo_name=options.get("helo", ""),
        oauth=oauth_url.read(options, unquote(parts.username or ""), "provider"),
        rate=url_numbers.rate(options),
        domain_connections=url_numbers.whole(options, "domain_connections"),
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"The provider URL has an unknown option “{name}”; known are {', '.join(sorted(OPTIONS))}")
    return options


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("The option verify of the provider URL is yes or no")
    return text == "yes"
