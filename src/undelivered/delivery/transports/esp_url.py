"""An email service provider (ESP) as a URL, and its secrets, which are stored apart from it.

    esp://postmark                                          and one secret, the server token
    esp://mailgun?sender_domain=mg.example.com              and its API key, perhaps its webhook signing key
    esp://amazon_ses?region_name=eu-west-1&aws_access_key_id=AKIA...

Options are the settings that Anymail has for the ESP (`esps`), those of `GENERAL`, and `extra.NAME`, which goes into
every request as it is (`extra.MessageStream=outbound` at Postmark). Secrets may stand among the options where a URL
comes from the environment, or as its password (`esp://:SECRET@postmark`) where the ESP needs one only; they are taken
out before the URL is stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from undelivered.delivery.transports import esps, url_numbers
from undelivered.delivery.transports.esps import DESTINATIONS, Esp
from undelivered.delivery.transports.oauth_url import is_loopback

SCHEME = "esp"
GENERAL = frozenset({"timeout", "connections", "rate", "domain_connections"})
EXTRA = "extra."
#: An API is slow to answer and takes many requests at once: so many are under way, where the URL says nothing.
USUAL_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class EspSettings:
    """`options`: Anymail's settings without the secrets. `extra`: goes into every request as it is."""

    esp: Esp
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = 60
    max_connections: int = USUAL_CONNECTIONS
    rate: float | None = None
    domain_connections: int | None = None
    public_only: bool = False
    """Whether addresses inside a network are refused: a project named the API. Not part of the URL."""

    @property
    def hosts(self) -> list[str]:
        """Those that the URL itself names: an own API in place of the ESP's usual one."""
        return [str(urlsplit(self.options[name]).hostname) for name in DESTINATIONS if name in self.options]

    def lacks(self, *, by_project: bool = False) -> list[str]:
        """Settings that nothing can be sent without, or that a project has to give."""
        given = {**self.options, **self.secrets}
        wanted = [one.name for one in self.esp.settings if one.needed or (one.own and by_project)]
        return [name for name in wanted if not given.get(name)]

    def with_secrets(self, secrets: Mapping[str, str]) -> EspSettings:
        return replace(self, secrets={**secrets, **self.secrets})


def is_esp(url: str) -> bool:
    return url.partition("://")[0].lower() == SCHEME


def parse_esp_url(url: str) -> EspSettings:
    """Raises ValueError with a sentence that shows no secret. Whether secrets are lacking is asked apart: `lacks`."""
    try:
        parts = urlsplit(url)
        host, port, password = parts.hostname, parts.port, unquote(parts.password or "")
    except ValueError:
        raise ValueError("The provider URL cannot be read, as in esp://postmark") from None
    if not host:
        raise ValueError("The provider URL names no email service provider, as in esp://postmark")
    if port is not None or parts.username or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("The provider URL of an email service is esp://name?option=value, without port, user or path")
    esp = esps.find(host.replace("-", "_"))
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    _refuse_unknown(esp, given)
    for name in DESTINATIONS:
        if name in given:
            _refuse_destination(name, given[name])
    secret_names = {one.name for one in esp.secrets}
    return EspSettings(
        esp,
        options={one.name: given[one.name] for one in esp.options if given.get(one.name)},
        secrets=named(esp, password) | {name: given[name] for name in given if name in secret_names},
        extra={name.removeprefix(EXTRA): value for name, value in given.items() if name.startswith(EXTRA)},
        timeout_s=url_numbers.positive(given, "timeout", 60),
        max_connections=int(url_numbers.positive(given, "connections", USUAL_CONNECTIONS)),
        rate=url_numbers.rate(given),
        domain_connections=url_numbers.whole(given, "domain_connections"),
    )


def named(esp: Esp, text: str) -> dict[str, str]:
    """Secrets by their names: JSON, or a bare one where the ESP needs no more. Raises ValueError."""
    if not text:
        return {}
    if text.startswith("{"):
        return _from_json(esp, text)
    if esp.main_secret is None:
        names = ", ".join(one.name for one in esp.secrets)
        raise ValueError(f"{esp.label} has several secrets ({names}): give them by their names")
    return {esp.main_secret: text}


def stored(secrets: Mapping[str, str]) -> str:
    """The form in which they are encrypted and kept."""
    return json.dumps({name: value for name, value in secrets.items() if value}, sort_keys=True) if secrets else ""


def without_secrets(url: str) -> str:
    """The URL as it is stored and shown."""
    settings = parse_esp_url(url)
    names = {one.name for one in settings.esp.secrets}
    rest = [(name, value) for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    query = urlencode([(name, value) for name, value in rest if name not in names], safe="/:@")
    return f"{SCHEME}://{settings.esp.name}" + (f"?{query}" if query else "")


def same_destination(one: EspSettings, other: EspSettings) -> bool:
    """Whether the same API gets to see the secrets."""
    return one.esp.name == other.esp.name and all(
        one.options.get(name) == other.options.get(name) for name in DESTINATIONS
    )


def _from_json(esp: Esp, text: str) -> dict[str, str]:
    names = {one.name for one in esp.secrets}
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(f"The secrets of {esp.label} are not JSON") from None
    if not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f"The secrets of {esp.label} are a name and a text each")
    if unknown := sorted(found.keys() - names):
        raise ValueError(f"{esp.label} has no secret “{unknown[0]}”; known are {', '.join(sorted(names))}")
    return {name: value for name, value in found.items() if value}


def _refuse_unknown(esp: Esp, given: Mapping[str, str]) -> None:
    known = GENERAL | {one.name for one in esp.settings}
    for name in given:
        if name not in known and not (name.startswith(EXTRA) and len(name) > len(EXTRA)):
            raise ValueError(
                f"The provider URL has an unknown option “{name}”; {esp.label} knows {', '.join(sorted(known))}"
            )


def _refuse_destination(name: str, url: str) -> None:
    """The secrets go there: only over an encrypted connection, or to this very machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))) or parts.username:
        raise ValueError(f"The option {name} of the provider URL is an https:// address")
