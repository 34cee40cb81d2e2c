"""Ways to hand a mail to a provider: each takes an envelope and bytes, and answers with an outcome. None raises."""

from __future__ import annotations

from typing import Protocol

from undelivered.delivery.outcomes import Outcome


class Transport(Protocol):
    """What a worker needs of a way to send."""

    async def send(self, envelope_from: str, recipient: str, message: bytes, *, smtputf8: bool = False) -> Outcome:
        """Hand over one mail for one recipient. An empty `envelope_from` is the null sender of bounces."""
        ...

    async def close(self) -> None:
        """Say goodbye on every open connection."""
        ...
