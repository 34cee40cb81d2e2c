"""Looks into the mailboxes, each at its own pace: a loop of the worker. `poll_once` is one turn.

Any number of workers may poll: a mailbox is looked into by one at a time, and no sooner than it is due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from undelivered.database.threads import in_thread
from undelivered.delivery import secrets
from undelivered.delivery.transports.oauth import NoToken, Tokens
from undelivered.inbound import mailbox_url
from undelivered.inbound.mailbox import Looked, Trouble, look
from undelivered.inbound.mailbox_url import MailboxSettings
from undelivered.inbound.models import Mailbox

_log = logging.getLogger(__name__)
TURN_S = 5.0
#: A mailbox that fails is asked less and less often, up to this.
LONGEST_PAUSE = timedelta(minutes=15)
AT_ONCE = 4
Look = Callable[[Mailbox, MailboxSettings, str], Looked | None]


class Poller:
    """`run`, until cancelled."""

    def __init__(self, look: Look = look) -> None:
        self.look = look
        self._tokens: dict[tuple[int, datetime], Tokens] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        while True:
            try:
                await self.poll_once()
            except Exception as error:
                _log.warning("mailboxes could not be looked into: %s", " ".join(str(error).split())[:300])
            await asyncio.sleep(TURN_S)

    async def poll_once(self, now: datetime | None = None) -> int:
        """Looks into those that are due; how many."""
        boxes = await in_thread(lambda: due(now or timezone.now()))
        await asyncio.gather(*(self._one(box) for box in boxes))
        return len(boxes)

    async def _one(self, mailbox: Mailbox) -> None:
        async with self._places:
            try:
                settings = mailbox_url.parse(mailbox.url)
                secret = await self._secret(mailbox, settings)
                looked = await in_thread(lambda: self.look(mailbox, settings, secret))
            except (Trouble, NoToken, secrets.Unreadable, ValueError) as error:
                await self._failed(mailbox, str(error))
            except Exception as error:
                _log.exception("mailbox %s could not be looked into", mailbox.pk)
                await self._failed(mailbox, f"Undelivered made a mistake: {error}")
            else:
                if looked is not None:
                    await in_thread(lambda: went_well(mailbox, looked))

    async def _failed(self, mailbox: Mailbox, why: str) -> None:
        self._tokens.pop((mailbox.pk, mailbox.changed_at), None)  # perhaps it is the token that is refused
        await in_thread(lambda: failed(mailbox, why))

    async def _secret(self, mailbox: Mailbox, settings: MailboxSettings) -> str:
        """The password, or an access token, which is kept until shortly before it expires."""
        stored = secrets.decrypt(mailbox.secret)
        if settings.oauth is None:
            return stored
        key = (mailbox.pk, mailbox.changed_at)
        if key not in self._tokens:
            self._tokens = {known: tokens for known, tokens in self._tokens.items() if known[0] != mailbox.pk}
            self._tokens[key] = Tokens(settings.oauth, stored)
        token, _ = await self._tokens[key].get()
        return token


def due(now: datetime) -> list[Mailbox]:
    """The mailboxes whose time has come."""
    return [one for one in Mailbox.objects.select_related("project") if next_look(one) <= now]


def next_look(mailbox: Mailbox) -> datetime:
    """When a mailbox is looked into again: after its interval, which doubles as long as it fails."""
    if mailbox.checked_at is None:
        return mailbox.changed_at
    try:
        pause = timedelta(seconds=mailbox_url.parse(mailbox.url).every_s)
    except ValueError:
        pause = LONGEST_PAUSE
    if mailbox.failing_since is not None:
        pause = max(pause, min(mailbox.checked_at - mailbox.failing_since, LONGEST_PAUSE))
    return mailbox.checked_at + pause


def failed(mailbox: Mailbox, why: str) -> None:
    now = timezone.now()
    if mailbox.failing_since is None:
        _log.warning("mailbox %s cannot be looked into: %s", mailbox.pk, why)
    _note(mailbox, checked_at=now, failing_since=mailbox.failing_since or now, error=why[:1000])


def went_well(mailbox: Mailbox, looked: Looked) -> None:
    if mailbox.failing_since is not None:
        _log.warning("mailbox %s can be looked into again", mailbox.pk)
    _note(mailbox, checked_at=None if looked.more else timezone.now(), failing_since=None, error="")


def _note(mailbox: Mailbox, **values: object) -> None:
    """Unless it was changed meanwhile: then this was about another one."""
    Mailbox.objects.filter(pk=mailbox.pk, changed_at=mailbox.changed_at).update(**values)
