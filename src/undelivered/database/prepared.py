"""Statements that come again and again: prepared once a connection, on Django's own and in its transaction.

Django binds values on its own side, so that PostgreSQL reads and plans every query anew. These are planned a few times
at most: not for what needs its values to be planned, as ranges of ids do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections


def execute(sql: str, parameters: Mapping[str, Any] | Sequence[Any], *, prepare: bool = True) -> list[tuple[Any, ...]]:
    """The rows that it returns, if it returns any. `prepare`: False: it is planned each time, with its values."""
    connection = connections[DEFAULT_DB_ALIAS]  # `django.db.connection` looks it up each time it is touched
    # What Django does before each query: the connection is there and lives, and its transaction is not broken.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.validate_thread_sharing()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(sql, parameters, prepare=prepare, binary=not prepare)
        if connection.queries_logged:  # tests count them among Django's own
            connection.queries_log.append({"sql": sql, "time": "0.000"})
        return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
