"""One piece of work of several statements, on either kind of connection."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from django.db import ProgrammingError, transaction

from tests.delivery.worker_at import connect
from undelivered.database.arrays import array
from undelivered.database.statements import run, run_on

pytestmark = pytest.mark.django_db

ID, AT = UUID(int=7), datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def work():
    rows = yield (
        "SELECT * FROM unnest(%s::uuid[], %s::timestamptz[])",
        [array("uuid", [ID]), array("timestamptz", [AT])],
    )
    nothing = yield "SET LOCAL work_mem = '5MB'", []
    [number] = yield "SELECT %s::int + 1, '{}'::jsonb->>'a'", [len(rows)]
    return rows, nothing, number


def on_a_connection_of_its_own(given):
    async def story():
        async with await connect() as connection, connection.transaction():
            return await run_on(connection, given)

    return asyncio.run(story())


@pytest.mark.parametrize("runs", [run, on_a_connection_of_its_own])
def test_each_statement_gets_its_rows_and_the_work_its_result(runs):
    assert runs(work()) == ([(ID, AT)], [], (2, None))


def nothing_to_do():
    return 5
    yield


@pytest.mark.parametrize("runs", [run, on_a_connection_of_its_own])
def test_work_without_statements_is_done_at_once(runs):
    assert runs(nothing_to_do()) == 5


def broken():
    yield "SELECT nonsense", []


def test_what_the_database_refuses_is_an_error_of_its_own_kind():
    with pytest.raises(ProgrammingError), transaction.atomic():
        run(broken())
    with pytest.raises(psycopg.errors.UndefinedColumn):
        on_a_connection_of_its_own(broken())
