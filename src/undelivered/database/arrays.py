"""Columns of a batch as PostgreSQL reads them: one array each, in its binary form, as one parameter of a statement.

For statements that store many rows at once (`SELECT ... FROM unnest(%s::uuid[], %s::text[])`). The driver's own lists
take as long in Python as all the rest of such a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from struct import Struct
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import DumperKey, PyFormat
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEAD = Struct(
    "!iiIii"
).pack  # dimensions, whether there are nulls, type of the elements, how many, the first one's number
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)
_SMALL, _INT, _BIG = Struct("!ih").pack, Struct("!ii").pack, Struct("!iq").pack
_UUID_LENGTH = _LENGTH(16)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # where PostgreSQL counts from
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Array:
    """`oid` is the type of the whole array."""

    oid: int
    data: bytes


class _ArrayDumper(Dumper):
    """Hands over what is in PostgreSQL's form already, under the type that it says."""

    format = Format.BINARY

    def get_key(self, obj: Array, format: PyFormat) -> DumperKey:
        return (self.cls, obj.oid)  # type: ignore[return-value] # any key that can be hashed will do

    def upgrade(self, obj: Array, format: PyFormat) -> Dumper:
        one = _ArrayDumper(self.cls)
        one.oid = obj.oid
        return one

    def dump(self, obj: Array) -> Buffer | None:
        return obj.data


psycopg.adapters.register_dumper(Array, _ArrayDumper)


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _json(value: bytes) -> bytes:
    return _LENGTH(len(value) + 1) + b"\x01" + value  # the first byte is the version of the format


#: type -> (its number, the number of arrays of it, how an element is written, with its length before it)
_TYPES: dict[str, tuple[int, int, Callable[[Any], bytes]]] = {
    "uuid": (2950, 2951, lambda value: _UUID_LENGTH + value.bytes),
    "text": (25, 1009, _text),
    "bytea": (17, 1001, _bytes),
    "jsonb": (3802, 3807, _json),
    "smallint": (21, 1005, lambda value: _SMALL(2, value)),
    "int": (23, 1007, lambda value: _INT(4, value)),
    "bigint": (20, 1016, lambda value: _BIG(8, value)),
    "date": (1082, 1182, lambda value: _INT(4, value.toordinal() - _EPOCH_DAY)),
    "timestamptz": (1184, 1185, lambda value: _BIG(8, (value - _EPOCH) // _MICROSECOND)),
}


def array(kind: str, values: Iterable[UUID | str | bytes | int | date | datetime | None]) -> Array:
    """The values, all of one type of PostgreSQL's; None is NULL. JSON comes as bytes, moments with their zone."""
    element, whole, write = _TYPES[kind]
    given = list(values)
    if not given:
        return Array(whole, Struct("!iiI").pack(0, 0, element))
    first = given[0]
    if given[-1] is first and given.count(first) == len(given):  # many columns say the same of every row
        parts = [_NULL if first is None else write(first)] * len(given)
    else:
        parts = [_NULL if value is None else write(value) for value in given]
    return Array(whole, _HEAD(1, _NULL in parts, element, len(parts), 1) + b"".join(parts))
