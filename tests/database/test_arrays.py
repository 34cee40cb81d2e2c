"""Arrays in PostgreSQL's binary form come back as what they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database_server import test_server
from undelivered.database.arrays import array


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid", [UUID(int=0), UUID(int=2**128 - 1), None]),
        ("text", ["the same"] * 5),
        ("bigint", [None, None, None]),
        ("bigint", [1, 2, 1]),
        ("text", ["", "a", None, 'quotes " and \\ and {,}', "NULL", "ä\u2028\U0001f600", "x" * 100_000]),
        ("bytea", [b"", b"\x00\xff", None]),
        ("smallint", [0, -1, 32767, None]),
        ("integer", [0, -(2**31), 2**31 - 1, None]),
        ("bigint", [0, -(2**63), 2**63 - 1, None]),
        ("date", [date(2026, 11, 23), date(1970, 1, 1), date(9999, 12, 31), None]),
        ("timestamp with time zone", [datetime(2026, 11, 23, 1, 2, 3, 456789, UTC), None]),
    ],
)
def test_values_of_every_type_are_kept(kind: str, values: list[Any]) -> None:
    name = {"integer": "int", "timestamp with time zone": "timestamptz"}.get(kind, kind)
    with psycopg.connect(test_server()) as connection:
        row = connection.execute("SELECT %s, pg_typeof(%s)::text", [array(name, values)] * 2).fetchone()
    assert row == (values, f"{kind}[]")


def test_json_is_kept() -> None:
    with psycopg.connect(test_server()) as connection:
        row = connection.execute("SELECT %s", [array("jsonb", [b'{"a": [1, null]}', b"{}", None])]).fetchone()
    assert row == ([{"a": [1, None]}, {}, None],)


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    with psycopg.connect(test_server()) as connection:
        row = connection.execute("SELECT %s", [array("timestamptz", [moment])]).fetchone()
    assert row == ([moment],)


def test_an_array_may_be_empty() -> None:
    with psycopg.connect(test_server()) as connection:
        row = connection.execute("SELECT count(*) FROM unnest(%s, %s)", [array("text", []), array("uuid", [])])
        assert row.fetchone() == (0,)


def test_text_that_postgresql_cannot_hold_is_refused() -> None:
    with psycopg.connect(test_server()) as connection, pytest.raises(psycopg.DataError):
        connection.execute("SELECT %s", [array("text", ["a\x00b"])])
    with pytest.raises(UnicodeEncodeError):
        array("text", ["\udc80"])
