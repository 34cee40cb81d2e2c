"""Asks email services (ESPs) to take an address off their own suppression lists, when it is taken off ours.

A service that has an address on its list does not even try; lifting ours alone would change nothing. Asking takes a
moment and may fail: it comes after the commit of whatever lifted, and its outcome is shown and written down.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from undelivered.delivery import providers, secrets, wake
from undelivered.delivery.models import Notification, Provider
from undelivered.delivery.states import State
from undelivered.delivery.transports.esp_url import EspSettings, is_esp
from undelivered.desk import audit
from undelivered.desk.actors import UNDELIVERED, By
from undelivered.desk.models import Project

_log = logging.getLogger(__name__)
ASK_S = 5.0
#: A mail that was just queued waits for the answers, but no longer than so.
HEAD_START = timedelta(seconds=10)
#: Of one action so many notifications are asked about; more is an import, not a resend.
MOST_LATER = 50


@dataclass(frozen=True, slots=True)
class Lifted:
    """What a provider said. `ok`: as far as it goes, the address can be mailed again."""

    provider: str
    ok: bool
    sentence: str


def ask(project: Project | None, address: str, *, by: By = UNDELIVERED, complaint: bool = False) -> list[Lifted]:
    """Asks every email service that mail of this project (None: of the site) goes to; for `ASK_S` seconds in all.

    `complaint`: what was lifted is a complaint, which somebody confirmed. Without, the lists of complaints stay as they
    are. Not within a transaction: the services answer when they like.
    """
    asked = [provider for provider in _providers(project) if is_esp(provider.url)]
    if not asked:
        return []
    found = asyncio.run(_ask_all(asked, address, complaint))
    said = {one.provider: one.sentence for one in found}
    audit.record("suppression.asked", by=by, project=project, target=address, said=said)
    return found


def ask_first(project: Project, wanted: Mapping[UUID, str], *, by: By, complaint: bool = False) -> None:
    """The same in the background for notifications that were just queued: id -> address. They wait for the answers.

    In the transaction that queues them; the services are asked once it is committed.
    """
    asked = dict(list(wanted.items())[:MOST_LATER])
    if asked and any(is_esp(provider.url) for provider in _providers(project)):
        _waiting(asked).update(due_at=timezone.now() + HEAD_START)
        transaction.on_commit(lambda: _in_background(project, asked, by, complaint))


def _in_background(project: Project, asked: dict[UUID, str], by: By, complaint: bool) -> None:
    known = {"project": project, "asked": asked, "by": by, "complaint": complaint}
    threading.Thread(target=_ask_each, kwargs=known, name="provider-lift", daemon=True).start()


def _ask_each(project: Project, asked: dict[UUID, str], by: By, complaint: bool) -> None:
    try:
        for address in dict.fromkeys(asked.values()):
            ask(project, address, by=by, complaint=complaint)
        now = timezone.now()
        if _waiting(asked).filter(due_at__gt=now).update(due_at=now):
            wake.now()
    except Exception:
        _log.exception("the providers of project %s could not be asked to lift", project.pk)
    finally:
        connections.close_all()


def _waiting(asked: Mapping[UUID, str]) -> QuerySet[Notification]:
    """Those of them that nobody has tried yet."""
    ids = asked.keys()
    return Notification.objects.filter(id__in=ids, id__gte=min(ids), id__lte=max(ids), state=State.QUEUED, attempts=0)


def _providers(project: Project | None) -> list[Provider]:
    """The project's own with its fallback; else the site's."""
    own = list(Provider.objects.filter(project=project).order_by("rank")) if project else []
    return own or list(Provider.objects.filter(project=None).order_by("rank"))


async def _ask_all(asked: list[Provider], address: str, complaint: bool) -> list[Lifted]:
    return await asyncio.gather(*(_ask(provider, address, complaint) for provider in asked))


async def _ask(provider: Provider, address: str, complaint: bool) -> Lifted:
    """One provider's answer, whatever happens."""
    from undelivered.delivery.transports.esp_lists import take_off  # takes its memory only where it is used

    try:
        settings = providers.settings_of(provider, connections=1)
        assert isinstance(settings, EspSettings)
        async with asyncio.timeout(ASK_S):
            return Lifted(provider.name, *await take_off(settings, address, complaint=complaint))
    except TimeoutError:
        why = f"no answer within {ASK_S:g} seconds"
    except (secrets.Unreadable, ValueError) as error:
        why = str(error)
    except Exception as error:  # it is asked beside the way: whatever goes wrong is told, and stops nothing
        _log.warning("%s could not be asked to lift: %s", provider.name, type(error).__name__)
        why = str(error) or type(error).__name__
    return Lifted(provider.name, False, f"{provider.name} could not be asked: {why[:300]}")
