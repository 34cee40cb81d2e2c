"""A mail's transaction begun behind the last dot of the mail before it, in one go (RFC 2920, section 3.1).

It saves a mail one of its two journeys to the provider and back. Nothing is risked by it: until its own text is sent,
the mail that was begun is surely not delivered, and can begin again elsewhere.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from undelivered.delivery.transports import Lane, Parcel
from undelivered.delivery.transports.connection import Connection
from undelivered.delivery.transports.envelope import Mail, commands
from undelivered.delivery.transports.pool import MAILS_PER_CONNECTION, Pool
from undelivered.delivery.transports.talk import Talk

NOT_AGAIN_S = 3600.0
"""For so long a server that loses what comes behind a dot is spoken to mail by mail."""
QUICK_S = 0.1
"""A mail is begun only behind one that is likely to be taken within so long: else it would wait in a slow lane."""


@dataclass(slots=True)
class Ahead:
    """A mail that was begun. Its replies are the next that come. It holds its connection's place in the pool."""

    parcel: Parcel
    mail: Mail
    connection: Connection
    habit: Habit
    pool: Pool
    talk: Talk = field(default_factory=Talk)

    def drop(self) -> None:
        self.connection.discard()
        self.pool.places.release()

    def is_of(self, parcel: Parcel) -> bool:
        mine = self.parcel
        return mine.message is parcel.message and mine == parcel

    def begin(self) -> bytes:
        """What is said behind the dot. Raises NotSent."""
        before, self.connection.talk = self.connection.talk, self.talk
        try:
            self.talk.note("on an open connection, behind the dot of the mail before it")
            return self.connection.words(*commands(self.connection, self.mail), b"DATA")
        finally:
            self.connection.talk = before


class Habit:
    """What a provider has shown of it."""

    def __init__(self) -> None:
        self.proven = False
        self._not_until = 0.0

    def broken(self) -> None:
        """What was said behind a dot was not answered, or not in order."""
        self.proven, self._not_until = False, time.monotonic() + NOT_AGAIN_S

    def next(self, lane: Lane | None, connection: Connection, pool: Pool) -> tuple[Ahead, bytes] | None:
        """The mail to begin behind the dot that comes now, and the words for it."""
        if (
            lane is None
            or not lane.quick
            or connection.mails >= MAILS_PER_CONNECTION
            or time.monotonic() < self._not_until
        ):
            return None
        parcel = lane.following()
        if parcel is None:
            return None
        try:
            ahead = Ahead(parcel, Mail.of(*parcel), connection, self, pool)
            return ahead, ahead.begin()
        except Exception:  # whatever is wrong with it is said when it is its turn; the mail before it goes on
            return None
