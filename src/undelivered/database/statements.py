"""One piece of work of several statements, written once for both kinds of connection.

It is a generator: it yields a statement with its parameters, and gets the rows back. Values are arrays of
`database.arrays`, ids and moments; they come back in their binary form.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from psycopg import AsyncConnection

from undelivered.database import prepared

T = TypeVar("T")
Rows = list[tuple[Any, ...]]
Statements = Generator[tuple[str, Sequence[Any]], Rows, T]


def run(work: Statements[T]) -> T:
    """On Django's connection and in its transaction. Each is planned with its values, as ranges of ids must be."""
    try:
        sql, parameters = next(work)
        while True:
            sql, parameters = work.send(prepared.execute(sql, parameters, prepare=False))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def run_on(connection: AsyncConnection[Any], work: Statements[T]) -> T:
    """On a connection of one's own."""
    try:
        sql, parameters = next(work)
        while True:
            async with connection.cursor(binary=True) as cursor:
                await cursor.execute(sql, parameters)
                rows = await cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
            sql, parameters = work.send(rows)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
