"""Whether a connection that was kept still lives is seen from its socket, instead of asked each time it is used.

A server that ends or restarts closes its connections, so there is something to read where nothing was asked for. Asking
costs a round trip, a fifth of a short API call. What the socket does not tell is noticed by the statement that follows,
as with a question.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool


def is_silent(connection: psycopg.Connection[Any] | AsyncConnection[Any]) -> bool:
    """False where the server has said something that nobody asked for, or nobody can tell."""
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not connection.closed and not poll.poll(0)
    except (psycopg.Error, OSError, ValueError):
        return False


async def check(connection: AsyncConnection[Any]) -> None:
    """A pool's look at a connection before it is used: the server is asked only where the socket says something."""
    if not is_silent(connection):
        await AsyncConnectionPool.check_connection(connection)
