"""Anymail's view of an ESP's webhooks, its checks and its parser, with the settings of one provider."""

from __future__ import annotations

import warnings
from typing import Any

from undelivered.delivery.transports.esp_url import EspSettings

# That Anymail no longer tests SendGrid is said in docs/providers.md, not in every process's log.
warnings.filterwarnings("ignore", module="anymail", message="django-anymail has dropped official support")


class _Quiet:
    """Anymail warns of webhooks without basic authentication. Ours have a secret in their address."""

    @property
    def warn_if_no_basic_auth(self) -> bool:
        return False

    @warn_if_no_basic_auth.setter
    def warn_if_no_basic_auth(self, value: bool) -> None:
        """Some views say by themselves whether they want to warn."""


def view_of(settings: EspSettings, address: str) -> Any:
    """Raises `ImproperlyConfigured` where a secret is lacking, and ValueError where one cannot be used.

    `address`: where the webhook is, as the ESP knows it: some sign it, too.
    """
    kind = settings.esp.webhook()
    quiet = type(kind.__name__, (_Quiet, kind), {})
    given = {**settings.options, **settings.secrets}
    known = {name: given[name] for name in settings.esp.hears if given.get(name)}
    return quiet(**known, webhook_url=address, auto_confirm_sns_subscriptions=False)
