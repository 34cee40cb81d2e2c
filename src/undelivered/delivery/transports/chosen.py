"""Which transport a provider's settings ask for."""

from __future__ import annotations

from undelivered.delivery.transports import Kept
from undelivered.delivery.transports.esp_url import EspSettings
from undelivered.delivery.transports.provider_url import SmtpSettings
from undelivered.delivery.transports.smtp import SmtpTransport


def transport(settings: SmtpSettings | EspSettings) -> Kept:
    if isinstance(settings, SmtpSettings):
        return SmtpTransport(settings)
    from undelivered.delivery.transports.esp import EspTransport  # takes its memory only where it is used

    return EspTransport(settings)
