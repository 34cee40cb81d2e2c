"""Takes one mail that came back from a mail server's pipe: into PostgreSQL, or onto the disk, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, BinaryIO

from undelivered.inbound import arrivals
from undelivered.inbound.arrivals import KEPT, NewArrival
from undelivered.inbound.models import Door
from undelivered.inbound.outbox import Away, Outbox, Unfit
from undelivered.inbound.spool import Spool

_log = logging.getLogger(__name__)
PATIENCE_S = 5.0
WAKE_S = 1.0


class NoRoom(Exception):
    """It was not taken: the mail server must try again."""


def read(stream: BinaryIO) -> tuple[bytes, int]:
    """As much of the mail as is kept, and its size. All of it is read: a mail server minds a pipe that is closed."""
    raw = stream.read(KEPT)
    size = len(raw)
    while more := stream.read(KEPT):
        size += len(more)
    return raw, size


def arrivals_of(raw: bytes, size: int, to: Sequence[str], sender: str | None) -> list[NewArrival]:
    """An arrival for each recipient; one where the mail server says none, and the headers must."""
    about = {"from": sender, "size": size if size > len(raw) else None}
    known: dict[str, Any] = {name: value for name, value in about.items() if value}
    return [NewArrival(Door.PIPE, raw, {"to": one, **known} if one else known) for one in to or ("",)]


async def keep(given: Sequence[NewArrival], outbox: Outbox, spool: Spool) -> None:
    """Durable when it returns. Raises `NoRoom`."""
    try:
        await outbox.store(given, PATIENCE_S)
    except (Away, Unfit) as error:  # what PostgreSQL refuses is put aside later, by the door that drains the spool
        _log.debug("PostgreSQL does not take it: %s", error)
        _spool(given, spool)
        return
    try:
        await outbox.wake(arrivals.CHANNEL, WAKE_S)
    except (Away, Unfit) as error:
        _log.debug("nobody was woken: %s", error)


def _spool(given: Sequence[NewArrival], spool: Spool) -> None:
    try:
        spool.prepare()
        if spool.full():
            raise NoRoom(f"there is not enough free space in {spool.folder}")
        spool.write(given)
    except OSError as error:
        raise NoRoom(f"neither PostgreSQL nor {spool.folder} can take it: {error}") from error
