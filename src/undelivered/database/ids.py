"""UUIDv7 (RFC 9562, section 5.7), minted by us: id order is time order, and an id carries its creation time.

Hot tables are partitioned by these ids, so every query on them is bounded by two of them: `lowest(since)` and
`lowest(until)`.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_END = 253_402_300_799_000  # the last second of year 9999: an id that a caller made up may say a later one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_lock = threading.Lock()
_last = 0  # the milliseconds and the 12-bit counter of the last id, as one number


def uuid7() -> UUID:
    """A new id. Ids of one process rise strictly: 4,096 a millisecond, then the counter borrows from the next one."""
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns() // 1_000_000 << 12)
        stamp = _last
    return _build(stamp >> 12, stamp & 0xFFF, int.from_bytes(os.urandom(8)) >> 2)


def _build(milliseconds: int, counter: int, random: int) -> UUID:
    return UUID(int=milliseconds << 80 | _VERSION | counter << 64 | _VARIANT | random)


def uuid7_at(moment: datetime) -> UUID:
    """A new id as if minted at `moment`: for rows of another time, in tests and imports."""
    return _build(_milliseconds(moment), 0, int.from_bytes(os.urandom(8)) >> 2)


def lowest(moment: datetime) -> UUID:
    """The id that no id minted at or after `moment` is below: a bound, never the id of a row."""
    return UUID(int=_milliseconds(moment) << 80)


def created_at(id: UUID) -> datetime:
    """When the id was minted, in UTC, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=min(id.int >> 80, _END))


def day_of(id: UUID) -> date:
    """The UTC day whose partition holds the id."""
    return created_at(id).date()


def day_bounds(day: date) -> tuple[UUID, UUID]:
    """The bounds of a UTC day's partition: from the first id, up to but not including the second."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return lowest(midnight), lowest(midnight + timedelta(days=1))


def _milliseconds(moment: datetime) -> int:
    # In whole numbers: a float's rounding would put a moment into the millisecond before it. No id is older than 1970.
    return max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
