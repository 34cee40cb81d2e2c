"""Providers: which one a project's mail is handed to, its stored password, and the pauses after its outages."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from undelivered.delivery import secrets, wake
from undelivered.delivery.address_reach import why_private_ip, why_private_name
from undelivered.delivery.models import Provider
from undelivered.delivery.transports.provider_url import SmtpSettings, parse_provider_url
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project

FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 300


def provider_for(project: Project | None) -> Provider | None:
    """The project's own provider, else the site's, else None: then its mail waits."""
    found = Provider.objects.filter(project=project).first() if project else None
    return found or Provider.objects.filter(project=None).first()


def incident(project: Project) -> Provider | None:
    """The provider of a project while it is out of order."""
    provider = provider_for(project)
    return provider if provider and provider.incident_since else None


@transaction.atomic
def set_provider(
    project: Project | None, url: str, *, by: By, name: str = "", password: str | None = None, rehearsal: bool = False
) -> Provider:
    """Sets the provider of a project (None: of the site). Raises ValueError with a sentence on an unusable URL.

    The password may be part of the URL or given apart; it is stored encrypted. Without one, the stored password stays
    only if scheme, host, port and user stay: else it could be sent to somebody else's server.
    """
    parsed = parse_provider_url(url)
    shown = without_password(url)
    if project is not None and not rehearsal and not settings.ENV.allow_private_hosts:
        _refuse_private(parsed.host)
        if parsed.oauth:
            _refuse_private(urlsplit(parsed.oauth.token_url).hostname or "")
    old = Provider.objects.filter(project=project).first()
    secret = parsed.password if password is None else password
    keep = old is not None and old.url == shown and not secret
    values = {
        "name": name or parsed.host,
        "url": shown,
        "secret": old.secret if keep and old else secrets.encrypt(secret),
        "rehearsal": rehearsal,
        "changed_at": timezone.now(),
        "paused_until": None,
        "failures": 0,
        "incident_since": None,
        "incident": "",
    }
    provider, _ = Provider.objects.update_or_create(project=project, defaults=values)
    audit.record("provider.changed", by=by, project=project, target=provider.name, url=shown)
    wake.after_commit()
    return provider


class Stored(Protocol):
    """What is read of a provider."""

    @property
    def url(self) -> str: ...
    @property
    def secret(self) -> str: ...


def smtp_settings(provider: Stored, *, connections: int) -> SmtpSettings:
    """What a transport needs. Raises `secrets.Unreadable` if the password was stored under another secret key.

    `connections` holds where the URL says nothing of them.
    """
    parsed = parse_provider_url(provider.url)
    said = "connections" in parse_qs(urlsplit(provider.url).query)
    return replace(
        parsed,
        password=secrets.decrypt(provider.secret),
        max_connections=parsed.max_connections if said else connections,
    )


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    user = f"{quote(parts.username, safe='%')}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=user + host))


def pause_s(failures: int) -> int:
    """How long a provider rests after so many outages in a row: 5, 10, 20 ... at most 300 seconds."""
    return int(min(FIRST_PAUSE_S * 2 ** max(0, failures - 1), LONGEST_PAUSE_S))


@transaction.atomic
def resume(provider: Provider, *, by: By) -> None:
    """Ends a pause by hand: the next mail is the probe."""
    Provider.objects.filter(pk=provider.pk).update(paused_until=timezone.now() - timedelta(seconds=1))
    audit.record("provider.resumed", by=by, project=provider.project, target=provider.name)
    wake.after_commit()


@transaction.atomic
def remove(project: Project, *, by: By) -> None:
    """Takes away a project's own provider with its password: from now on its mail goes to the site's."""
    for own in Provider.objects.filter(project=project):
        own.delete()
        audit.record("provider.changed", by=by, project=project, target=own.name, removed=True)
    wake.after_commit()


def _refuse_private(host: str) -> None:
    """A project may not point the program at the inside of the network that it runs in."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        found = set()
    why = why_private_name(host) or next((w for ip in found if (w := why_private_ip(ipaddress.ip_address(ip)))), None)
    if why:
        raise ValueError(f"{host} is not a public host: {why}. A site admin can allow such hosts.")
