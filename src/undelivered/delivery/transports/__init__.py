"""Ways to hand a mail to a provider: each takes an envelope and bytes, and answers with an outcome. None raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from undelivered.delivery.outcomes import Outcome


class Parcel(NamedTuple):
    """What a transport is handed of a mail for one recipient. An empty `envelope_from`: the null sender of bounces."""

    envelope_from: str
    recipient: str
    message: bytes
    smtputf8: bool = False


class Begun(Protocol):
    """A mail whose transaction was begun while the one before it was on its way."""

    def drop(self) -> None:
        """It is not sent there after all."""


@dataclass(slots=True, eq=False)
class Lane:
    """Mails that leave one after the other. `following` names the one behind the mail that is on its way, if that is
    known by then; it is sent next. `begun` and `quick` are the transport's own."""

    following: Callable[[], Parcel | None]
    begun: Begun | None = None
    quick: bool = False  # the provider took the last mail without thinking it over

    def drop(self) -> None:
        if self.begun is not None:
            self.begun.drop()
            self.begun = None


class Transport(Protocol):
    """What a worker needs of a way to send."""

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
        """Hand over one mail for one recipient.

        `own` names the notification if we wrote the mail ourselves. What another program wrote goes on byte for byte.
        """
        ...

    async def close(self) -> None:
        """Say goodbye on every open connection."""
        ...


class Settings(Protocol):
    """What a worker needs to know of the settings."""

    @property
    def max_connections(self) -> int: ...


class Kept(Transport, Protocol):
    """A transport that is kept, with its connections."""

    @property
    def settings(self) -> Settings: ...
