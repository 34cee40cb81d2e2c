"""What is stored of a provider that somebody enters: an SMTP server, or an email service (ESP) with its webhook."""

from __future__ import annotations

import secrets as random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from undelivered.delivery import secrets
from undelivered.delivery.hook_views import view_of
from undelivered.delivery.models import Provider, ReturnPath
from undelivered.delivery.transports import esp_url
from undelivered.delivery.transports.esp_url import EspSettings, is_esp
from undelivered.delivery.transports.provider_url import parse_provider_url, read_provider_url

#: Bytes of chance in a webhook's address.
HOOK_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class Entry:
    """`url`: without secrets. `secret`: encrypted. `hosts`: whom a project names there. `values`: more of the row."""

    url: str
    name: str
    secret: str
    hosts: list[str]
    values: dict[str, Any] = field(default_factory=dict)


def entered(url: str, password: str | None, old: Provider | None, *, by_project: bool = False) -> Entry:
    """Raises ValueError with a sentence on an unusable URL, or where a secret is lacking.

    What is stored already stays where nothing else is given and it goes to the same server as before.
    """
    return _esp(url, password, old, by_project) if is_esp(url) else _smtp(url, password, old)


def without_password(url: str) -> str:
    if is_esp(url):
        return esp_url.without_secrets(url)
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    user = f"{quote(parts.username, safe='%')}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=user + host))


def holds(old: Provider, url: str) -> bool:
    """Whether what is stored is what this URL says, its secrets included."""
    if old.url != without_password(url):
        return False
    with suppress(secrets.Unreadable, ValueError):
        kept, new = secrets.decrypt(old.secret), read_provider_url(url)
        if not isinstance(new, EspSettings):
            return kept == new.password
        return {**esp_url.named(new.esp, kept), **new.secrets} == esp_url.named(new.esp, kept)
    return False


def _smtp(url: str, password: str | None, old: Provider | None) -> Entry:
    parsed, shown = parse_provider_url(url), without_password(url)
    secret = parsed.password if password is None else password
    keep = old is not None and not secret and _same_server(old.url, shown)
    hosts = [parsed.host, *([parsed.oauth.host] if parsed.oauth else [])]
    another = old is not None and not _same_login(old.url, shown)  # what it makes of our return path is not known yet
    return Entry(
        shown,
        parsed.host,
        old.secret if keep and old else secrets.encrypt(secret),
        hosts,
        {"return_path": ReturnPath.LOGIN, "hook_secret": ""} if another else {},
    )


def _same_login(one: str, other: str) -> bool:
    """Whether it is the same user of the same server, however it is connected to."""
    if is_esp(one):
        return False
    a, b = parse_provider_url(one), parse_provider_url(other)
    return (a.host, a.username) == (b.host, b.username)


def _same_server(one: str, other: str) -> bool:
    """Whether a password goes to the same server, for the same user, over a connection that is as safe."""
    if is_esp(one):
        return False
    a, b = parse_provider_url(one), parse_provider_url(other)
    return (a.host, a.port, a.security, a.username, a.verify, a.oauth) == (
        b.host, b.port, b.security, b.username, b.verify, b.oauth,
    )  # fmt: skip


def _esp(url: str, password: str | None, old: Provider | None, by_project: bool) -> Entry:
    parsed = esp_url.parse_esp_url(url)
    kept, hook = _kept(parsed, old)
    given = parsed.with_secrets(kept | esp_url.named(parsed.esp, password or ""))
    if lacks := given.lacks(by_project=by_project):
        raise ValueError(f"{parsed.esp.label} needs {' and '.join(lacks)}.")
    if by_project and "endpoint_url" in parsed.options:  # another library goes there, and does not look where it leads
        raise ValueError("The option endpoint_url is for the site's provider only.")
    _refuse_unusable(given)
    values = {
        "return_path": ReturnPath.PROVIDER,
        "hook_secret": hook or secrets.encrypt(random.token_urlsafe(HOOK_SECRET_BYTES)),
    }
    stored = secrets.encrypt(esp_url.stored(given.secrets))
    return Entry(esp_url.without_secrets(url), parsed.esp.label, stored, parsed.hosts, values)


def _refuse_unusable(given: EspSettings) -> None:
    """What a service signs its events with is a key of some form, which its webhook would stumble over."""
    names = [one.name for one in given.esp.secrets if one.events and one.name in given.secrets]
    if not names:
        return
    try:
        view_of(given, "https://desk.example.com/")
    except Exception:  # whatever a library makes of a key that is none
        raise ValueError(f"{given.esp.label} signs with no such {' or '.join(names)}: copy it once more.") from None


def _kept(parsed: EspSettings, old: Provider | None) -> tuple[dict[str, str], str]:
    """The secrets that are stored, and the webhook's, as far as they still hold."""
    with suppress(secrets.Unreadable, ValueError):
        if old is not None and is_esp(old.url) and esp_url.same_destination(parsed, esp_url.parse_esp_url(old.url)):
            hook = old.hook_secret if secrets.decrypt(old.hook_secret) else ""
            return esp_url.named(parsed.esp, secrets.decrypt(old.secret)), hook
    return {}, ""
