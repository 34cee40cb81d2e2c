"""A provider as its page shows it: what its URL says, in words."""

from __future__ import annotations

from dataclasses import dataclass

from undelivered.delivery.models import Provider
from undelivered.delivery.transports.esp_url import EspSettings, is_esp, parse_esp_url
from undelivered.delivery.transports.provider_url import Security, SmtpSettings, parse_provider_url
from undelivered.web.pages.settings.provider_forms import spelled

SECURITY = {
    Security.NONE: "None",
    Security.IF_OFFERED: "STARTTLS where the server offers it",
    Security.STARTTLS: "STARTTLS, or no mail",
    Security.TLS: "TLS from the start",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """`facts`: (label, value). `hook`: the address for its webhooks, where the viewer may know it."""

    provider: Provider
    facts: list[tuple[str, str]]
    label: str = ""  # of an email service
    hook: str | None = None
    tells: bool = True  # whether anything is heard of bounces
    unreadable: bool = False


def shown(provider: Provider, *, hook: str | None, unreadable: bool) -> Shown:
    if is_esp(provider.url):
        settings = parse_esp_url(provider.url)
        secret = "Stored, encrypted" if provider.secret else "None"
        facts = [("Service", settings.esp.label), ("Secrets", secret), *_options(settings), *_paces(settings)]
        return Shown(provider, facts, settings.esp.label, hook, settings.esp.events, unreadable)
    return Shown(provider, _server(provider), unreadable=unreadable)


def _server(provider: Provider) -> list[tuple[str, str]]:
    where = parse_provider_url(provider.url)
    security = SECURITY[where.security] + ("" if where.verify else "; the certificate is not checked")
    facts = [("Host", f"{where.host}, port {where.port}"), ("Security", security)]
    facts.append(("User name", where.username or "None"))
    kept = "Stored, encrypted" if provider.secret else "None"
    facts.append(("Token", f"From {where.oauth.host}; secret: {kept.lower()}") if where.oauth else ("Password", kept))
    if where.helo_name:
        facts.append(("Our name", where.helo_name))
    return facts + _paces(where)


def _options(settings: EspSettings) -> list[tuple[str, str]]:
    return [(spelled(name), value) for name, value in settings.options.items()] + list(settings.extra.items())


def _paces(settings: SmtpSettings | EspSettings) -> list[tuple[str, str]]:
    found = []
    if settings.rate is not None:
        found.append(("Rate", f"{settings.rate:g} mails a second"))
    if settings.domain_connections is not None:
        found.append(("To one domain", f"{settings.domain_connections} at once"))
    return found
