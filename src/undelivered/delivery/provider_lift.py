"""Asks email services (ESPs) to take an address off their own suppression lists, when it is taken off ours.

A service that has an address on its list does not even try; lifting ours alone would change nothing. Asking takes a
moment and may fail: it comes after the commit of whatever lifted, and its outcome is shown and written down.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connections, transaction

from undelivered.delivery import providers, secrets
from undelivered.delivery.models import Provider
from undelivered.delivery.transports.esp_url import EspSettings, is_esp
from undelivered.desk import audit
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import Project

_log = logging.getLogger(__name__)
ASK_S = 5.0
#: In the background so many addresses of one action are asked about; more is an import, not a resend.
MOST_LATER = 100


@dataclass(frozen=True, slots=True)
class Lifted:
    """What a provider said. `ok`: as far as it goes, the address can be mailed again."""

    provider: str
    ok: bool
    sentence: str


def ask(project: Project | None, address: str, *, by: By = UNDELIVERED) -> list[Lifted]:
    """Asks every email service that mail of this project (None: of the site) goes to; for `ASK_S` seconds in all.

    Not within a transaction: the services answer when they like.
    """
    asked = [provider for provider in _providers(project) if is_esp(provider.url)]
    if not asked:
        return []
    found = asyncio.run(_ask_all(asked, address))
    said = {one.provider: one.sentence for one in found}
    audit.record("suppression.asked", by=by, project=project, target=address, said=said)
    return found


def ask_later(project: Project, addresses: Iterable[str], *, by: By) -> None:
    """The same in the background, once the current transaction is committed."""
    wanted = sorted(set(addresses))[:MOST_LATER]
    if wanted and lists_elsewhere(project):
        transaction.on_commit(lambda: _in_background(project, wanted, by))


def lists_elsewhere(project: Project) -> bool:
    """Whether mail of the project goes to a service that may keep a list of its own."""
    return any(is_esp(provider.url) for provider in _providers(project))


def _in_background(project: Project, addresses: list[str], by: By) -> None:
    threading.Thread(target=_ask_each, args=[project, addresses, by], name="provider-lift", daemon=True).start()


def _ask_each(project: Project, addresses: list[str], by: By) -> None:
    try:
        for address in addresses:
            ask(project, address, by=by)
    except Exception:
        _log.exception("the providers of project %s could not be asked to lift", project.pk)
    finally:
        connections.close_all()


def _providers(project: Project | None) -> list[Provider]:
    """The project's own with its fallback; else the site's."""
    own = list(Provider.objects.filter(project=project).order_by("rank")) if project else []
    return own or list(Provider.objects.filter(project=None).order_by("rank"))


async def _ask_all(asked: list[Provider], address: str) -> list[Lifted]:
    return await asyncio.gather(*(_ask(provider, address) for provider in asked))


async def _ask(provider: Provider, address: str) -> Lifted:
    """One provider's answer, whatever happens."""
    from undelivered.delivery.transports.esp_lists import take_off  # takes its memory only where it is used

    try:
        settings = providers.settings_of(provider, connections=1)
        assert isinstance(settings, EspSettings)
        async with asyncio.timeout(ASK_S):
            return Lifted(provider.name, *await take_off(settings, address))
    except TimeoutError:
        why = f"no answer within {ASK_S:g} seconds"
    except (secrets.Unreadable, ValueError) as error:
        why = str(error)
    except Exception as error:  # it is asked beside the way: whatever goes wrong is told, and stops nothing
        _log.warning("%s could not be asked to lift: %s", provider.name, type(error).__name__)
        why = str(error) or type(error).__name__
    return Lifted(provider.name, False, f"{provider.name} could not be asked: {why[:300]}")
