"""A worker in a test's hands: it takes a turn when told to, and its provider answers as the test has written down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import psycopg

from undelivered.delivery import wake
from undelivered.delivery.breaker import Known
from undelivered.delivery.hands import Rules
from undelivered.delivery.models import DeliveryEvent, Notification
from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.send import Policy
from undelivered.delivery.transports import Lane
from undelivered.delivery.worker import Worker

KEEP_DAYS = 21

OK = Accepted("250 2.0.0 Ok: queued as 1", code=250, enhanced="2.0.0", stage=Stage.AFTER_DOT, host="mx.example:25")
NO_SUCH_USER = Refused("550 5.1.1 No such user here", code=550, enhanced="5.1.1", stage=Stage.RCPT)
SPAM = Refused("554 5.7.1 Message rejected as spam", code=554, enhanced="5.7.1", stage=Stage.AFTER_DOT)
FULL = TryLater("452 4.2.2 Mailbox full", code=452, enhanced="4.2.2", stage=Stage.RCPT)
GREYLISTED = TryLater("451 4.7.1 Greylisted, come back", code=451, enhanced="4.7.1", stage=Stage.RCPT)
GARBAGE = Unknown("<html>Please sign in</html>", stage=Stage.RCPT, final=True)
LOST = Unknown("The connection was lost after the whole mail was sent.", stage=Stage.AFTER_DOT)
DOWN = Unreachable("Could not connect to mx.example:25: Connection refused", stage=Stage.CONNECT)
LOGIN = Unreachable("535 5.7.8 Bad credentials", code=535, enhanced="5.7.8", stage=Stage.AUTH, our_fault=True)

Answer = Outcome | Exception | Callable[[], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Sent:
    sender: str
    recipient: str
    message: bytes
    smtputf8: bool
    own: UUID | None = None


class Scripted:
    """A transport that gives the answers of `says[recipient]` in turn, the last one again and again; else `usual`."""

    def __init__(self, usual: Answer = OK) -> None:
        self.usual = usual
        self.says: defaultdict[str, list[Answer]] = defaultdict(list)
        self.sent: list[Sent] = []

    async def send(
        self,
        envelope_from: str,
        recipient: str,
        message: bytes,
        *,
        smtputf8: bool = False,
        own: UUID | None = None,
        lane: Lane | None = None,
    ) -> Outcome:
        self.sent.append(Sent(envelope_from, recipient, message, smtputf8, own))
        answers = self.says[recipient]
        answer = (answers.pop(0) if len(answers) > 1 else answers[0]) if answers else self.usual
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Outcome) else await answer()

    async def close(self) -> None:
        """Nothing is open."""


class WorkerAt:
    """A registered worker and its loop. Between its turns the test may use Django as ever."""

    def __init__(self, script: Scripted | None = None, *, real: bool = False, **policy: Any) -> None:
        defaults = {"size_limit": 6 * 1024 * 1024, "daily_limit": None, "give_up_after": timedelta(hours=24)}
        self.script = script or Scripted()
        self.others: dict[int, Scripted] = {}  # of providers that answer by a script of their own
        rules = Rules(Policy(**{**defaults, "zone": "UTC", **policy}), KEEP_DAYS, 5)
        self.real = real
        self.worker = Worker(wake.url(), rules)
        self.runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.run(self.worker.start())
        if not self.real:

            async def transport(provider: Known) -> Scripted:
                return self.others.get(provider.id, self.script)

            self.worker.hands.transport = transport  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.worker.close(grace_s=1))
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def turn(self, limit: int = 100) -> int:
        """One turn to its end; how many mails were claimed."""
        return int(self.run(self.worker.run_once(limit)))


def state_of(id: UUID) -> tuple[str, str, str]:
    """(state, reason, cause)"""
    row = Notification.objects.get(id=id)
    return row.state, row.reason, row.cause


def types_of(id: UUID) -> list[str]:
    """The types of a notification's events, in their order."""
    return [event.type for event in DeliveryEvent.objects.filter(notification_id=id).order_by("at", "event_key")]


def make_due(id: UUID) -> None:
    """As if the pause were over."""
    Notification.objects.filter(id=id, state="queued").update(due_at=datetime.now(UTC) - timedelta(seconds=1))


async def connect() -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(wake.url(), autocommit=True)
