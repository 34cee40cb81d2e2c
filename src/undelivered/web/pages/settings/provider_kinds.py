"""The kinds of provider that can be set up: mail servers, and every email service that Anymail knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from undelivered.delivery.models import Provider
from undelivered.delivery.transports import esps
from undelivered.delivery.transports.esp_url import is_esp, parse_esp_url
from undelivered.delivery.transports.esps import Esp
from undelivered.delivery.transports.oauth_url import Grant

SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class Kind:
    """`initial`: what its form begins with. `advice`: what has to be done at the provider first."""

    name: str
    label: str
    hint: str
    initial: Mapping[str, object] = field(default_factory=dict)
    advice: str = ""
    esp: Esp | None = None


SERVERS = (
    Kind(SMTP, "Mail server", "Your own, or the SMTP address of any provider", {"security": "smtp", "port": 587}),
    Kind(
        "microsoft",
        "Microsoft 365",
        "SMTP, logged in with a token",
        {
            "host": "smtp.office365.com",
            "port": 587,
            "security": "smtp+starttls",
            "login": Grant.CLIENT.value,
            "token_url": "https://login.microsoftonline.com/TENANT-ID/oauth2/v2.0/token",
            "scope": "https://outlook.office365.com/.default",
        },
        "In Entra ID, register an application with the permission SMTP.SendAsApp of Office 365 Exchange Online, let an "
        "administrator consent, and give its service principal access to the mailbox in Exchange Online. The password "
        "is the application's client secret; put your tenant's ID into the token URL.",
    ),
    Kind(
        "google",
        "Google Workspace",
        "SMTP, logged in with a token",
        {
            "host": "smtp.gmail.com",
            "port": 587,
            "security": "smtp+starttls",
            "login": Grant.REFRESH.value,
            "token_url": "https://oauth2.googleapis.com/token",
        },
        "Make an OAuth client in the Google Cloud console, and consent once, as the mailbox's owner, to the scope "
        "https://mail.google.com/. The password is the client secret, a space, and the refresh token that you got.",
    ),
)


@cache
def services() -> tuple[Kind, ...]:
    return tuple(Kind(esp.name, esp.label, _hint(esp), esp=esp) for esp in esps.known())


def find(name: str) -> Kind | None:
    return next((kind for kind in (*SERVERS, *services()) if kind.name == name), None)


def of(provider: Provider) -> Kind:
    """What a stored one is: each SMTP server is edited as one."""
    if not is_esp(provider.url):
        return SERVERS[0]
    return next(kind for kind in services() if kind.esp == parse_esp_url(provider.url).esp)


def _hint(esp: Esp) -> str:
    return "API, with events by webhook" if esp.events else "API; it tells of no bounces"
