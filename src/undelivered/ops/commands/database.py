"""`undelivered migrate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from django.core.management import call_command
from django.db import DatabaseError, connection

from undelivered.database import partitions
from undelivered.ops.commands.django import start

#: One program migrates, the others wait: the name of the lock in PostgreSQL.
LOCK = "undelivered.migrate"
#: The oldest PostgreSQL that is tested.
OLDEST = 15


@click.command()
def migrate() -> None:
    """Bring the database to this version's form. Safe to call at every start, and by several programs at once."""
    start(needs_tables=False)
    with errors_in_words():
        changed = apply()
    click.echo("The database was brought up to date." if changed else "The database is up to date.")


@contextmanager
def errors_in_words() -> Iterator[None]:
    """A database that cannot be reached, or refuses, ends a command with its own words."""
    try:
        yield
    except DatabaseError as error:
        raise click.ClickException(f"The database cannot be used: {' '.join(str(error).split())}") from error


def apply() -> bool:
    """Applies the migrations that are missing and makes the partitions; whether there were any."""
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        if (major := cursor.fetchone()[0]) < OLDEST:
            raise click.ClickException(f"PostgreSQL {major} is too old: Undelivered needs {OLDEST} or newer.")
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [LOCK])
        try:
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            call_command("migrate", verbosity=0, interactive=False)
            partitions.settle(cursor.execute)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])
    return bool(plan)
