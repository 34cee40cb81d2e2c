"""The address that an email service posts its events to: secret, one for each provider."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.utils.crypto import constant_time_compare

from undelivered.delivery import secrets
from undelivered.delivery.models import Provider
from undelivered.delivery.transports import esp_url
from undelivered.delivery.transports.esp_url import is_esp


def url(provider: Provider) -> str | None:
    """None where the provider has none. Raises `secrets.Unreadable` if it was stored under another secret key."""
    if not provider.hook_secret or not is_esp(provider.url) or not _has_events(provider.url):
        return None
    return f"{settings.PUBLIC_URL}{path(provider.pk, secrets.decrypt(provider.hook_secret))}"


def _has_events(url: str) -> bool:
    try:
        return esp_url.parse_esp_url(url).esp.events
    except ValueError:  # a service that another version of Anymail knew
        return False


def path(provider_id: int, secret: str) -> str:
    return f"/hooks/{provider_id}/{quote(secret, safe='')}/"


def opens(provider: Provider, secret: str) -> bool:
    known = secrets.decrypt(provider.hook_secret)
    return bool(known) and constant_time_compare(secret, known)
