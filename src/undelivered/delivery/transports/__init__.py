"""Ways to hand a mail to a provider: each takes an envelope and bytes, and answers with an outcome. None raises."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from undelivered.delivery.outcomes import Outcome


class Transport(Protocol):
    """What a worker needs of a way to send."""

    async def send(
        self, envelope_from: str, recipient: str, message: bytes, *, smtputf8: bool = False, own: UUID | None = None
    ) -> Outcome:
        """Hand over one mail for one recipient. An empty `envelope_from` is the null sender of bounces.

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
