"""Prepared statements on Django's own connection: in its transaction, with its errors."""

from __future__ import annotations

import pytest
from django.db import DataError, connection, transaction
from django.db.transaction import TransactionManagementError

from undelivered.database import prepared

pytestmark = pytest.mark.django_db


def test_rows_come_back_and_the_statement_is_prepared() -> None:
    sql = "SELECT %s::int + 1 AS one_more"
    assert [prepared.execute(sql, [n]) for n in range(3)] == [[(1,)], [(2,)], [(3,)]]
    found = prepared.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%one_more%"])
    assert found == [(1,)]


def test_it_is_counted_among_django_s_queries(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        prepared.execute("SELECT %s::int", [1])


def test_it_is_part_of_the_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (n int)")
    with transaction.atomic():
        assert prepared.execute("INSERT INTO kept VALUES (%s)", [1]) == []
        transaction.set_rollback(True)
    assert prepared.execute("SELECT count(*) FROM kept WHERE n > %s", [0]) == [(0,)]


def test_errors_are_django_s_and_a_broken_transaction_takes_no_more() -> None:
    with transaction.atomic():
        with pytest.raises(DataError):
            prepared.execute("SELECT %s::text::int", ["one"])
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            prepared.execute("SELECT %s::int", [1])
