"""Providers: which one a project's mail is handed to, its stored password, and the pauses after its outages.

Whoever has a provider may have a second one, its fallback: that one takes the mail while the first is out of order.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from undelivered.delivery import secrets, wake
from undelivered.delivery.address_reach import why_private_ip, why_private_name
from undelivered.delivery.models import Provider, ReturnPath
from undelivered.delivery.provider_entry import entered
from undelivered.delivery.transports.esp_url import EspSettings, is_esp, named, parse_esp_url
from undelivered.delivery.transports.provider_url import SmtpSettings, parse_provider_url
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.desk.models import Project

#: `Provider.rank`
FIRST, FALLBACK = 0, 1
FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 300


def provider_for(project: Project | None) -> Provider | None:
    """The project's own provider, else the site's, else None: then its mail waits."""
    firsts = Provider.objects.filter(rank=FIRST)
    found = firsts.filter(project=project).first() if project else None
    return found or firsts.filter(project=None).first()


def fallback_of(provider: Provider) -> Provider | None:
    """The one that stands in for it: the same owner's, never somebody else's."""
    if provider.rank != FIRST:
        return None
    return Provider.objects.filter(project=provider.project, rank=FALLBACK).first()


def meanwhile(provider: Provider) -> Provider | None:
    """Who takes its mail while it is out of order; None: its mail waits."""
    other = fallback_of(provider) if provider.incident_since else None
    return other if other and not other.incident_since else None


def incident(project: Project) -> Provider | None:
    """The provider of a project while it is out of order."""
    provider = provider_for(project)
    return provider if provider and provider.incident_since else None


@transaction.atomic
def set_provider(
    project: Project | None,
    url: str,
    *,
    by: By,
    name: str = "",
    password: str | None = None,
    rehearsal: bool = False,
    rank: int = FIRST,
) -> Provider:
    """Sets the provider of a project (None: of the site). Raises ValueError with a sentence on an unusable URL.

    The password may be part of the URL or given apart; it is stored encrypted. Without one, the stored password stays
    only if scheme, host, port and user stay: else it could be sent to somebody else's server.
    """
    old = Provider.objects.filter(project=project, rank=rank).first()
    entry = entered(url, password, old, by_project=project is not None)
    if project is not None and not rehearsal:
        for host in entry.hosts:
            refuse_private(host)
    if rank != FIRST and not Provider.objects.filter(project=project, rank=FIRST).exists():
        raise ValueError("A fallback stands in for a provider: set that one first.")
    values = {
        **entry.values,
        "name": name or entry.name,
        "url": entry.url,
        "secret": entry.secret,
        "rehearsal": rehearsal,
        "changed_at": timezone.now(),
        "paused_until": None,
        "failures": 0,
        "incident_since": None,
        "incident": "",
    }
    provider, _ = Provider.objects.update_or_create(project=project, rank=rank, defaults=values)
    audit.record("provider.changed", by=by, project=project, target=provider.name, url=entry.url, **_which(rank))
    wake.after_commit()
    return provider


class Stored(Protocol):
    """What is read of a provider."""

    @property
    def url(self) -> str: ...
    @property
    def secret(self) -> str: ...
    @property
    def project_id(self) -> int | None: ...
    @property
    def rehearsal(self) -> bool: ...


def settings_of(provider: Stored, *, connections: int) -> SmtpSettings | EspSettings:
    """What a transport needs, with the secrets. Raises `secrets.Unreadable`, or ValueError on another version's URL."""
    if not is_esp(provider.url):
        return smtp_settings(provider, connections=connections)
    parsed = parse_esp_url(provider.url)
    whole = parsed.with_secrets(named(parsed.esp, secrets.decrypt(provider.secret)))
    return replace(whole, public_only=_public_only(provider))


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
        public_only=_public_only(provider),
    )


def _public_only(provider: Stored) -> bool:
    return provider.project_id is not None and not provider.rehearsal and not settings.ENV.allow_private_hosts


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
def let_bounces_go(provider: Provider, mode: ReturnPath, *, by: By) -> None:
    """Sets the envelope sender that mail leaves with. Raises ValueError where there is no choice."""
    if is_esp(provider.url) and mode is not ReturnPath.PROVIDER:
        raise ValueError(f"{provider.name} is spoken to by its API: it takes bounces itself.")
    if Provider.objects.filter(pk=provider.pk).exclude(return_path=mode).update(return_path=mode):
        change = [provider.return_path, mode.value]
        audit.record("provider.changed", by=by, project=provider.project, target=provider.name, return_path=change)


@transaction.atomic
def remove(project: Project | None, *, by: By, rank: int = FIRST) -> None:
    """Takes away a provider with its password, and with a first one its fallback, too.

    The mail of a project without one goes to the site's; where that has none, mail waits.
    """
    for own in Provider.objects.filter(project=project, rank__gte=rank).order_by("rank"):
        own.delete()
        audit.record("provider.changed", by=by, project=project, target=own.name, removed=True, **_which(own.rank))
    wake.after_commit()


def _which(rank: int) -> dict[str, bool]:
    """For the audit log."""
    return {} if rank == FIRST else {"fallback": True}


def refuse_private(host: str) -> None:
    """A project may not point the program at the inside of the network that it runs in, unless the site allows it."""
    if settings.ENV.allow_private_hosts:
        return
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        found = set()
    why = why_private_name(host) or next((w for ip in found if (w := why_private_ip(ipaddress.ip_address(ip)))), None)
    if why:
        raise ValueError(f"{host} is not a public host: {why}. A site admin can allow such hosts.")
