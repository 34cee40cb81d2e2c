"""An index on a partitioned table, made while everything runs: per partition CONCURRENTLY, then attached.

`CREATE INDEX` on the parent would hold up every writer until all days are indexed, and CONCURRENTLY is not to be had
there. So: an index on the parent alone (not valid yet, and instant), one on each partition without holding up anybody,
each attached to the parent's; with the last one the parent's becomes valid. What was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import psycopg
from django.db import DatabaseError, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from undelivered.database.partitions import Execute

#: PostgreSQL's names are cut off after so many bytes.
LONGEST_NAME = 63
#: How long to wait for a lock while others wait behind us.
LOCK_TIMEOUT_MS = 200

_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = '{table}'::regclass ORDER BY c.relname DESC
"""
_ATTACHED = """
SELECT t.relname FROM pg_inherits i JOIN pg_index x ON x.indexrelid = i.inhrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE i.inhparent = '{index}'::regclass
"""
_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{index}')"

#: A day was dropped while its index was being made: there is nothing to index any more.
GONE = psycopg.errors.UndefinedTable
#: Somebody else has the table now: the same again later will do.
LOCKED = psycopg.errors.LockNotAvailable


def create(execute: Execute, table: str, index: str, what: str) -> list[str]:
    """Makes `index` on `table` and all its partitions; the partitions that had none yet.

    `what` is all that follows the table's name: `(project_id, id DESC) WHERE state = 'failed'`. `execute` must be in
    autocommit mode, and raise psycopg's errors.
    """
    _patiently(execute, f"CREATE INDEX IF NOT EXISTS {index} ON ONLY {table} {what}")
    made: list[str] = []
    while missing := _without(execute, table, index):
        for partition in missing:  # the newest first: that is what is read most
            try:
                _one(execute, index, partition, what)
            except GONE:
                continue
            made.append(partition)
    row = execute(_VALID.format(index=index)).fetchone()
    assert row == (True,), f"{index} is not valid, though every partition has it"
    return made


def drop(execute: Execute, index: str) -> None:
    """Drops it from the table and all its partitions at once, without anybody waiting for longer than 200 ms."""
    _patiently(execute, f"DROP INDEX IF EXISTS {index}")


def name_on(index: str, partition: str) -> str:
    """The index's name on one partition: readable where it fits, and never that of another one."""
    name = f"{partition}_{index}"
    if len(name) > LONGEST_NAME:
        mark = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: LONGEST_NAME - 9]}_{mark}"
    return name


def _one(execute: Execute, index: str, partition: str, what: str) -> None:
    own = name_on(index, partition)
    if execute(_VALID.format(index=own)).fetchone() == (False,):  # what an interrupted one left behind
        execute(f"DROP INDEX CONCURRENTLY IF EXISTS {own}")
    execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {own} ON {partition} {what}")
    _patiently(execute, f"ALTER INDEX {index} ATTACH PARTITION {own}")


def _without(execute: Execute, table: str, index: str) -> list[str]:
    """The partitions that have no index attached yet."""
    attached = {row[0] for row in execute(_ATTACHED.format(index=index)).fetchall()}
    return [row[0] for row in execute(_PARTITIONS.format(table=table)).fetchall() if row[0] not in attached]


def _patiently(execute: Execute, sql: str, pause_s: float = 0.2) -> None:
    """Asks again and again for a lock, a moment each: whoever waits for a lock holds up all who come after."""
    execute(f"SET lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
    try:
        while True:
            try:
                execute(sql)
            except LOCKED:
                time.sleep(pause_s)
            else:
                return
    finally:
        execute("SET lock_timeout = DEFAULT")


class AddIndexByPartition(migrations.AddIndex):
    """`AddIndex` for a hot table. The migration must say `atomic = False`: nothing of this works in a transaction."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        what = _what(self.index, model, schema_editor)
        create(_plain(schema_editor), model._meta.db_table, self.index.name, what)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        drop(_plain(schema_editor), self.index.name)


class RemoveIndexByPartition(migrations.RemoveIndex):
    """`RemoveIndex` for a hot table; the migration must say `atomic = False`, too."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        drop(_plain(schema_editor), self.name)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        index = next(one for one in model._meta.indexes if one.name == self.name)
        create(_plain(schema_editor), model._meta.db_table, self.name, _what(index, model, schema_editor))


def _plain(schema_editor: BaseDatabaseSchemaEditor) -> Execute:
    """Django's connection, with psycopg's errors: Django has one name for a lock and for a server that is away."""

    def execute(sql: str) -> Any:
        cursor = schema_editor.connection.cursor()
        try:
            return cursor.execute(sql)
        except DatabaseError as error:
            raise error.__cause__ or error from None

    return execute


def _what(index: models.Index, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
    """What Django writes behind the table's name."""
    sql = str(index.create_sql(model, schema_editor))
    quoted: Any = schema_editor.quote_name(model._meta.db_table)
    return sql.partition(f" ON {quoted} ")[2]
